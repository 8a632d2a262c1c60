"""Open alarms as operators see them, and their acknowledgement: moved, journalled, told."""

from __future__ import annotations

import time
from enum import StrEnum
from typing import TYPE_CHECKING

from collector.alarms.machine import Condition
from collector.journal.entry import Entry

if TYPE_CHECKING:
    from collector.alarms.engine import Engine, OpenAlarm
    from collector.journal.journal import Journal
    from collector.live import Live


class AlarmState(StrEnum):
    """An open occurrence, after ISA-18.2: its condition and its acknowledgement."""

    UNACKED_ACTIVE = "unacked-active"
    ACKED_ACTIVE = "acked-active"
    UNACKED_NORMAL = "unacked-normal"
    """It returned to normal before anybody took note of it."""


def standing(alarm: OpenAlarm) -> AlarmState:
    """How an open occurrence stands."""
    if alarm.state.condition in (Condition.NORMAL, Condition.PENDING):
        return AlarmState.UNACKED_NORMAL
    return AlarmState.ACKED_ACTIVE if alarm.state.acked else AlarmState.UNACKED_ACTIVE


class OpenAlarms:
    """The open alarms of one engine, as operators see them and act on them."""

    def __init__(self, engine: Engine, journal: Journal, live: Live) -> None:
        self._engine = engine
        self._journal = journal
        self._live = live

    def list(self) -> list[OpenAlarm]:
        """Every occurrence that is open."""
        return self._engine.open_alarms()

    async def acknowledge(self, occurrence: str, who: str, comment: str) -> None:
        """Take note of an occurrence, durably; to do it again changes nothing.

        Raises:
            NotOpen: if it is not open (any more).
        """
        watched = self._engine.ack(occurrence, who, comment, time.time_ns() // 1_000_000)
        # No await between the two: the journal keeps the order in which the engine moved.
        await self._journal.commit(Entry(watched.transitions, watched.changed))
        self._live.alarm(watched.transitions)
