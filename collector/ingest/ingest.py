"""What becomes of a message: watch, journal, store, receipt; in that order, for all that waits.

Everything waiting (bounded) is one group: one step of the alarms, one transaction of the journal.
The store has a task of its own (`storing`), so that alarms never wait for it. A crash anywhere
repeats, and never skips: without a receipt the agent sends again.
"""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING

from collector.arrival import Arrival
from collector.ingest import dead_letters, unpacking
from collector.ingest.unpacking import News, NotOurs, Refused
from collector.journal.entry import Entry
from telemetry.announce import About

if TYPE_CHECKING:
    from collections.abc import Sequence

    from collector.alarms.engine import Engine
    from collector.alarms.watched import Watched
    from collector.ingest.inbox import Message
    from collector.ingest.intake import Intake
    from collector.ingest.storing import Storing
    from collector.journal.journal import Journal
    from collector.live import Live

log = logging.getLogger(__name__)

GROUP_BYTES = 2**20
"""Payload bytes in one group: about a tenth of a second to unpack and watch."""


class Ingest:
    """Takes messages from the intake until it is cancelled."""

    def __init__(
        self, *, intake: Intake, engine: Engine, journal: Journal, storing: Storing, live: Live
    ) -> None:
        self._intake = intake
        self._engine = engine
        self._journal = journal
        self._storing = storing
        self._live = live
        self._notices = dead_letters.Notices()

    async def run(self) -> None:
        """Settle the alarms after the start, then take group after group."""
        await self._commit(self._engine.settle(_now()))
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._storing.run())
            tasks.create_task(self._take_forever())

    async def _take_forever(self) -> None:
        while True:
            messages = await self._intake.inbox.take(GROUP_BYTES)
            arrivals = []
            for message in messages:
                if arrival := self._open(message):
                    arrivals.append(arrival)
                await asyncio.sleep(0)
            if arrivals:
                await self._take(arrivals)

    async def _take(self, arrivals: Sequence[Arrival]) -> None:
        watched = self._engine.watch(arrivals, _now())
        await self._commit(watched)
        kept = dead_letters.without(arrivals, watched.future)
        for arrival in kept:
            self._live.see(arrival)
        self._storing.offer(kept)

    def _open(self, message: Message) -> Arrival | None:
        """The arrival in a message; what is none is dealt with here."""
        counters = self._live.counters
        counters.messages += 1
        try:
            opened = unpacking.unpack(message)
        except NotOurs:
            counters.foreign += 1
            return None
        match opened:
            case Refused():
                counters.refused += 1
                self._storing.send([(opened.agent, opened.receipt)])
            case News():
                self._hear(opened)
            case Arrival():
                samples = opened.envelope.samples
                counters.envelopes += 1
                counters.samples += len(samples)
                counters.values += sum(len(sample.values) for sample in samples)
                return opened
        return None

    def _hear(self, news: News) -> None:
        if isinstance(news.says, About):
            known = self._live.gateway(news.agent).about
            if known is None or known.config != news.says.config:
                for problem in self._engine.unfit(news.agent, news.says):
                    log.warning("%s", problem)
        self._live.hear(news.agent, news.says, news.at)

    async def _commit(self, watched: Watched) -> None:
        """Journal in one breath with the watching: nobody else's commit may come between."""
        letters = [dead_letters.letter(a, s, dead_letters.FUTURE) for a, s in watched.future]
        entry = Entry(watched.transitions, watched.changed, dead_letters=letters)
        await self._journal.commit(entry)
        self._notices.tell(letters)
        counters = self._live.counters
        counters.late += watched.late_samples
        counters.future += len(watched.future)
        counters.duplicates += watched.duplicates
        counters.dead_letters += len(letters)
        self._live.alarm(watched.transitions)


def _now() -> int:
    return time.time_ns() // 1_000_000
