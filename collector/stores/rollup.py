"""Hourly roll-ups: computed when an hour is over, and anew when late samples touch it.

The journal remembers which hours were written to; a mark goes only after its roll-up is stored, so
a crash repeats and never skips. A mark set again meanwhile stays.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import time
from typing import TYPE_CHECKING

from collector.stores import StoreUnavailable
from collector.stores.query import HOUR

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from collector.journal.entry import Hour
    from collector.journal.journal import Journal
    from collector.stores import Store

log = logging.getLogger(__name__)

GRACE = 120_000
"""ms after its end that an hour is left alone: by then a lively agent's last batch has come."""

BATCH = 24
"""Most hours between two forgotten marks: what a crash repeats."""

PAUSE = 60.0
"""Seconds between two looks at the journal."""

DAY = 24 * HOUR


def due_before(now: int) -> int:
    """Hours that begin before this are over, and their last batch has come."""
    return (now - GRACE) // HOUR * HOUR


def batches(hours: Iterable[Hour]) -> Iterator[tuple[str, list[Hour]]]:
    """Hours in bounded batches of one measurement each, oldest first."""
    for measurement, group in itertools.groupby(sorted(set(hours)), key=lambda h: h.measurement):
        remaining = list(group)
        for first in range(0, len(remaining), BATCH):
            yield measurement, remaining[first : first + BATCH]


class RollUps:
    """Keeps the store's roll-ups true, and has it forget what is old.

    Args:
        store: open already, or opened by somebody else soon.
        journal: where hours are marked.
        now: the time, in ms since the epoch.
        pause: seconds between two looks at the journal.
    """

    def __init__(
        self,
        store: Store,
        journal: Journal,
        *,
        now: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
        pause: float = PAUSE,
    ) -> None:
        self._store = store
        self._journal = journal
        self._now = now
        self._pause = pause
        self._expired = 0
        self._failing = False

    async def run(self) -> None:
        """Wait, look, compute, for ever; a store that is away is tried again."""
        while True:
            await asyncio.sleep(self._pause)
            try:
                await self.catch_up()
            except StoreUnavailable as problem:
                if not self._failing:
                    log.warning("roll-ups: wait for the store (%s)", problem)
                self._failing = True
            else:
                if self._failing:
                    log.info("roll-ups: go on")
                self._failing = False

    async def catch_up(self) -> None:
        """Compute every hour that is due; once a day, forget what is old.

        Raises:
            StoreUnavailable: if the store is away; what was not computed stays marked.
        """
        away: StoreUnavailable | None = None
        marked = await self._journal.marked_hours(due_before(self._now()))
        for measurement, hours in batches(marked):
            try:
                await self._store.roll_up(measurement, [hour.start for hour in hours])
            except StoreUnavailable as problem:
                away = problem  # it may be this measurement alone
                continue
            await self._journal.unmark_hours(hours)
        if away is not None:
            raise away
        if self._now() - self._expired >= DAY:
            await self._store.expire(self._now())
            self._expired = self._now()
