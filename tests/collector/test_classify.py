"""The promise of lanes: what is late, from the future or said twice never moves a live alarm."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.alarms.classify import (
    LIVE_WINDOW,
    MAX_SKEW,
    Frontier,
    Moment,
    Timeliness,
    classify,
)

NOW = 1_700_000_000_000
LIVE = Moment(NOW, live=True, again=False)
BACKLOG = Moment(NOW, live=False, again=False)
AGAIN = Moment(NOW, live=True, again=True)
HEARD = Frontier(NOW - 10_000, 20.0, NOW - 10_000)


def test_a_new_sample_is_live() -> None:
    assert classify(NOW, 21.0, HEARD, LIVE) is Timeliness.LIVE
    assert classify(NOW, None, None, LIVE) is Timeliness.LIVE


def test_the_live_window_is_inclusive() -> None:
    assert classify(NOW - LIVE_WINDOW, 1.0, None, LIVE) is Timeliness.LIVE
    assert classify(NOW - LIVE_WINDOW - 1, 1.0, None, LIVE) is Timeliness.LATE


def test_what_comes_after_a_later_sample_is_late() -> None:
    assert classify(HEARD.at - 1, 21.0, HEARD, LIVE) is Timeliness.LATE


def test_the_backlog_lane_is_late_however_young() -> None:
    assert classify(NOW, 21.0, HEARD, BACKLOG) is Timeliness.LATE


def test_the_future_begins_beyond_the_greatest_skew() -> None:
    assert classify(NOW + MAX_SKEW, 1.0, HEARD, LIVE) is Timeliness.LIVE
    assert classify(NOW + MAX_SKEW + 1, 1.0, HEARD, LIVE) is Timeliness.FUTURE


def test_an_envelope_watched_before_is_a_duplicate_never_late() -> None:
    assert classify(HEARD.at - 1, 21.0, HEARD, AGAIN) is Timeliness.DUPLICATE


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (20.0, Timeliness.DUPLICATE),
        (21.0, Timeliness.CONFLICT),
        (20, Timeliness.CONFLICT),
        (None, Timeliness.CONFLICT),
    ],
)
def test_the_same_instant_is_a_duplicate_or_a_conflict(
    value: float | None, expected: Timeliness
) -> None:
    assert classify(HEARD.at, value, HEARD, LIVE) is expected


moments = st.builds(Moment, st.just(NOW), st.booleans(), st.booleans())
times = st.integers(NOW - 3 * LIVE_WINDOW, NOW + 3 * MAX_SKEW)


@given(times, times, moments)
def test_only_a_later_sample_is_live_and_only_a_young_one(
    at: int, heard: int, moment: Moment
) -> None:
    live = classify(at, 1.0, Frontier(heard, 1.0, heard), moment) is Timeliness.LIVE

    assert live == (moment.live and heard < at and NOW - LIVE_WINDOW <= at <= NOW + MAX_SKEW)
