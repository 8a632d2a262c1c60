"""A silent device is left alone for a while, never for long, and is heard at its first reply."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from edge_agent.bus.failures import BadReply, DeviceException, DeviceRefused, NoReply
from edge_agent.bus.health import (
    FIRST_PAUSE,
    LONGEST_PAUSE,
    PATIENCE,
    SPARE,
    SPARED_AT_MOST,
    BackOff,
    Change,
    Counters,
    Health,
    is_silence,
    rest_after,
)


def silenced(now: float = 0.0) -> Health:
    health = Health()
    for _ in range(PATIENCE):
        health.polled(replied=False, now=now)
    return health


def test_one_missing_reply_is_noise() -> None:
    health = Health()

    change = health.polled(replied=False, now=0)

    assert change is None
    assert health.may_ask(0)
    assert health.doubted


def test_several_in_a_row_are_silence_told_once() -> None:
    health = Health()

    changes = [health.polled(replied=False, now=n) for n in range(PATIENCE + 2)]

    assert changes == [None] * (PATIENCE - 1) + [Change.SILENT, None, None]


def test_a_silent_device_is_asked_again_after_growing_pauses() -> None:
    health = silenced()

    assert not health.may_ask(FIRST_PAUSE - 0.1)
    assert health.may_ask(FIRST_PAUSE)
    health.polled(replied=False, now=FIRST_PAUSE)
    assert not health.may_ask(FIRST_PAUSE + 2 * FIRST_PAUSE - 0.1)
    assert health.may_ask(FIRST_PAUSE + 2 * FIRST_PAUSE)


def test_the_first_reply_brings_it_back() -> None:
    health = silenced()

    change = health.polled(replied=True, now=100)

    assert change is Change.BACK
    assert health.may_ask(100)
    assert health.silent_since is None
    assert not health.doubted


def test_what_is_not_polled_is_flagged_at_once_then_every_minute() -> None:
    health = Health()

    told = [health.tell("fast", now) for now in (0, 1, 59, 60, 61, 121)]

    assert told == [True, False, False, True, False, True]
    assert health.tell("slow", 1), "each round for itself"


def test_after_a_reply_the_next_gap_is_flagged_at_once() -> None:
    health = Health()
    health.tell("fast", 0)

    health.polled(replied=True, now=1)

    assert health.tell("fast", 2)


def test_failures_are_counted_by_kind() -> None:
    counters = Counters()

    for failure in (NoReply(), BadReply(), BadReply(), DeviceException(2), DeviceException(2)):
        counters.failed(failure)
    counters.failed(DeviceRefused("no such data"))

    assert (counters.timeouts, counters.bad_replies) == (1, 2)
    assert counters.exceptions == {2: 2, 0: 1}


def test_an_exception_is_a_sign_of_life_but_a_gateways_word_is_none() -> None:
    assert not is_silence(DeviceException(2))
    assert not is_silence(DeviceRefused())
    assert is_silence(DeviceException(11))
    assert is_silence(NoReply())


def test_a_silent_device_rests_for_as_long_as_the_others_need() -> None:
    health = Health()

    for _ in range(PATIENCE):
        health.polled(replied=False, now=0, rest=48)

    assert not health.may_ask(47.9)
    assert health.may_ask(48)
    assert health.asked_from == 48


@given(cost=st.floats(0.01, 10), silent=st.integers(1, 5))
def test_asking_all_silent_devices_takes_a_small_part_of_the_time(cost: float, silent: int) -> None:
    rest = rest_after(cost, silent)

    assert rest == SPARED_AT_MOST or silent * cost / (rest + cost) <= SPARE * 1.3


@given(st.lists(st.tuples(st.booleans(), st.floats(0, 100)), max_size=60))
def test_no_pause_is_longer_than_the_longest(polls: list[tuple[bool, float]]) -> None:
    health, now = Health(), 0.0

    for replied, passed in polls:
        now += passed
        if health.may_ask(now):
            health.polled(replied=replied, now=now)
            if replied:
                assert health.may_ask(now)
        assert health.may_ask(now + LONGEST_PAUSE)


@given(st.lists(st.floats(0, 1000), min_size=1, max_size=30))
def test_pauses_never_shrink_while_it_fails(times: list[float]) -> None:
    back_off, pauses = BackOff(first=1, longest=30), []

    for now in sorted(times):
        back_off.failed(now)
        pauses.append(back_off.pause)

    assert pauses == sorted(pauses)
    assert pauses[0] == 1
    assert pauses[-1] <= 30
