"""What each device said last, channel by channel, with when it said so."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from telemetry.sample import Sample


class Latest:
    """The latest samples of some devices; of a channel only the one that told it last.

    A device's groups come in samples of their own, and an unchanged channel stands in none.
    """

    def __init__(self, devices: Iterable[str]) -> None:
        self._told_by: dict[str, dict[str, Sample]] = {device: {} for device in devices}

    def take(self, sample: Sample) -> None:
        """A sample; one of a device that was not named is passed over."""
        told_by = self._told_by.get(sample.device)
        if told_by is not None:
            told_by.update(dict.fromkeys((*sample.values, *sample.flags), sample))

    def of(self, device: str) -> list[Sample]:
        """The device's samples, oldest first, each with the channels that no later one told."""
        told_by = self._told_by[device]
        distinct = {id(sample): sample for sample in told_by.values()}
        return [
            replace(
                sample,
                values={c: v for c, v in sample.values.items() if told_by[c] is sample},
                flags={c: f for c, f in sample.flags.items() if told_by[c] is sample},
            )
            for sample in sorted(distinct.values(), key=lambda sample: sample.at)
        ]
