"""Report by exception: of a sample, what a reader does not know yet.

A channel is told when its flag changes, when its value has left the deadband around the last one
told, and so often that it is heard of within each heartbeat. A heartbeat tells all channels of its
sample at once: one whole row, instead of a row for each quiet channel, and a reader that comes
late has the whole device after one. A reader that missed a part is told all again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge_agent.sampling.reading import NUMBER, is_further
from telemetry.sample import Flag, Sample, Value

if TYPE_CHECKING:
    from collections.abc import Mapping

    from device_profiles.sampling import Deadband


@dataclass(slots=True)
class _Told:
    """The last word on a channel, and when it was last read (ms)."""

    at: int
    value: Value | None
    flag: Flag | None
    read_at: int


class Report:
    """One device's; memory is bounded by its channels.

    Args:
        heartbeat: ms within which each channel is told.
        deadbands: by channel; of the others any change is told.
    """

    def __init__(self, *, heartbeat: float, deadbands: Mapping[str, Deadband]) -> None:
        self._heartbeat = heartbeat
        self._deadbands = deadbands
        self._told: dict[str, _Told] = {}

    def news(self, sample: Sample) -> Sample | None:
        """What of a sample is to be told; None is nothing."""
        names = {**sample.values, **sample.flags}
        news = [name for name in names if self._is_news(name, sample)]
        if len(news) < len(names) and any(self._is_due(name, sample.at) for name in names):
            news = list(names)
        for name in names:
            if (told := self._told.get(name)) is not None:
                told.read_at = sample.at
        return self._tell(sample, news)

    def forget(self) -> None:
        """Nobody knows what was told: the next reading of each channel is told."""
        self._told.clear()

    def _is_news(self, name: str, sample: Sample) -> bool:
        told = self._told.get(name)
        if told is None or told.flag != sample.flags.get(name):
            return True
        value, last = sample.values.get(name), told.value
        if value == last:
            return False
        deadband = self._deadbands.get(name)
        if deadband is None or not (isinstance(value, NUMBER) and isinstance(last, NUMBER)):
            return True
        limit = max(deadband.absolute, deadband.percent / 100 * abs(last))
        return is_further(value, last, limit)

    def _is_due(self, name: str, at: int) -> bool:
        """Whether the next reading, if it takes as long as this one, would come too late."""
        told = self._told.get(name)
        if told is None:
            return False
        return at <= told.at or at + (at - told.read_at) > told.at + self._heartbeat

    def _tell(self, sample: Sample, news: list[str]) -> Sample | None:
        values, flags = sample.values, sample.flags
        for name in news:
            self._told[name] = _Told(sample.at, values.get(name), flags.get(name), sample.at)
        if len(news) == len({**values, **flags}):
            return sample
        if not news:
            return None
        return Sample(
            sample.device,
            sample.at,
            {name: values[name] for name in news if name in values},
            {name: flags[name] for name in news if name in flags},
        )
