"""Arrivals as an agent's envelopes bring them, in a few words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from collector.arrival import Arrival
from telemetry.envelope import Clock, Device, Envelope
from telemetry.sample import Flag, Sample
from telemetry.topics import EnvelopeTopic, Lane

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from telemetry.sample import Value

METER = Device("meter-1", "acme-1", 3, "electricity_meter")
STREAM = "00112233445566aa"


def sample(
    at: int,
    values: Mapping[str, Value],
    flags: Mapping[str, str] | None = None,
    device: str = METER.id,
) -> Sample:
    """A sample; flags as they are spelt."""
    spelt = {name: Flag.parse(text) for name, text in (flags or {}).items()}
    return Sample(device, at, dict(values), spelt)


def arrival(
    samples: Iterable[Sample],
    *,
    at: int,
    agent: str = "agent-1",
    devices: tuple[Device, ...] = (METER,),
    seq: int = 1,
) -> Arrival:
    """An envelope of these samples that arrives at `at`."""
    topic = EnvelopeTopic(agent, Lane.LIVE, STREAM, seq)
    return Arrival(topic, 0, at, Envelope(Clock.SYNCED, devices, tuple(samples)))
