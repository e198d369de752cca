"""docs/design.md §11: every rule has tests, and every test that it names exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
CONTRACT = (ROOT / "docs" / "design.md").read_text(encoding="utf-8")
DEFINED = sorted(set(re.findall(r"\*\*([A-Z]{2,3}-\d)\*\*", CONTRACT)))
CITED = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", CONTRACT)
TABLE = CONTRACT.split("\n## 11.")[1].split("\n## 12.")[0]
ROWS = dict(re.findall(r"^\| ([A-Z]{2,3}-\d) \| (.+) \|$", TABLE, re.MULTILINE))


def test_the_contract_has_rules() -> None:
    assert len(DEFINED) > 35


@pytest.mark.parametrize("rule", DEFINED)
def test_every_rule_names_a_test(rule: str) -> None:
    assert re.search(r"`tests/[\w/]+\.py::\w+`", ROWS.get(rule, "")), f"{rule} has no test in §11"


@pytest.mark.parametrize(("file", "test"), CITED)
def test_every_test_the_contract_names_exists(file: str, test: str) -> None:
    text = (ROOT / file).read_text(encoding="utf-8")
    assert re.search(rf"^(async )?def {test}\(", text, re.MULTILINE)
