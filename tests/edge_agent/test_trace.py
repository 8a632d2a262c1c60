"""Promise: a sample is called stored only if a receipt of the collector says so."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from edge_agent.delivery.batch import Batch, Batcher
from edge_agent.delivery.trace import MEMORY, Trace
from telemetry.envelope import Clock, Device
from telemetry.receipt import Outcome, Receipt
from telemetry.sample import Sample

DEVICES = ("meter-1", "air-1")
CRC = 7


def batch(times: dict[str, list[int]]) -> Batch:
    spans = {device: (min(at), max(at)) for device, at in times.items()}
    every = list(itertools.chain(*times.values()))
    return Batch(
        first_at=min(every),
        last_at=max(every),
        samples=len(every),
        payload=b"",
        crc=CRC,
        spans=spans,
    )


def receipt(seq: int, outcome: Outcome = Outcome.STORED, crc: int = CRC) -> Receipt:
    return Receipt("stream", seq, crc, outcome)


def is_stored(trace: Trace, device: str, at: int) -> bool:
    span = trace.stored(device)
    return span is not None and span[0] <= at <= span[1]


def test_a_sample_is_stored_when_the_receipt_of_its_batch_says_so() -> None:
    trace = Trace()
    trace.appended(5, [batch({"meter-1": [100, 110]})])
    assert trace.stored("meter-1") is None

    trace.receipted([receipt(5)])

    assert is_stored(trace, "meter-1", 100)
    assert is_stored(trace, "meter-1", 110)
    assert not is_stored(trace, "meter-1", 111)
    assert not is_stored(trace, "air-1", 100)


def test_a_receipt_of_a_later_batch_says_nothing_of_an_earlier_one() -> None:
    trace = Trace()
    trace.appended(2, [batch({"meter-1": [100]}), batch({"meter-1": [200]})])

    trace.receipted([receipt(2)])
    assert not is_stored(trace, "meter-1", 100)

    trace.receipted([receipt(1)])
    assert is_stored(trace, "meter-1", 100)
    assert is_stored(trace, "meter-1", 200)


def test_what_was_seen_refused_or_meant_for_other_bytes_is_not_stored() -> None:
    trace = Trace()
    trace.appended(1, [batch({"meter-1": [100]})])

    trace.receipted([receipt(1, Outcome.SEEN), receipt(1, Outcome.REFUSED), receipt(1, crc=8)])

    assert trace.stored("meter-1") is None


def test_of_a_batch_that_is_forgotten_nothing_is_claimed() -> None:
    trace = Trace()
    trace.appended(1, [batch({"meter-1": [100]})])
    for seq in range(2, MEMORY + 2):
        trace.appended(seq, [batch({"air-1": [200]})])

    trace.appended(MEMORY + 2, [batch({"meter-1": [300]})])
    trace.receipted([receipt(MEMORY + 2)])

    assert is_stored(trace, "meter-1", 300)
    assert not is_stored(trace, "meter-1", 100)


@given(
    st.lists(
        st.lists(st.tuples(st.sampled_from(DEVICES), st.integers(1, 50)), min_size=1, max_size=6),
        max_size=8,
    ),
    st.data(),
)
def test_nothing_is_called_stored_that_is_in_no_receipted_batch(
    batches: list[list[tuple[str, int]]], data: st.DataObject
) -> None:
    trace = Trace()
    receipted = set(data.draw(st.lists(st.integers(1, len(batches) + 1))))
    for seq, members in enumerate(batches, 1):
        times: dict[str, list[int]] = {}
        for device, at in members:
            times.setdefault(device, []).append(at)
        trace.appended(seq, [batch(times)])

    trace.receipted(receipt(seq) for seq in receipted)

    waiting = {
        one for seq, members in enumerate(batches, 1) if seq not in receipted for one in members
    }
    assert not {one for one in waiting if is_stored(trace, *one)}


def test_a_batch_tells_when_each_of_its_devices_spoke() -> None:
    batcher = Batcher({name: Device(name, "p", 1, "m") for name in DEVICES}, capacity=1_000_000)
    for device, at in (("meter-1", 20), ("air-1", 15), ("meter-1", 10)):
        batcher.put(Sample(device, at, {"a": 1.0}), Clock.SYNCED)

    batcher.pack()

    assert batcher.packed[0].spans == {"meter-1": (10, 20), "air-1": (15, 15)}
