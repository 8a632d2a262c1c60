"""Whether a reading sticks out from both its neighbours, which is known when the next has come.

Spikes themselves are nobody's neighbour: the reading before a spike is measured by the one before
it, and the return from a spike by what came before the spike.
"""

from __future__ import annotations

from edge_agent.sampling.reading import Reading, goes_on, is_further

INTERVAL_MAX = 20.0
"""Seconds between two readings, at most, of a channel that is tested: the first waits for the
second, and must not become old by that (`pipeline.HELD_MAX`)."""


class Spike:
    """One channel's reading in question, and the neighbour before it.

    Args:
        limit: how far a reading may stick out from both.
        max_gap: ms without a reading after which there is no neighbour.
    """

    def __init__(self, limit: float, *, max_gap: float) -> None:
        self._limit = limit
        self._max_gap = max_gap
        self._before: Reading | None = None
        self._asked: Reading | None = None

    def take(self, reading: Reading) -> bool:
        """Whether the reading before this one was a spike."""
        asked = self._asked
        self._asked = reading
        if asked is None or not goes_on(asked.at, reading.at, self._max_gap):
            self._before = None
            return False
        if self._before is not None and self._sticks_out(self._before, asked, reading):
            return True
        self._before = asked
        return False

    def _sticks_out(self, before: Reading, asked: Reading, after: Reading) -> bool:
        value = asked.value
        if (value > before.value) != (value > after.value):
            return False
        return is_further(value, before.value, self._limit) and is_further(
            value, after.value, self._limit
        )
