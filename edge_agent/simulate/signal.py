"""Signals: what a channel says at any second, and what that has added up to since second 0.

Constant   ────────────
Track      ──┐  ┌──┐      recorded or modelled steps, over and over
             └──┘  └──
Sum        factor · (a + b + …) + offset
Total      start + factor · (the area below a), a meter's register
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from telemetry.sample import Value


@dataclass(frozen=True, slots=True)
class Constant:
    """Always the same."""

    constant: Value

    def value(self, at: float) -> Value:  # noqa: ARG002 - as every signal
        """What it says at `at` seconds."""
        return self.constant

    def total(self, at: float) -> float:
        """The area below the value from 0 to `at`, in its unit times seconds."""
        return float(self.constant) * at


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """Values that hold from their time to the next one's; after `period` it begins again.

    Attributes:
        times: seconds, ascending, the first 0.
        values: what holds from each time on.
        period: seconds after which it begins again, more than the last time.
        phase: where in the period second 0 is.
    """

    times: Sequence[float]
    values: Sequence[Value]
    period: float
    phase: float = 0.0
    _areas: list[float] = field(default_factory=list, init=False, repr=False)

    def value(self, at: float) -> Value:
        """What it says at `at` seconds."""
        return self.values[self._step((at + self.phase) % self.period)]

    def total(self, at: float) -> float:
        """The area below the value from 0 to `at`, in its unit times seconds."""
        return self._area(at + self.phase) - self._area(self.phase)

    def _step(self, time: float) -> int:
        return bisect_right(self.times, time) - 1

    def _area(self, time: float) -> float:
        if not self._areas:  # summed up when first asked for: few tracks are
            spans = (end - begin for begin, end in pairwise((*self.times, self.period)))
            steps = (float(v) * span for v, span in zip(self.values, spans, strict=True))
            self._areas.extend(accumulate(steps, initial=0.0))
        turns, rest = divmod(time, self.period)
        step = self._step(rest)
        begun = float(self.values[step]) * (rest - self.times[step])
        return turns * self._areas[-1] + self._areas[step] + begun


@dataclass(frozen=True, slots=True)
class Sum:
    """`factor` times the sum of numeric signals, and `offset`."""

    parts: Sequence[Flow]
    factor: float
    offset: float

    def value(self, at: float) -> Value:
        """What it says at `at` seconds."""
        return self.factor * sum(float(part.value(at)) for part in self.parts) + self.offset

    def total(self, at: float) -> float:
        """The area below the value from 0 to `at`, in its unit times seconds."""
        return self.factor * sum(part.total(at) for part in self.parts) + self.offset * at


@dataclass(frozen=True, slots=True, kw_only=True)
class Total:
    """`start`, and `factor` times what a signal has added up to; at `wrap` it begins again."""

    of: Flow = field(kw_only=False)
    factor: float
    start: float
    wrap: float | None

    def value(self, at: float) -> Value:
        """What it says at `at` seconds."""
        total = self.start + self.factor * self.of.total(at)
        return total if self.wrap is None else total % self.wrap


Flow = Constant | Track | Sum
"""What can be added up over time."""

Signal = Flow | Total
"""What a channel says."""
