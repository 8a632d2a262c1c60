"""Where operators acknowledge: the engine decides, the journal keeps, followers are told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from collector.alarms.engine import Engine, NotOpen
from collector.alarms.transition import Kind, Transition
from collector.entry import Entry

if TYPE_CHECKING:
    from collector.journal import Journal
    from collector.live import Live


class NoSuchOccurrence(LookupError):
    """Nobody ever heard of this occurrence."""


class OccurrenceClosed(Exception):
    """The occurrence was superseded, or ended without asking for anybody."""


class AlarmDesk:
    """Acknowledges occurrences."""

    def __init__(self, engine: Engine, journal: Journal, live: Live) -> None:
        self._engine = engine
        self._journal = journal
        self._live = live

    async def acknowledge(
        self, occurrence: str, *, who: str, comment: str, now: int
    ) -> list[Transition]:
        """Acknowledge; every transition of the occurrence. The first who does it stands.

        Raises:
            NoSuchOccurrence: if it never was.
            OccurrenceClosed: if it is over, and nobody had acknowledged it.
        """
        try:
            watched = self._engine.ack(occurrence, who, comment, now)
        except NotOpen:
            return await self._acknowledged_before(occurrence)
        await self._journal.commit(Entry(watched.transitions, watched.changed))
        self._live.alarm(watched.transitions)
        return await self._journal.occurrence(occurrence)

    async def _acknowledged_before(self, occurrence: str) -> list[Transition]:
        known = await self._journal.occurrence(occurrence)
        if not known:
            raise NoSuchOccurrence(occurrence)
        if not any(transition.kind is Kind.ACKNOWLEDGED for transition in known):
            raise OccurrenceClosed(f"{occurrence}: {known[-1].kind}")
        return known
