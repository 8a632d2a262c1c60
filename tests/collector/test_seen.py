"""The promise: an envelope that was watched is known again, and memory for it stays small."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from collector.alarms.seen import MAX_RANGES, Ranges, add, holds, whole_since


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


@given(st.lists(st.integers(1, 60), min_size=1))
def test_from_the_first_number_that_is_whole_nothing_is_missing(numbers: list[int]) -> None:
    ranges, last = ranges_of(numbers), numbers[-1]

    first = whole_since(ranges, last)

    assert set(range(first, last + 1)) <= set(numbers)
    assert first - 1 not in numbers


def test_a_number_that_was_not_seen_stands_alone() -> None:
    assert whole_since(ranges_of([1, 2, 3]), 5) == 5
    assert whole_since((), 5) == 5
