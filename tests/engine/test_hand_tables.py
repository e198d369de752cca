"""ENG-4: tables worked out by hand, on both forms of the engine and on the naive one."""

from __future__ import annotations

import dataclasses

import pytest

from model.engine import simulate
from tests.engine.naive import naive_log
from tests.engine.same import assert_same_log
from tests.hand_tables import HAND_TABLES, HandTable

each = pytest.mark.parametrize("table", HAND_TABLES, ids=lambda table: table.name)


@each
@pytest.mark.parametrize("compiled", [True, False], ids=["compiled", "uncompiled"])
def test_eng_4_engine_shows_what_the_hand_table_says(table: HandTable, compiled: bool) -> None:
    result = simulate(
        table.image, table.schedule, stalls=table.stalls, cycles=table.cycles, compiled=compiled
    )
    assert_same_log(result.log, table.log)


@each
def test_eng_4_naive_engine_shows_what_the_hand_table_says(table: HandTable) -> None:
    log = naive_log(table.image, table.schedule, table.stalls, table.cycles)
    assert_same_log(log, table.log)


def test_a_wrong_cycle_or_counter_in_a_hand_table_is_noticed() -> None:
    table = HAND_TABLES[0]
    first = table.rows[0]
    late = [(first[0] + 1, *first[1:]), *table.rows[1:]]
    for wrong in (
        dataclasses.replace(table, rows=late),
        dataclasses.replace(table, rows=table.rows[1:]),
        dataclasses.replace(table, stalled={}),
        dataclasses.replace(table, vcs=[1] * 5),
    ):
        result = simulate(wrong.image, wrong.schedule, stalls=wrong.stalls, cycles=wrong.cycles)
        with pytest.raises(AssertionError):
            assert_same_log(result.log, wrong.log)
