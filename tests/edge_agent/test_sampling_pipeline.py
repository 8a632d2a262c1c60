"""Promise: sampling loses nothing and alters only flags; samples leave whole and in order."""

from __future__ import annotations

import math
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from edge_agent.sampling.course import Course, counter, gauge
from edge_agent.sampling.flat import Flat
from edge_agent.sampling.pipeline import HELD_MAX, WAITING_MAX, Judges, Pipeline
from edge_agent.sampling.report import Report
from edge_agent.sampling.spike import Spike
from telemetry.sample import (
    COUNTER_FELL,
    FLAT_LINE,
    NO_REPLY,
    OUT_OF_RANGE,
    SPIKE,
    TOO_FAST,
    Flag,
    Sample,
    Value,
)

OURS = {TOO_FAST, FLAT_LINE, SPIKE, COUNTER_FELL}
CHANNELS = ("fast", "still", "spiky", "total", "free")


def judges() -> dict[str, Judges]:
    return {
        "fast": Judges(Course(gauge(1000.0), max_gap=50), spike=Spike(3.0, max_gap=50)),
        "still": Judges(flat=Flat(lasting=10, within=0.0, max_gap=50)),
        "spiky": Judges(spike=Spike(2.0, max_gap=50)),
        "total": Judges(Course(counter(None, None)), counts=True),
    }


def pipeline(
    report: Report | None = None, replaced: list[tuple[str, float, float]] | None = None
) -> Pipeline:
    told = [] if replaced is None else replaced
    return Pipeline(judges(), report, lambda *what: told.append(what))


@st.composite
def series(draw: st.DrawFn) -> list[Sample]:
    """A device's samples, in the order of their time, each of some channels, some flagged."""
    found, at = [], 0
    for _ in range(draw(st.integers(0, 25))):
        at += draw(st.integers(1, 30))
        values: dict[str, Value] = {}
        flags: dict[str, Flag] = {}
        for name in draw(st.sets(st.sampled_from(CHANNELS), min_size=1)):
            flag = draw(st.sampled_from([None] * 5 + [OUT_OF_RANGE, NO_REPLY]))
            if flag is not None:
                flags[name] = flag
            if flag is not NO_REPLY:
                values[name] = draw(st.integers(0, 8))
        found.append(Sample("d", at, values, flags))
    return found


def through(said: list[Sample], pipeline: Pipeline) -> list[Sample]:
    told = [each for sample in said for each in pipeline.take(sample, now=sample.at / 1000)]
    return told + pipeline.flush()


@given(series())
def test_every_sample_leaves_once_in_order_with_its_values_and_its_flags(
    said: list[Sample],
) -> None:
    told = through(said, pipeline())

    assert [(s.device, s.at, s.values) for s in told] == [(s.device, s.at, s.values) for s in said]
    for before, after in zip(said, told, strict=True):
        assert before.flags.items() <= after.flags.items()


@given(series())
def test_a_doubt_never_appears_on_a_value_that_is_missing_or_doubted_already(
    said: list[Sample],
) -> None:
    for before, after in zip(said, through(said, pipeline()), strict=True):
        added = after.flags.keys() - before.flags.keys()

        assert added <= before.values.keys()
        assert {after.flags[name] for name in added} <= OURS


@given(series())
def test_every_doubt_is_counted(said: list[Sample]) -> None:
    ours = pipeline()

    told = through(said, ours)

    flags = Counter(flag for sample in told for flag in sample.flags.values() if flag in OURS)
    assert {flag: n for flag, n in ours.counts.suspect.items() if n} == flags


@given(series())
def test_a_sample_waits_for_one_further_reading_and_no_longer(said: list[Sample]) -> None:
    """One that is sent on with a channel of each spike test releases all that waits but itself."""
    ours = pipeline()
    for sample in said:
        ours.take(sample, now=0)
    last = said[-1].at + 1 if said else 1

    ours.take(Sample("d", last, {"fast": 0, "spiky": 0}), now=0)

    assert [each.at for each in ours.flush()] == [last]


@given(series())
def test_what_report_by_exception_keeps_back_is_counted(said: list[Sample]) -> None:
    ours = pipeline(Report(heartbeat=60, deadbands={}))

    told = through(said, ours)

    values = sum(len(sample.values) for sample in said)
    assert ours.counts.unsent == values - sum(len(sample.values) for sample in told)


def test_a_spike_is_flagged_in_the_very_sample_that_has_it() -> None:
    said = [Sample("d", n, {"spiky": v, "free": n}) for n, v in enumerate([5, 5, 9, 5, 5])]

    told = through(said, pipeline())

    assert [sample.flags for sample in told] == [{}, {}, {"spiky": SPIKE}, {}, {}]


def test_a_device_without_a_spike_test_waits_for_nothing() -> None:
    sample = Sample("d", 0, {"still": 1, "total": 5})

    assert pipeline().take(sample, now=0) == [sample]


def test_later_samples_of_the_device_wait_behind_one_that_waits() -> None:
    ours = pipeline()

    assert ours.take(Sample("d", 0, {"spiky": 1}), now=0) == []
    assert ours.take(Sample("d", 1, {"free": 1}), now=0) == []
    assert [s.at for s in ours.take(Sample("d", 2, {"spiky": 1}), now=0)] == [0, 1]


def test_a_device_that_falls_silent_releases_what_waited_unjudged() -> None:
    ours = pipeline()
    waiting = Sample("d", 0, {"spiky": 9})
    silent = Sample("d", 1, {}, {"spiky": NO_REPLY})
    ours.take(waiting, now=0)

    assert ours.take(silent, now=0) == [waiting, silent]


def test_what_waits_too_long_leaves_unjudged() -> None:
    ours = pipeline()
    waiting = Sample("d", 0, {"spiky": 9})
    ours.take(waiting, now=100.0)

    assert ours.overdue(100.0 + HELD_MAX - 0.1) == []
    assert ours.overdue(100.0 + HELD_MAX) == [waiting]


def test_the_reading_after_one_that_left_unjudged_is_judged() -> None:
    ours = pipeline()
    ours.take(Sample("d", 0, {"spiky": 5}), now=0)
    ours.overdue(HELD_MAX)
    ours.take(Sample("d", 10, {"spiky": 9}), now=HELD_MAX)

    told = ours.take(Sample("d", 20, {"spiky": 5}), now=HELD_MAX)

    assert [sample.flags for sample in told] == [{"spiky": SPIKE}]


def test_not_more_waits_than_memory_is_meant_for() -> None:
    ours = pipeline()

    told = ours.take(Sample("d", 0, {"spiky": 1}), now=0)
    for at in range(1, 3 * WAITING_MAX):
        told += ours.take(Sample("d", at, {"free": 1}), now=0)

    assert [sample.at for sample in told] == list(range(3 * WAITING_MAX))


def test_the_first_doubt_gives_the_reason() -> None:
    said = [Sample("d", 0, {"fast": 0}), Sample("d", 1, {"fast": 7}), Sample("d", 2, {"fast": 0})]

    told = through(said, pipeline())

    assert [sample.flags for sample in told] == [{}, {"fast": TOO_FAST}, {}]


def test_a_replaced_counter_is_told_and_counted_once_with_both_readings() -> None:
    replaced: list[tuple[str, float, float]] = []
    ours = pipeline(replaced=replaced)

    through([Sample("d", n, {"total": v}) for n, v in enumerate([900, 901, 3, 4, 5])], ours)

    assert replaced == [("total", 901, 3)]
    assert ours.counts.replaced == 1


def test_a_gauge_that_moved_to_a_new_level_is_no_replacement() -> None:
    ours = pipeline()

    through([Sample("d", n, {"fast": v}) for n, v in enumerate([9, 9, 1, 1])], ours)

    assert ours.counts.replaced == 0


def test_a_counter_that_is_believed_at_a_higher_level_is_no_replacement() -> None:
    total = {"total": Judges(Course(counter(1.0, None)), counts=True)}
    ours = Pipeline(total, None, lambda *_: None)

    said = [Sample("d", n * 1000, {"total": v}) for n, v in enumerate([5, 900, 901])]
    told = through(said, ours)

    assert [sample.flags for sample in told] == [{}, {"total": TOO_FAST}, {}]
    assert ours.counts.replaced == 0


def test_a_released_doubt_is_reported_with_its_sample() -> None:
    ours = pipeline(Report(heartbeat=math.inf, deadbands={}))

    told = through([Sample("d", n, {"spiky": v}) for n, v in enumerate([5, 5, 9, 5, 5])], ours)

    assert [(s.at, s.values["spiky"], s.flags) for s in told] == [
        (0, 5, {}),
        (2, 9, {"spiky": SPIKE}),
        (3, 5, {}),
    ]
