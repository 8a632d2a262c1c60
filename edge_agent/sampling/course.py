"""Whether a reading can follow the ones before it: the rate of change, and counters.

            fits last                     fits neither
        ┌────────────┐              ┌────────────────────┐
        ▼            │              ▼                    │
      BELIEVED ──────┴─ doubted ─► IN DOUBT (last, doubted)
        ▲                             │
        └─ fits last, or fits doubted ┘

So one misread costs one value, the return from it none, and a level that did change is believed at
its second reading. A counter that is believed at a lower level was replaced or reset.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

from edge_agent.sampling.reading import Reading, goes_on, is_further
from telemetry.sample import COUNTER_FELL, TOO_FAST, Flag

WRAP_SHARE = 0.1
"""Part of its range that a counter may rise in one interval, if nobody said how fast it can.

One that rises more between two readings is read too rarely to tell a wrap from a reset.
"""

WRAP_SHARE_MAX = 0.5
"""The same if somebody did: at more than half the range a wrap is no likelier than a reset."""

Step = Callable[[Reading, Reading], Flag | None]
"""Why the second cannot follow the first; None if it can."""


class Moved(NamedTuple):
    """A new level is believed: what was believed before, and the first reading of the new one."""

    before: Reading
    first: Reading


class Course:
    """One channel's: the last believed reading, and the doubted one right after it.

    Args:
        step: why a reading cannot follow another.
        max_gap: ms without a reading after which anything is believed.
    """

    def __init__(self, step: Step, *, max_gap: float = math.inf) -> None:
        self._step = step
        self._max_gap = max_gap
        self._last: Reading | None = None
        self._doubted: Reading | None = None

    def take(self, reading: Reading) -> Flag | Moved | None:
        """Why to doubt a reading, or what believing it says of the one before."""
        last, doubted = self._last, self._doubted
        self._last, self._doubted = reading, None
        latest = doubted or last
        if last is None or latest is None or not goes_on(latest.at, reading.at, self._max_gap):
            return None
        reason = self._step(last, reading)
        if reason is None:
            return None
        if doubted is not None and self._step(doubted, reading) is None:
            return Moved(last, doubted)
        self._last, self._doubted = last, reading
        return reason


def gauge(rate: float) -> Step:
    """Steps of a gauge that changes by `rate` a second at most."""

    def step(earlier: Reading, later: Reading) -> Flag | None:
        most = rate * (later.at - earlier.at) / 1000
        return TOO_FAST if is_further(earlier.value, later.value, most) else None

    return step


def counter(rate: float | None, wrap: float | None) -> Step:
    """Steps of a counter that rises by `rate` a second at most, and begins again at `wrap`.

    A fall is a wrap if the rise that it then is can be: at most what the rate allows (and half of
    the range), or `WRAP_SHARE` of the range without a rate.
    """

    def step(earlier: Reading, later: Reading) -> Flag | None:
        most = math.inf if rate is None else rate * (later.at - earlier.at) / 1000
        if later.value >= earlier.value:
            return TOO_FAST if is_further(earlier.value, later.value, most) else None
        if wrap is not None:
            share = WRAP_SHARE if rate is None else WRAP_SHARE_MAX
            if not is_further(earlier.value, later.value + wrap, min(most, share * wrap)):
                return None
        return COUNTER_FELL

    return step
