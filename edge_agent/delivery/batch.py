"""Samples into batches, and what waits in memory for the outbox to take it.

A batch is one envelope, packed once: the very bytes that are kept, sent and receipted. Samples
share one if they came within one linger, under the same clock state, and within `SPAN` of time,
so that a batch as a whole is either fresh or old. Memory is bounded: the oldest batch goes first,
and is counted.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from telemetry import envelope
from telemetry.envelope import Envelope, EnvelopeTooLarge
from telemetry.receipt import checksum

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from telemetry.envelope import Clock, Device
    from telemetry.sample import Sample

SPAN = 30_000
"""Milliseconds of event time that one batch may cover: half of the usual live window."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Packed samples: times of the oldest and the newest (ms since epoch), their number, bytes.

    `spans`: the same two times for each device that has samples in it.
    """

    first_at: int
    last_at: int
    samples: int
    payload: bytes
    crc: int
    spans: Mapping[str, tuple[int, int]] = field(default_factory=dict)


class Batcher:
    """What is between `put` and the outbox.

    Attributes:
        packed: batches, oldest first, that the outbox has not taken yet.
        dropped_batches: since the outbox last recorded it.
        dropped_samples: since the outbox last recorded it.
    """

    def __init__(self, devices: Mapping[str, Device], *, capacity: int) -> None:
        self._devices = devices
        self._capacity = capacity
        self._loose: dict[tuple[Clock, int], list[Sample]] = {}
        self._bytes = 0
        self.packed: deque[Batch] = deque()
        self.dropped_batches = 0
        self.dropped_samples = 0

    @property
    def queued(self) -> int:
        """Samples in memory."""
        loose = sum(len(samples) for samples in self._loose.values())
        return loose + sum(batch.samples for batch in self.packed)

    def put(self, sample: Sample, clock: Clock) -> None:
        """Take a sample, stamped under `clock`.

        Raises:
            ValueError: if its device is not in the devices' table.
        """
        if sample.device not in self._devices:
            raise ValueError(f"device {sample.device!r} is not in the devices' table")
        self._loose.setdefault((clock, sample.at // SPAN), []).append(sample)

    def pack(self) -> list[Sample]:
        """Make batches of all samples that came, dropping the oldest batches beyond capacity.

        Returns:
            The samples, dropped too, that fit into no envelope, each by itself.
        """
        loose, self._loose = self._loose, {}
        oversize: list[Sample] = []
        for (clock, _), samples in loose.items():
            for batch in self._batches(clock, samples, oversize):
                self.packed.append(batch)
                self._bytes += len(batch.payload)
        while self._bytes > self._capacity:
            self._drop(self.packed.popleft())
        return oversize

    def oldest(self, limit: int) -> list[Batch]:
        """The oldest batches of up to `limit` bytes together, one at the least if there is one."""
        chosen: list[Batch] = []
        for batch in self.packed:
            limit -= len(batch.payload)
            if chosen and limit < 0:
                break
            chosen.append(batch)
        return chosen

    def kept(self, batches: Sequence[Batch]) -> None:
        """These batches, the oldest, are in the outbox now."""
        for batch in batches:
            if self.packed and self.packed[0] is batch:
                self.packed.popleft()
                self._bytes -= len(batch.payload)
            else:  # dropped for want of memory while the outbox was taking it: it is not lost
                self.recorded(1, batch.samples)

    def recorded(self, batches: int, samples: int) -> None:
        """So many drops are on record now."""
        self.dropped_batches -= batches
        self.dropped_samples -= samples

    def _batches(
        self, clock: Clock, samples: list[Sample], oversize: list[Sample]
    ) -> Iterator[Batch]:
        table = tuple(self._devices[name] for name in dict.fromkeys(s.device for s in samples))
        try:
            payload = envelope.pack(Envelope(clock, table, tuple(samples)))
        except EnvelopeTooLarge:
            if len(samples) == 1:
                self.dropped_batches += 1
                self.dropped_samples += 1
                oversize += samples
                return
            half = len(samples) // 2
            yield from self._batches(clock, samples[:half], oversize)
            yield from self._batches(clock, samples[half:], oversize)
            return
        times = [sample.at for sample in samples]
        yield Batch(
            first_at=min(times),
            last_at=max(times),
            samples=len(samples),
            payload=payload,
            crc=checksum(payload),
            spans=_spans(samples),
        )

    def _drop(self, batch: Batch) -> None:
        self._bytes -= len(batch.payload)
        self.dropped_batches += 1
        self.dropped_samples += batch.samples


def _spans(samples: Sequence[Sample]) -> dict[str, tuple[int, int]]:
    spans: dict[str, tuple[int, int]] = {}
    for sample in samples:
        first, last = spans.get(sample.device, (sample.at, sample.at))
        spans[sample.device] = (min(first, sample.at), max(last, sample.at))
    return spans
