"""Promise: who holds the last word told is never further off than the deadband, nor long without.

Nothing is told that changed nothing.
"""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from device_profiles.sampling import Deadband
from edge_agent.sampling.report import Report
from telemetry.sample import NO_REPLY, OUT_OF_RANGE, Flag, Sample, Value

DEADBANDS = {
    "voltage": Deadband(absolute=0.5),
    "power": Deadband(percent=10),
    "flow": Deadband(absolute=0.3, percent=5),
}
CHANNELS = ("voltage", "power", "flow", "plain", "mode")

Told = dict[str, tuple[Value | None, Flag | None]]

TENTHS: st.SearchStrategy[Value] = st.integers(-60, 60).map(lambda tenths: tenths / 10)
MODES: st.SearchStrategy[Value] = st.sampled_from("ab")


@st.composite
def samples(draw: st.DrawFn) -> list[Sample]:
    """A device's samples, in the order of their time, of any channels, some flagged."""
    found, at = [], 0
    for _ in range(draw(st.integers(0, 20))):
        at += draw(st.integers(1, 40))
        values: dict[str, Value] = {}
        flags: dict[str, Flag] = {}
        for name in draw(st.sets(st.sampled_from(CHANNELS), min_size=1)):
            flag = draw(st.sampled_from([None, None, None, OUT_OF_RANGE, NO_REPLY]))
            if flag is not None:
                flags[name] = flag
            if flag is not NO_REPLY:
                values[name] = draw(MODES if name == "mode" else TENTHS)
        found.append(Sample("d", at, values, flags))
    return found


def report(heartbeat: float = 1e12) -> Report:
    return Report(heartbeat=heartbeat, deadbands=DEADBANDS)


def words(sample: Sample) -> Told:
    names = {**sample.values, **sample.flags}
    return {name: (sample.values.get(name), sample.flags.get(name)) for name in names}


def is_close(name: str, said: Value | None, held: Value | None) -> bool:
    """In exact arithmetic, by the definition of a deadband."""
    deadband = DEADBANDS.get(name)
    if deadband is None or said is None or held is None:
        return said == held
    last = Decimal(str(held))
    limit = max(Decimal(str(deadband.absolute)), Decimal(str(deadband.percent)) / 100 * abs(last))
    return abs(Decimal(str(said)) - last) <= limit


@given(samples(), st.integers(1, 200))
def test_a_reader_is_never_further_off_than_the_deadband(
    said: list[Sample], heartbeat: int
) -> None:
    report_ = report(heartbeat)
    held: Told = {}

    for sample in said:
        news = report_.news(sample)
        held |= {} if news is None else words(news)

        for name, (value, flag) in words(sample).items():
            assert held[name][1] == flag
            assert is_close(name, value, held[name][0])


@given(samples())
def test_what_is_told_is_a_part_of_what_was_said_and_was_not_known(said: list[Sample]) -> None:
    report_ = report()
    held: Told = {}

    for sample in said:
        news = report_.news(sample)
        told = {} if news is None else words(news)

        assert told.items() <= words(sample).items()
        assert news is None or (news.device, news.at) == (sample.device, sample.at)
        for name, (value, flag) in told.items():
            known = held.get(name)
            assert known is None or known[1] != flag or not is_close(name, value, known[0])
        held |= told


@given(
    values=st.lists(st.integers(0, 3), min_size=1, max_size=60),
    interval=st.integers(1, 10),
    intervals=st.integers(1, 12),
)
def test_no_channel_is_silent_for_longer_than_a_heartbeat(
    values: list[int], interval: int, intervals: int
) -> None:
    heartbeat = interval * intervals
    report_ = report(heartbeat)
    told_at = {"voltage": 0, "plain": 0}

    for n, value in enumerate(values):
        news = report_.news(Sample("d", n * interval, {"voltage": 230.0, "plain": value}))
        told_at |= dict.fromkeys({} if news is None else news.values, n * interval)

        assert n * interval - min(told_at.values()) <= heartbeat


def test_a_heartbeat_tells_the_whole_sample() -> None:
    report_ = report(heartbeat=3)
    report_.news(Sample("d", 0, {"voltage": 230.0, "plain": 1}))
    report_.news(Sample("d", 1, {"voltage": 230.0, "plain": 2}))
    report_.news(Sample("d", 2, {"voltage": 230.0, "plain": 2}))

    news = report_.news(Sample("d", 3, {"voltage": 230.1, "plain": 2}))

    assert news == Sample("d", 3, {"voltage": 230.1, "plain": 2})


def test_first_values_are_always_told() -> None:
    sample = Sample("d", 0, {"voltage": 0.0, "mode": ""})

    assert report().news(sample) is sample


def test_an_unchanged_sample_is_not_told_at_all() -> None:
    report_ = report()
    report_.news(Sample("d", 0, {"voltage": 230.0, "mode": "a"}))

    assert report_.news(Sample("d", 1, {"voltage": 230.5, "mode": "a"})) is None


def test_small_steps_are_told_once_they_have_left_the_deadband() -> None:
    report_ = report()

    told = [report_.news(Sample("d", n, {"voltage": 230.0 + n / 5})) for n in range(7)]

    assert [sample.values["voltage"] for sample in told if sample] == [230.0, 230.6, 231.2]


def test_a_doubt_that_comes_or_goes_is_told_though_the_value_is_the_same() -> None:
    report_ = report()
    report_.news(Sample("d", 0, {"voltage": 230.0}))

    doubted = Sample("d", 1, {"voltage": 230.0}, {"voltage": OUT_OF_RANGE})
    good = Sample("d", 2, {"voltage": 230.0})

    assert report_.news(doubted) == doubted
    assert report_.news(good) == good


def test_a_device_that_stays_silent_is_told_once_a_heartbeat() -> None:
    report_ = report(heartbeat=5)
    said = [Sample("d", at, {}, {"voltage": NO_REPLY}) for at in range(11)]

    told = [sample.at for sample in said if report_.news(sample)]

    assert told == [0, 5, 10]


def test_after_a_clock_was_stepped_back_a_heartbeat_does_not_wait_for_the_old_time() -> None:
    report_ = report(heartbeat=5)
    report_.news(Sample("d", 1_000_000, {"voltage": 230.0}))

    assert report_.news(Sample("d", 100, {"voltage": 230.0})) is not None


def test_who_missed_a_part_is_told_all_again_once() -> None:
    report_ = report()
    report_.news(Sample("d", 0, {"voltage": 230.0, "mode": "a"}))

    report_.forget()
    again = report_.news(Sample("d", 1, {"voltage": 230.0, "mode": "a"}))

    assert again == Sample("d", 1, {"voltage": 230.0, "mode": "a"})
    assert report_.news(Sample("d", 2, {"voltage": 230.0, "mode": "a"})) is None


def test_memory_is_one_word_a_channel() -> None:
    report_ = report(heartbeat=7)

    for at in range(5000):
        report_.news(Sample("d", at, {"voltage": float(at), "plain": at}))

    assert set(report_._told) == {"voltage", "plain"}
