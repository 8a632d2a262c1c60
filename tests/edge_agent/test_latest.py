"""Promise: of each channel the last word is known, with the time at which it was said."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from edge_agent.vitals.latest import Latest
from telemetry.sample import NO_REPLY, OUT_OF_RANGE, Sample, Value

CHANNELS = ("a", "b", "c")


def test_a_channel_is_told_by_the_sample_that_told_it_last() -> None:
    latest = Latest(["meter-1"])

    latest.take(Sample("meter-1", 10, {"voltage": 230.0, "energy": 5.0}))
    latest.take(Sample("meter-1", 20, {"voltage": 231.0}))

    assert latest.of("meter-1") == [
        Sample("meter-1", 10, {"energy": 5.0}),
        Sample("meter-1", 20, {"voltage": 231.0}),
    ]


def test_a_flag_without_a_value_is_a_last_word_too() -> None:
    latest = Latest(["meter-1"])
    latest.take(Sample("meter-1", 10, {"voltage": 230.0}))

    latest.take(Sample("meter-1", 20, {}, {"voltage": NO_REPLY}))

    assert latest.of("meter-1") == [Sample("meter-1", 20, {}, {"voltage": NO_REPLY})]


def test_a_device_that_was_not_named_is_passed_over() -> None:
    latest = Latest(["meter-1"])

    latest.take(Sample("gateway", 10, {"cpu": 3.0}))

    assert latest.of("meter-1") == []


@given(
    st.lists(
        st.tuples(
            st.dictionaries(st.sampled_from(CHANNELS), st.integers(0, 9)),
            st.sets(st.sampled_from(CHANNELS)),
        ),
        max_size=8,
    )
)
def test_the_samples_hold_every_channels_last_word_once(
    told: list[tuple[dict[str, Value], set[str]]],
) -> None:
    latest = Latest(["d"])
    words: dict[str, tuple[int, Value | None, bool]] = {}
    for at, (values, flagged) in enumerate(told):
        latest.take(Sample("d", at, values, dict.fromkeys(flagged, OUT_OF_RANGE)))
        for channel in (*values, *flagged):
            words[channel] = (at, values.get(channel), channel in flagged)

    samples = latest.of("d")

    told_once = [c for sample in samples for c in {*sample.values, *sample.flags}]
    assert sorted(told_once) == sorted(words)
    assert {
        c: (sample.at, sample.values.get(c), c in sample.flags)
        for sample in samples
        for c in (*sample.values, *sample.flags)
    } == words
