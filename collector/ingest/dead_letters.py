"""Samples that must not reach the store, kept so that they can be released later."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING

from collector.alarms.classify import MAX_SKEW
from collector.journal.entry import DeadLetter
from telemetry import envelope

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from collector.arrival import Arrival
    from telemetry.sample import Sample

log = logging.getLogger(__name__)

FUTURE = f"more than {MAX_SKEW // 1000} s in the future"


def letter(arrival: Arrival, sample: Sample, reason: str) -> DeadLetter:
    """The dead letter that a sample becomes."""
    devices = tuple(d for d in arrival.envelope.devices if d.id == sample.device)
    alone = replace(arrival.envelope, devices=devices, samples=(sample,))
    return DeadLetter(
        agent=arrival.agent,
        stream=arrival.topic.stream,
        seq=arrival.topic.seq,
        device=sample.device,
        at=sample.at,
        sample=envelope.as_json(alone).decode(),
        reason=reason,
    )


def without(
    arrivals: Sequence[Arrival], dropped: Sequence[tuple[Arrival, Sample]]
) -> list[Arrival]:
    """The arrivals without some of their samples; one that has none left is still receipted."""
    if not dropped:
        return list(arrivals)
    gone = {id(sample) for _, sample in dropped}
    return [_keep_others(arrival, gone) for arrival in arrivals]


def _keep_others(arrival: Arrival, gone: set[int]) -> Arrival:
    samples = arrival.envelope.samples
    kept = tuple(sample for sample in samples if id(sample) not in gone)
    if len(kept) == len(samples):
        return arrival
    return replace(arrival, envelope=replace(arrival.envelope, samples=kept))


class Notices:
    """Says that samples are put aside: once a device and start, or a log would hold little else."""

    def __init__(self) -> None:
        self._told: set[tuple[str, str]] = set()

    def tell(self, letters: Iterable[DeadLetter]) -> None:
        """Log the first letter of each device that was not heard of before."""
        for one in letters:
            if (one.agent, one.device) not in self._told:
                self._told.add((one.agent, one.device))
                log.warning(
                    "%s %s: samples are kept aside, not stored: %s",
                    one.agent,
                    one.device,
                    one.reason,
                )
