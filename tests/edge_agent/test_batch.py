"""Promise: what is put comes out once, in envelopes that fit, or is counted as dropped."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.delivery.batch import SPAN, Batcher
from telemetry.envelope import MAX_BYTES, Clock, Device, unpack
from telemetry.receipt import checksum
from telemetry.sample import Sample, Value

DEVICES = {
    name: Device(name, "eastron-sdm630", 1, "electricity_meter") for name in ("m1", "m2", "m3")
}
NOW = 1_700_000_000_000


def batcher(capacity: int = 10_000_000) -> Batcher:
    return Batcher(DEVICES, capacity=capacity)


def noise(seed: int, channels: int) -> dict[str, Value]:
    """Texts that do not compress."""
    chance = random.Random(seed)  # noqa: S311 - not a secret
    return {
        f"c{n}": "".join(chance.choices("abcdefghijklmnopqrstuvwxyz0123456789", k=1000))
        for n in range(channels)
    }


def test_samples_of_one_linger_share_an_envelope() -> None:
    out = batcher()
    first, second = Sample("m1", NOW, {"v": 1.0}), Sample("m2", NOW + 5, {"v": 2.0})

    out.put(first, Clock.SYNCED)
    out.put(second, Clock.SYNCED)
    out.pack()

    (batch,) = out.packed
    assert unpack(batch.payload).samples == (first, second)
    assert unpack(batch.payload).devices == (DEVICES["m1"], DEVICES["m2"])
    assert (batch.first_at, batch.last_at, batch.samples) == (NOW, NOW + 5, 2)
    assert batch.crc == checksum(batch.payload)


def test_an_old_sample_does_not_make_a_fresh_batch_old() -> None:
    out = batcher()

    out.put(Sample("m1", NOW - 3_600_000, {"v": 1.0}), Clock.HELD)
    out.put(Sample("m1", NOW, {"v": 2.0}), Clock.SYNCED)
    out.pack()

    assert [batch.last_at for batch in out.packed] == [NOW - 3_600_000, NOW]
    assert [unpack(batch.payload).clock for batch in out.packed] == [Clock.HELD, Clock.SYNCED]


def test_samples_too_many_for_one_envelope_are_sent_in_several() -> None:
    out = batcher()
    samples = [Sample("m1", NOW + n, noise(n, 100)) for n in range(8)]

    for sample in samples:
        out.put(sample, Clock.SYNCED)
    out.pack()

    assert len(out.packed) > 1
    assert all(len(batch.payload) <= MAX_BYTES for batch in out.packed)
    assert [s for batch in out.packed for s in unpack(batch.payload).samples] == samples


def test_a_sample_too_large_for_any_envelope_is_told_and_counted() -> None:
    out = batcher()
    giant = Sample("m1", NOW, noise(1, 600))

    out.put(giant, Clock.SYNCED)
    out.put(Sample("m2", NOW, {"v": 1.0}), Clock.SYNCED)
    oversize = out.pack()

    assert oversize == [giant]
    assert out.dropped_samples == 1
    assert [batch.samples for batch in out.packed] == [1]


def test_a_sample_of_an_unknown_device_is_a_bug_told_at_once() -> None:
    with pytest.raises(ValueError, match="'m9' is not in the devices' table"):
        batcher().put(Sample("m9", NOW, {}), Clock.SYNCED)


def test_without_room_in_memory_the_oldest_batch_goes_and_is_counted() -> None:
    out = batcher(capacity=400_000)
    for n in range(4):
        out.put(Sample("m1", NOW + n, noise(n, 200)), Clock.SYNCED)
        out.pack()

    assert [batch.first_at for batch in out.packed] == [NOW + 2, NOW + 3]
    assert (out.dropped_batches, out.dropped_samples) == (2, 2)


def test_a_commit_takes_the_oldest_batches_in_portions_but_at_least_one() -> None:
    out = batcher()
    for n in range(3):
        out.put(Sample("m1", NOW + n, noise(n, 50)), Clock.SYNCED)
        out.pack()
    size = len(out.packed[0].payload)

    assert len(out.oldest(1)) == 1
    assert len(out.oldest(3 * size // 2)) == 1
    assert out.oldest(10 * size) == list(out.packed)


def test_a_batch_dropped_while_it_was_being_written_takes_no_other_and_is_not_lost() -> None:
    out = batcher(capacity=400_000)
    for n in range(2):
        out.put(Sample("m1", NOW + n, noise(n, 200)), Clock.SYNCED)
        out.pack()
    being_written = out.oldest(1_000_000)
    out.put(Sample("m1", NOW + 9, noise(9, 200)), Clock.SYNCED)
    out.pack()
    assert out.dropped_samples == 1

    out.kept(being_written)

    assert [batch.first_at for batch in out.packed] == [NOW + 9]
    assert (out.dropped_batches, out.dropped_samples) == (0, 0)


samples = st.builds(
    Sample,
    st.sampled_from(sorted(DEVICES)),
    st.integers(NOW - 5 * SPAN, NOW),
    st.dictionaries(st.sampled_from(["v", "i"]), st.floats(-1e6, 1e6), min_size=1),
)


def spell(stamped: tuple[Sample, Clock]) -> str:
    sample, clock = stamped
    return f"{sample.device} {sample.at} {sorted(sample.values.items())} {clock}"


@given(st.lists(st.lists(st.tuples(samples, st.sampled_from(Clock)))))
def test_every_sample_is_packed_once_under_its_clock_with_its_time_in_the_batch(
    lingers: list[list[tuple[Sample, Clock]]],
) -> None:
    out = batcher()
    for linger in lingers:
        for sample, clock in linger:
            out.put(sample, clock)
        assert out.queued >= len(linger)
        out.pack()

    packed = []
    for batch in out.packed:
        envelope = unpack(batch.payload)
        packed += [(sample, envelope.clock) for sample in envelope.samples]
        assert batch.first_at == min(sample.at for sample in envelope.samples)
        assert batch.last_at == max(sample.at for sample in envelope.samples)
        assert batch.last_at - batch.first_at < SPAN
    expected = [pair for linger in lingers for pair in linger]
    assert sorted(map(spell, packed)) == sorted(map(spell, expected))
    assert out.queued == len(expected)
