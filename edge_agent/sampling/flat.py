"""Whether a sensor stands still: the longest run of readings, up to now, within a narrow band.

Kept are only the readings that could still be the highest or the lowest of the run (each later one
is further inside the band), so memory is the number of distinct values in the band: one for a band
of 0, a few for a band of some steps. Beyond `KEPT` the run counts as shorter than it is.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from edge_agent.sampling.reading import Reading, goes_on, is_further

KEPT = 32
"""Most readings kept on each side; a sensor that moves in so many steps does not stand still."""


@dataclass(slots=True)
class _Extreme:
    """A reading, and when the next one came (ms)."""

    at: int
    value: float
    next_at: int = 0


class Flat:
    """One channel's run.

    Args:
        lasting: ms after which a run is a flat line.
        within: the band's width.
        max_gap: ms without a reading after which a run begins anew.
    """

    def __init__(self, *, lasting: float, within: float, max_gap: float) -> None:
        self._lasting = lasting
        self._within = within
        self._max_gap = max_gap
        self._since = 0
        self._newest: _Extreme | None = None
        self._highest: deque[_Extreme] = deque()
        self._lowest: deque[_Extreme] = deque()

    def take(self, reading: Reading) -> bool:
        """Whether the readings have stood still for so long, this one included."""
        newest = _Extreme(*reading)
        if self._newest is None or not goes_on(self._newest.at, reading.at, self._max_gap):
            self._begin(reading.at)
        else:
            self._newest.next_at = reading.at
        self._newest = newest
        while self._highest and self._highest[-1].value <= reading.value:
            self._highest.pop()
        while self._lowest and self._lowest[-1].value >= reading.value:
            self._lowest.pop()
        self._highest.append(newest)
        self._lowest.append(newest)
        self._shorten()
        return reading.at - self._since >= self._lasting

    def _begin(self, at: int) -> None:
        self._since = at
        self._highest.clear()
        self._lowest.clear()

    def _shorten(self) -> None:
        """Until the run fits into the band, and into memory."""
        highest, lowest = self._highest, self._lowest
        while (
            is_further(highest[0].value, lowest[0].value, self._within)
            or max(len(highest), len(lowest)) > KEPT
        ):
            older = highest if highest[0].at < lowest[0].at else lowest
            self._since = older.popleft().next_at
