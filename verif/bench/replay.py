"""``python -m verif.bench.replay mismatch.pkl``: run a kept mismatch again."""

from __future__ import annotations

import sys
from pathlib import Path

from verif.bench.case import load
from verif.bench.launch import MismatchError, check_cases


def main(path: str) -> int:
    """Return 0 when the case passes now, 1 with the explanation when it still fails."""
    case, expected, simulator, bug = load(Path(path))
    try:
        check_cases([(case, expected)], simulator, bug=bug, evidence=Path(path).parent)
    except MismatchError as mismatch:
        print(mismatch)
        return 1
    print("the case passes")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
