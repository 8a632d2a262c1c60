"""One reading of one channel, and whether two are further apart than floats make them seem."""

from __future__ import annotations

from typing import NamedTuple

ROUNDING = 2.0**-51
"""Relative error of a difference of two decimal fractions as floats nearly hold them."""

NUMBER = (int, float)
"""The types of a number: a tuple, because `int | float` would be made anew at each look."""


class Reading(NamedTuple):
    """A number that the device said at `at` (ms since the epoch)."""

    at: int
    value: float


def is_further(one: float, other: float, limit: float) -> bool:
    """Whether they are more than `limit` apart; 230.3 and 230.2 are 0.1 apart, and not more."""
    if not limit:
        return one != other
    apart = abs(one - other)
    return apart > limit and apart - limit > ROUNDING * max(abs(one), abs(other))


def goes_on(earlier: int | None, at: int, max_gap: float) -> bool:
    """Whether a series that was last heard of at `earlier` goes on at `at`; all in ms.

    A clock that was stepped back begins a new series, as a gap does.
    """
    return earlier is not None and 0 < at - earlier <= max_gap
