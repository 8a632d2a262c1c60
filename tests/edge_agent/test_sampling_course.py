"""Promise: one misread costs one value; a level that did change is believed at its second reading.

Of counters: a wrap is no fall, a replacement is noticed once, a misread never enters the series.
"""

from __future__ import annotations

import math
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.sampling.course import Course, Moved, counter, gauge
from edge_agent.sampling.reading import Reading, is_further
from telemetry.sample import COUNTER_FELL, TOO_FAST, Flag

SECOND = 1000
WRAP = 65536

Said = list[tuple[int, float]]
"""Milliseconds since the reading before, and tenths of a unit."""

SERIES = st.lists(st.tuples(st.integers(-5, 40), st.integers(-30, 30)), max_size=30)


def readings(said: Said) -> list[Reading]:
    at, found = 0, []
    for gap, tenths in said:
        at += gap
        found.append(Reading(at, tenths / 10))
    return found


def verdicts(course: Course, values: list[float]) -> list[Flag | None]:
    """What a reading each second is told."""
    told = [course.take(Reading(n * SECOND, value)) for n, value in enumerate(values)]
    return [each if isinstance(each, Flag) else None for each in told]


def decimal(value: float) -> Decimal:
    return Decimal(str(value))


def rate_oracle(series: list[Reading], rate: float, max_gap: int) -> list[Flag | None]:
    """Slow and obvious: each reading against all that was before it, in exact arithmetic."""
    found: list[Flag | None] = []
    stretch = 0
    for index, reading in enumerate(series):
        if index and not 0 < reading.at - series[index - 1].at <= max_gap:
            stretch = index
        believed = [n for n in range(stretch, index) if found[n] is None]
        anchors = believed[-1:] + [n for n in (index - 1,) if n >= stretch and found[n]]
        fits = [
            abs(decimal(reading.value) - decimal(series[n].value)) * 1000
            <= decimal(rate) * (reading.at - series[n].at)
            for n in anchors
        ]
        found.append(None if not believed or any(fits) else TOO_FAST)
    return found


@given(said=SERIES, rate=st.integers(1, 2000), max_gap=st.integers(1, 60))
def test_the_rate_is_judged_as_the_slow_definition_judges_it(
    said: Said, rate: int, max_gap: int
) -> None:
    series = readings(said)
    course = Course(gauge(rate / 10), max_gap=max_gap)

    told = [course.take(reading) for reading in series]

    expected = rate_oracle(series, rate / 10, max_gap)
    assert [each if isinstance(each, Flag) else None for each in told] == expected


def test_the_return_from_a_spike_is_not_too_fast() -> None:
    told = verdicts(Course(gauge(1.0)), [10.0, 10.0, 50.0, 10.0, 10.5])

    assert told == [None, None, TOO_FAST, None, None]


def test_a_new_level_is_believed_at_its_second_reading() -> None:
    told = verdicts(Course(gauge(1.0)), [10.0, 10.0, 50.0, 50.0, 50.5])

    assert told == [None, None, TOO_FAST, None, None]


def test_a_change_at_exactly_the_rate_is_credible_whatever_floats_make_of_it() -> None:
    told = verdicts(Course(gauge(0.1)), [230.0, 230.1, 230.2, 230.3, 230.2])

    assert told == [None] * 5


def test_after_a_gap_anything_is_believed() -> None:
    course = Course(gauge(1.0), max_gap=3 * SECOND)
    course.take(Reading(0, 10.0))

    assert course.take(Reading(3 * SECOND + 1, 500.0)) is None


def test_a_clock_that_was_stepped_back_begins_anew() -> None:
    course = Course(gauge(1.0))
    course.take(Reading(100 * SECOND, 10.0))

    assert course.take(Reading(10 * SECOND, 500.0)) is None


def test_a_counter_that_falls_once_and_comes_back_was_misread() -> None:
    told = verdicts(Course(counter(None, None)), [1000, 1001, 3, 1002, 1003])

    assert told == [None, None, COUNTER_FELL, None, None]


def test_a_counter_that_goes_on_from_a_lower_reading_was_replaced_and_says_so_once() -> None:
    course = Course(counter(None, None))

    told = [course.take(Reading(n * SECOND, v)) for n, v in enumerate([1000, 1001, 3, 4, 5])]

    assert told == [
        None,
        None,
        COUNTER_FELL,
        Moved(Reading(1 * SECOND, 1001), Reading(2 * SECOND, 3)),
        None,
    ]


def test_a_counter_is_known_over_any_gap() -> None:
    course = Course(counter(None, None))
    course.take(Reading(0, 1000))

    assert course.take(Reading(86_400_000, 3)) is COUNTER_FELL


@pytest.mark.parametrize(
    ("rate", "before", "after", "expected"),
    [
        (None, 65_530, 4, None),
        (None, 65_530, 6547, None),  # a rise of 6553: just under a tenth
        (None, 65_530, 6548, COUNTER_FELL),
        (None, 30_000, 4, COUNTER_FELL),
        (10.0, 65_530, 4, None),
        (10.0, 65_530, 5, COUNTER_FELL),  # a rise of 11 in a second
        (1e9, 40_000, 100, None),
        (1e9, 30_000, 100, COUNTER_FELL),  # more than half of the range
    ],
)
def test_a_fall_is_a_wrap_if_the_rise_that_it_would_be_is_credible(
    rate: float | None, before: int, after: int, expected: Flag | None
) -> None:
    assert verdicts(Course(counter(rate, WRAP)), [before, after]) == [None, expected]


def test_a_misread_that_is_too_high_does_not_make_the_return_a_fall() -> None:
    told = verdicts(Course(counter(2.0, None)), [1000, 1001, 900_000, 1003, 1004])

    assert told == [None, None, TOO_FAST, None, None]


def test_counters_beyond_what_floats_hold_exactly_are_counted_exactly() -> None:
    told = verdicts(Course(counter(None, None)), [2**62 + 1, 2**62])

    assert told == [None, COUNTER_FELL]


@given(
    rises=st.lists(st.integers(0, 50), min_size=2, max_size=30),
    misread=st.dictionaries(st.integers(1, 29), st.integers(0, 999), max_size=4),
)
def test_single_low_misreads_never_enter_the_good_series(
    rises: list[int], misread: dict[int, int]
) -> None:
    true = [1000 + sum(rises[: n + 1]) for n in range(len(rises))]
    alone = {n for n in misread if n < len(true) and n - 1 not in misread}
    said = [misread[n] if n in alone else value for n, value in enumerate(true)]

    told = verdicts(Course(counter(None, None)), [float(value) for value in said])

    assert [n for n, flag in enumerate(told) if flag] == sorted(alone)


def consumed(series: list[float], told: list[Flag | None], wrap: float) -> float:
    """As docs/api.md says that consumption is computed: from good values, and falls explained."""
    total, last, low = 0.0, math.nan, None
    for value, flag in zip(series, told, strict=True):
        if flag is COUNTER_FELL:
            low = value
            continue
        if value < last:
            total += value - last + wrap if low is None else value - low
        elif value >= last:
            total += value - last
        last, low = value, None
    return total


@given(st.lists(st.integers(0, WRAP // 10), min_size=1, max_size=60))
def test_consumption_is_right_through_wraps(rises: list[int]) -> None:
    true = [sum(rises[: n + 1]) for n in range(len(rises))]
    said = [float(total % WRAP) for total in true]

    told = verdicts(Course(counter(None, WRAP)), said)

    assert set(told) == {None}
    assert consumed(said, told, WRAP) == true[-1] - true[0]


@given(
    old=st.lists(st.integers(0, 50), min_size=1, max_size=10),
    new=st.lists(st.integers(0, 50), min_size=2, max_size=10),
)
def test_consumption_is_right_through_a_replacement(old: list[int], new: list[int]) -> None:
    """But for what passed between the old meter's last reading and the new one's first."""
    before = [1000.0 + sum(old[: n + 1]) for n in range(len(old))]
    after = [float(sum(new[: n + 1])) for n in range(len(new))]

    told = verdicts(Course(counter(None, None)), before + after)

    assert [flag for flag in told if flag] == [COUNTER_FELL]
    expected = before[-1] - before[0] + after[-1] - after[0]
    assert consumed(before + after, told, math.nan) == expected


@given(st.lists(st.integers(-1000, 1000), min_size=2, max_size=20), st.integers(1, 300))
def test_distances_are_those_of_the_decimal_fractions_that_devices_say(
    hundredths: list[int], limit: int
) -> None:
    for one, other in pairwise(hundredths):
        apart = is_further(one / 100, other / 100, limit / 100)

        assert apart is (abs(one - other) > limit)


@pytest.mark.parametrize(
    ("one", "other", "limit", "expected"),
    [(1e308, -1e308, 1.0, True), (0.0, -0.0, 0.0, False), (1.0, math.nextafter(1, 2), 0.0, True)],
)
def test_distances_at_the_ends_of_what_floats_hold(
    one: float, other: float, limit: float, *, expected: bool
) -> None:
    assert is_further(one, other, limit) is expected
