"""One device's way from poll to delivery: each reading judged, held if it must be, then reported.

A reading that a spike test asks about waits for the next one of its channel, and with it the whole
sample and whatever the device says meanwhile: samples of a device leave in the order of their
time, each as one. What waits too long, or is too much, leaves unjudged.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from edge_agent.sampling.course import Moved
from edge_agent.sampling.reading import NUMBER, Reading
from telemetry.sample import COUNTER_FELL, FLAT_LINE, SPIKE, TOO_FAST, Flag, Sample

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from edge_agent.sampling.course import Course
    from edge_agent.sampling.flat import Flat
    from edge_agent.sampling.report import Report
    from edge_agent.sampling.spike import Spike

HELD_MAX = 30.0
"""Seconds that a reading waits for the next one: half of the usual live window, because what is
older goes as history, which pages nobody."""

WAITING_MAX = 256
"""Most samples of a device that wait, so that memory is bounded."""


@dataclass(slots=True)
class Judges:
    """What judges one channel's readings; each by itself, and the first doubt counts.

    `counts`: the course is a counter's.
    """

    course: Course | None = None
    counts: bool = False
    flat: Flat | None = None
    spike: Spike | None = None


@dataclass(slots=True)
class Counts:
    """What sampling did to one device's samples since the start of the process."""

    suspect: dict[Flag, int] = field(
        default_factory=lambda: dict.fromkeys((TOO_FAST, FLAT_LINE, SPIKE, COUNTER_FELL), 0)
    )
    replaced: int = 0
    """Counters that went on from a lower reading."""
    unsent: int = 0
    """Values that report by exception kept back."""


@dataclass(slots=True)
class _Waiting:
    """A sample, the doubts so far, and the channels that a spike test asks about."""

    sample: Sample
    flags: dict[str, Flag]
    asked: set[str]
    until: float


class Pipeline:
    """One device's.

    Args:
        judges: by channel.
        report: None tells all.
        tell_replaced: is told a counter's channel, its last reading, and the lower one after it.

    """

    def __init__(
        self,
        judges: Mapping[str, Judges],
        report: Report | None,
        tell_replaced: Callable[[str, float, float], None],
    ) -> None:
        self.counts = Counts()
        self._judges = judges
        self._report = report
        self._tell_replaced = tell_replaced
        self._queue: deque[_Waiting] = deque()
        self._asked: dict[str, _Waiting] = {}

    def take(self, sample: Sample, now: float) -> list[Sample]:
        """The samples that are to be delivered, now that this one came; `now` in seconds."""
        waiting = _Waiting(sample, dict(sample.flags), set(), now + HELD_MAX)
        for name, judges in self._judges.items():
            value = sample.values.get(name)
            if name in sample.flags:
                self._answer(name, is_spike=False)
            elif isinstance(value, NUMBER):
                self._judge(name, judges, Reading(sample.at, value), waiting)
        self._queue.append(waiting)
        return self.overdue(now)

    def overdue(self, now: float) -> list[Sample]:
        """The samples that wait for nothing more, or have waited long enough."""
        return list(self._released(now))

    def flush(self) -> list[Sample]:
        """All that waits."""
        return self.overdue(math.inf)

    def tell_all(self) -> None:
        """What leaves from here on is told whole, once."""
        if self._report is not None:
            self._report.forget()

    def _judge(self, name: str, judges: Judges, reading: Reading, waiting: _Waiting) -> None:
        match judges.course and judges.course.take(reading):
            case Flag() as reason:
                self._doubt(name, reason, waiting)
            case Moved(before, first) if judges.counts and first.value < before.value:
                self.counts.replaced += 1
                self._tell_replaced(name, before.value, first.value)
            case _:
                pass
        if judges.flat is not None and judges.flat.take(reading):
            self._doubt(name, FLAT_LINE, waiting)
        if judges.spike is not None:
            self._answer(name, is_spike=judges.spike.take(reading))
            self._asked[name] = waiting
            waiting.asked.add(name)

    def _answer(self, name: str, *, is_spike: bool) -> None:
        """The reading that a spike test asked about is judged as far as it will ever be."""
        waiting = self._asked.pop(name, None)
        if waiting is None:
            return
        waiting.asked.discard(name)
        if is_spike:
            self._doubt(name, SPIKE, waiting)

    def _doubt(self, name: str, reason: Flag, waiting: _Waiting) -> None:
        if name not in waiting.flags:
            waiting.flags[name] = reason
            self.counts.suspect[reason] += 1

    def _released(self, now: float) -> Iterator[Sample]:
        queue = self._queue
        while queue and (not queue[0].asked or now >= queue[0].until or len(queue) > WAITING_MAX):
            waiting = queue.popleft()
            for name in waiting.asked:
                del self._asked[name]
            sample = waiting.sample
            if len(waiting.flags) > len(sample.flags):
                sample = replace(sample, flags=waiting.flags)
            if (told := self._reported(sample)) is not None:
                yield told

    def _reported(self, sample: Sample) -> Sample | None:
        if self._report is None:
            return sample
        news = self._report.news(sample)
        self.counts.unsent += len(sample.values) - (0 if news is None else len(news.values))
        return news
