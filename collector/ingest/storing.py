"""The last step of an envelope: into the store, then the receipt.

    up ── write fails, or no room ──► down: what comes is answered `seen`
    ▲                                  │
    └── a write succeeds, none waits ──┘

What waits is bounded. Of what the store could not take only one envelope is kept, to try the store
with; the agents keep the rest, and send it when presence says `store: up`. Presence changes before
the first `seen`, and before nothing else, so that no agent waits for an `up` that has been.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from functools import partial
from typing import TYPE_CHECKING

from collector.ingest import dead_letters, receipts
from collector.journal.entry import Entry, Hour
from collector.stores import StoreUnavailable
from telemetry.receipt import Outcome, Receipt

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Sequence

    from collector.arrival import Arrival
    from collector.ingest.intake import Intake
    from collector.journal.journal import Journal
    from collector.live import Live
    from collector.stores import Store

log = logging.getLogger(__name__)

ROOM = 1_000_000
"""Values that may wait for the store: about 100 MB."""

GROUP = 200_000
"""Values in one write: half a second of SQLite."""

RETRY_MIN, RETRY_MAX = 1.0, 30.0
"""Seconds between tries of a store that is down."""

HOUR = 3_600_000


class Storing:
    """Writes what is offered, in groups, and answers for it.

    Args:
        room: values that may wait for the store.
        retry_min: seconds until a store that failed is tried again, doubled up to `RETRY_MAX`.
    """

    def __init__(  # noqa: PLR0913 - one for each part that it joins
        self,
        *,
        store: Store,
        journal: Journal,
        intake: Intake,
        live: Live,
        room: int = ROOM,
        retry_min: float = RETRY_MIN,
    ) -> None:
        self._store = store
        self._journal = journal
        self._intake = intake
        self._live = live
        self._room = room
        self._retry_min = retry_min
        self._waiting: deque[Arrival] = deque()
        self._values = 0
        self._filled = asyncio.Event()
        self._notices = dead_letters.Notices()

    async def run(self) -> None:
        """Open the store, and keep on writing to it."""
        try:
            await self._store.open()
        except StoreUnavailable as problem:
            self._go_down(problem)
            await self._until_done(self._store.open, problem)
        while True:
            self._come_up()
            group = await self._next_group()
            try:
                await self._write(group)
            except StoreUnavailable as problem:
                self._go_down(problem)
                self.answer(group, Outcome.SEEN)
                self.answer(self._drain(), Outcome.SEEN)
                await self._until_done(partial(self._write, group[:1]), problem)

    def offer(self, arrivals: Sequence[Arrival]) -> None:
        """Take what is watched and journalled: it will be stored, or is answered `seen` now."""
        if self._live.store == "up" and self._values > self._room:
            self._go_down(StoreUnavailable(f"too slow: {self._values} values wait for it"))
        if self._live.store == "down":
            self.answer(arrivals, Outcome.SEEN)
            return
        self._waiting.extend(arrivals)
        self._values += sum(map(_size, arrivals))
        self._filled.set()

    def answer(self, arrivals: Iterable[Arrival], outcome: Outcome) -> None:
        """Send receipts of one outcome."""
        self.send((a.agent, Receipt(a.topic.stream, a.topic.seq, a.crc, outcome)) for a in arrivals)

    def send(self, outcomes: Iterable[tuple[str, Receipt]]) -> None:
        """Send receipts."""
        for message in receipts.messages(outcomes):
            self._intake.publish(message.topic, message.payload)

    async def _write(self, group: Sequence[Arrival]) -> None:
        written = await self._store.write(group)
        letters = [dead_letters.letter(r.arrival, r.sample, r.reason) for r in written.rejected]
        taken = dead_letters.without(group, [(r.arrival, r.sample) for r in written.rejected])
        await self._journal.commit(Entry(hours=_hours(taken), dead_letters=letters))
        self._notices.tell(letters)
        self._live.counters.conflicts += written.conflicts
        self._live.counters.dead_letters += len(letters)
        self.answer(group, Outcome.STORED)

    async def _until_done(
        self, attempt: Callable[[], Awaitable[None]], problem: StoreUnavailable
    ) -> None:
        wait = self._retry_min
        while True:
            await asyncio.sleep(max(wait, problem.retry_after or 0))
            try:
                if problem.misconfigured:  # a renewed secret or file counts from the next opening
                    await self._store.open()
                await attempt()
            except StoreUnavailable as again:
                problem = again
                wait = min(wait * 2, RETRY_MAX)
            else:
                return

    async def _next_group(self) -> list[Arrival]:
        while not self._waiting:
            self._filled.clear()
            await self._filled.wait()
        group = [self._waiting.popleft()]
        values = _size(group[0])
        while self._waiting and values + _size(self._waiting[0]) <= GROUP:
            group.append(self._waiting.popleft())
            values += _size(group[-1])
        self._values -= values
        return group

    def _drain(self) -> list[Arrival]:
        drained = list(self._waiting)
        self._waiting.clear()
        self._values = 0
        return drained

    def _go_down(self, problem: StoreUnavailable) -> None:
        if self._live.store == "up":
            self._live.tell_store("down")
            self._intake.tell_store("down")
            level = logging.ERROR if problem.misconfigured else logging.WARNING
            log.log(level, "store: down (%s); alarms go on, agents keep their data", problem)

    def _come_up(self) -> None:
        if self._live.store == "down" and not self._waiting:
            self._live.tell_store("up")
            self._intake.tell_store("up")
            log.info("store: up again")


def _size(arrival: Arrival) -> int:
    """Values and flags, and one for each sample, which takes memory even when it says nothing."""
    return sum(1 + len(s.values) + len(s.flags) for s in arrival.envelope.samples)


def _hours(arrivals: Iterable[Arrival]) -> frozenset[Hour]:
    """The hours of each measurement that these samples fall into."""
    hours = set()
    for arrival in arrivals:
        measurement = {d.id: d.measurement for d in arrival.envelope.devices}
        for sample in arrival.envelope.samples:
            hours.add((measurement[sample.device], sample.at // HOUR))
    return frozenset(Hour(name, hour * HOUR) for name, hour in hours)
