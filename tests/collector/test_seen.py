"""The promise: an envelope that was watched is known again, and memory for it stays small."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from collector.alarms.seen import MAX_RANGES, Ranges, add, holds


def ranges_of(numbers: list[int]) -> Ranges:
    ranges: Ranges = ()
    for number in numbers:
        ranges = add(ranges, number)
    return ranges


@given(st.lists(st.integers(1, 60)))
def test_exactly_what_was_added_is_held(numbers: list[int]) -> None:
    ranges = ranges_of(numbers)

    assert {n for n in range(62) if holds(ranges, n)} == set(numbers)
    assert all(left[1] + 1 < right[0] for left, right in pairwise(ranges))


def test_numbers_in_order_are_one_range() -> None:
    assert ranges_of(list(range(1, 1000))) == ((1, 999),)


def test_the_oldest_range_is_forgotten_first() -> None:
    ranges = ranges_of(list(range(1, 2 * MAX_RANGES + 3, 2)))

    assert len(ranges) == MAX_RANGES
    assert not holds(ranges, 1)
    assert holds(ranges, 3)
