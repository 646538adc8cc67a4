"""The mould of a line of pairs: its own bytes, but for its numbers.

    T1:21.50 C, MSG:12      T1:(number) C, ?MSG:(count)

It fits the lines that have the same keys, units and marks in the same order.
"""

import re
from collections.abc import Mapping

from ..numbers import SHORT
from .mould import WIDEST, Mould, Take

SKIP: Take = ("", "")
"""What a pair means whose value is not asked for."""
COUNT: Take = ("", "count")
"""What a pair means whose value is the board's own number of the record."""


def mould_of_pairs(
    line: bytes, pairs: list[tuple[bytes, bytes, bytes]], known: Mapping[tuple[bytes, bytes], Take]
) -> Mould | None:
    """The mould of a line that is made of `pairs`, key, number (a blank before it), what stands behind; None: too wide.

    line: without the blanks behind commas. known: what each pair means, by its key and what stands behind its number.
    """
    if len(pairs) > WIDEST:
        return None
    pattern, at = b"", 0
    groups: list[Take] = []
    for key, number, behind in pairs:
        if not line.startswith(key, at):  # a mark stands before it
            pattern += b", ?" if line[at] == ord(",") else re.escape(line[at : at + 1])
            at += 1
        meaning = known[key, behind]
        text = (
            rb"(\d{1,18})" if meaning == COUNT else SHORT.encode() if meaning == SKIP else b"(" + SHORT.encode() + b")"
        )
        at += len(key)
        pattern += re.escape(key + line[at : at + 1]) + b" ?" + text + re.escape(behind)
        at += 1 + len(number) + len(behind)
        groups += [] if meaning == SKIP else [meaning]
    if groups.count(COUNT) > 1:
        return None
    counted = groups.index(COUNT) if COUNT in groups else None
    return Mould(pattern, tuple(take for take in groups if take != COUNT), counted, None, ".", "")
