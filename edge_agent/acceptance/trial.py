"""When a point-to-point test has seen enough: from the running agent's state, look by look.

A reading counts if it was taken since the test began. One that is older counts once a newer would
have come: an unchanged value is not sent again at once, and what is read every five minutes is
not waited for if it was read before. A channel that stays wrong through `TIMES` readings is done
with; one that may still come right is waited for.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from edge_agent.acceptance.point import Finding, Point, Reading
from telemetry.sample import Flag

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

TIMES = 3
"""Readings after which a channel that is wrong is believed to be: noise spoils rarely three."""

SOON = 60.0
"""Seconds: what is read more rarely is not waited for if it was read before."""

ON_THE_WAY = 5_000
"""Milliseconds that a new reading may need to show: a status file's interval."""

Key = tuple[str, str]
"""Device and channel."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A channel to prove: read every `interval` seconds, sent every `heartbeat` at the least."""

    point: Point
    interval: float
    heartbeat: float


@dataclass(slots=True)
class _Course:
    """A channel's readings that are not stored yet, the newest that is, and the wrong ones."""

    waiting: dict[int, Reading] = field(default_factory=dict)
    stored: Reading | None = None
    wrong_at: set[int] = field(default_factory=set)

    def take(self, reading: Reading) -> None:
        if self.stored is None or reading.at > self.stored.at:
            self.waiting[reading.at] = reading

    def settle(self, since: int, until: int) -> None:
        """All between these times is in the store."""
        for at in [at for at in self.waiting if since <= at <= until]:
            self.stored = replace(self.waiting.pop(at), stored=True)

    @property
    def reading(self) -> Reading | None:
        """The newest that is stored, unless what came since is worse."""
        newest = self.waiting[max(self.waiting)] if self.waiting else self.stored
        if self.stored is None or newest is None:
            return newest
        worse = newest.flag is not None and self.stored.flag is None
        return newest if worse else self.stored


class Trial:
    """The test's course; `began` and `now` in ms since the epoch."""

    def __init__(self, wanted: Mapping[Key, Wanted], *, began: int) -> None:
        self._wanted = wanted
        self._began = began
        self._courses = {key: _Course() for key in wanted}

    def look(self, status: Mapping[str, Any], now: int) -> None:
        """Take what the agent's status document says."""
        for device in status["devices"]:
            for channel, reading in _readings(device):
                self._take((device["id"], channel), reading, now)
            if device["stored"] is not None:
                self._settle(device["id"], *device["stored"])

    def _take(self, key: Key, reading: Reading, now: int) -> None:
        if key in self._wanted and self._counts(self._wanted[key], reading, now):
            self._courses[key].take(reading)
            self._note(key)

    def _settle(self, device: str, since: int, until: int) -> None:
        for key, course in self._courses.items():
            if key[0] == device:
                course.settle(since, until)
                self._note(key)

    def _note(self, key: Key) -> None:
        """Remember at which readings a channel was wrong."""
        point = self._point(key)
        if point.reading and point.finding not in (Finding.GOOD, Finding.NOT_STORED):
            self._courses[key].wrong_at.add(point.reading.at)

    @property
    def points(self) -> dict[Key, Point]:
        """Every channel with what is known of it."""
        return {key: self._point(key) for key in self._wanted}

    @property
    def awaited(self) -> list[Key]:
        """The channels of which more is to be seen."""
        return [
            key
            for key, course in self._courses.items()
            if not self._point(key).finding.passes and len(course.wrong_at) < TIMES
        ]

    def _point(self, key: Key) -> Point:
        wanted = self._wanted[key].point
        return Point(
            channel=wanted.channel,
            unit=wanted.unit,
            label=wanted.label,
            reading=self._courses[key].reading,
            reference=wanted.reference,
            waived=wanted.waived,
        )

    def _counts(self, wanted: Wanted, reading: Reading, now: int) -> bool:
        if reading.at >= self._began:
            return True
        lasts = max(wanted.heartbeat, 1.5 * wanted.interval)
        if math.isfinite(lasts) and reading.at < self._began - 1000 * lasts - ON_THE_WAY:
            return False
        if wanted.interval > SOON:
            return True
        return now >= self._began + 1500 * wanted.interval + ON_THE_WAY


def _readings(device: Mapping[str, Any]) -> Iterator[tuple[str, Reading]]:
    for sample in device["samples"]:
        for channel in {**sample["values"], **sample["flags"]}:
            flag = sample["flags"].get(channel)
            yield (
                channel,
                Reading(
                    at=sample["at"],
                    value=sample["values"].get(channel),
                    flag=None if flag is None else Flag.parse(flag),
                    stored=False,
                ),
            )
