"""Which envelopes were watched before: numbers of one stream, as ranges.

A resent envelope is a DUPLICATE, not LATE, even after a restart. Numbers are nearly dense, so a
stream is one to three ranges. The lowest range is forgotten beyond `MAX_RANGES`: an envelope of it
would be LATE again, and history comes out the same.
"""

from __future__ import annotations

from bisect import bisect_right

MAX_RANGES = 64

Ranges = tuple[tuple[int, int], ...]
"""First and last number of each range, ascending, never touching."""


def holds(ranges: Ranges, seq: int) -> bool:
    """Whether `seq` is in one of them."""
    index = bisect_right(ranges, seq, key=lambda span: span[0]) - 1
    return index >= 0 and seq <= ranges[index][1]


def whole_since(ranges: Ranges, seq: int) -> int:
    """The first number of the range that holds `seq`; one that none holds stands alone."""
    index = bisect_right(ranges, seq, key=lambda span: span[0]) - 1
    return ranges[index][0] if index >= 0 and seq <= ranges[index][1] else seq


def add(ranges: Ranges, seq: int) -> Ranges:
    """The ranges with `seq`."""
    if ranges and ranges[-1][1] == seq - 1:
        return (*ranges[:-1], (ranges[-1][0], seq))
    if holds(ranges, seq):
        return ranges
    index = bisect_right(ranges, seq, key=lambda span: span[0])
    first = last = seq
    before, after = ranges[:index], ranges[index:]
    if before and before[-1][1] == seq - 1:
        first, before = before[-1][0], before[:-1]
    if after and after[0][0] == seq + 1:
        last, after = after[0][1], after[1:]
    return (*before, (first, last), *after)[-MAX_RANGES:]
