"""What a row of docs/faults.md is: the texts that the page shows, the tier in which its test runs, how long it holds.

fast    in every run of the tests: a few rows, holds of about a second
ci      with GATEWAY_TEST_BUDGET, unless GATEWAY_FAULTS is "fast": every row, holds of 10 s at most
full    with GATEWAY_FAULTS=full (`python -m tests.faults.full`): as the rows are written
"""

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.conftest import BUDGET

TIER = os.environ.get("GATEWAY_FAULTS") or ("ci" if BUDGET else "fast")
PATIENCE = {"fast": 180, "ci": 300, "full": 900}  # s that a test may take beyond its holds
FAST = 1000  # readings/s; such streets take turns, so that they do not keep the cores from each other


@dataclass
class Row:
    """One row. shown: the tests of it, each with its tiers."""

    number: str
    field: str
    happens: str
    promised: str
    shown: list[str] = field(default_factory=list)
    missing: str = ""  # what of it is not kept yet


ROWS: dict[str, Row] = {}
DURATIONS: dict[str, float] = {}  # s that a test takes in the full run, by its name
FLOODS: set[str] = set()  # names of the tests with a fast street


def row(
    number: str,
    field: str = "",
    happens: str = "",
    promised: str = "",
    *,
    fast: bool = False,
    root: bool = False,
    floods: bool = False,
    full: float = 60,
    missing: str = "",
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Makes a test one of row `number`. The texts are said once a row; a further test of it leaves them out.

    fast: it runs in every tier. root: only where we are root. floods: its street is a fast one, see FAST. full: s that
    it takes in the full run. missing: what is promised and not kept yet; the test fails for that, and must.
    """

    def mark(test: Callable[..., Any]) -> Callable[..., Any]:
        one = ROWS.setdefault(number, Row(number, "", "", ""))
        if field:
            assert not one.field, f"{number} has its texts twice"
            one.field, one.happens, one.promised = field, happens, promised
        one.shown.append(f"`{test.__name__}` ({'fast' if fast else 'ci'}{', root' if root else ''})")
        one.missing = one.missing or missing
        DURATIONS[test.__name__] = full
        if floods:
            FLOODS.add(test.__name__)
        marks = [pytest.mark.timeout(PATIENCE[TIER] + (full if TIER == "full" else 0))]
        marks += [] if fast else [pytest.mark.slow]
        marks += [pytest.mark.root] if root else []
        marks += [pytest.mark.xfail(strict=True, reason=missing, raises=AssertionError)] if missing else []
        for each in marks:
            test = each(test)
        return test

    return mark


def lasting(full: float, ci: float | None = None, fast: float | None = None) -> float:
    """Seconds that something lasts in this tier."""
    if TIER == "full":
        return full
    if TIER == "ci":
        return min(full, 10.0) if ci is None else ci
    return min(full, 1.5) if fast is None else fast
