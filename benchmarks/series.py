"""The samples that benchmarks of the wire, the ingest and the stores share.

A device has 20 channels that walk at random in steps of a tenth, as a meter's do, so that they
compress as a meter's do; an envelope has 10 samples of one device.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from telemetry.envelope import Clock, Device, Envelope
from telemetry.sample import Sample
from telemetry.topics import EnvelopeTopic, Lane

if TYPE_CHECKING:
    from collections.abc import Iterator

CHANNELS, SAMPLES, DEVICES = 20, 10, 50
VALUES = CHANNELS * SAMPLES
"""Values in an envelope."""

STREAM = "0123456789abcdef"
MEASUREMENT = "bench"


def walk(seed: int) -> Iterator[dict[str, float]]:
    """What a device says, time after time."""
    chance = random.Random(seed)  # noqa: S311 - the same values at each run
    tenths = [chance.randrange(100, 10_000) for _ in range(CHANNELS)]
    while True:
        tenths = [value + chance.choice((-1, 0, 0, 1)) for value in tenths]
        yield {f"channel_{n}": value / 10 for n, value in enumerate(tenths)}


def envelopes(count: int, first: int, step: int) -> Iterator[tuple[EnvelopeTopic, Envelope]]:
    """`count` envelopes, round the devices; times from `first`, `step` apart (ms)."""
    devices = [Device(f"device-{n}", "bench", 1, MEASUREMENT) for n in range(DEVICES)]
    walks = [walk(n) for n in range(DEVICES)]
    for number in range(count):
        device, says = devices[number % DEVICES], walks[number % DEVICES]
        start = first + number // DEVICES * SAMPLES * step
        samples = tuple(Sample(device.id, start + n * step, next(says)) for n in range(SAMPLES))
        topic = EnvelopeTopic("bench", Lane.LIVE, STREAM, number + 1)
        yield topic, Envelope(Clock.SYNCED, (device,), samples)
