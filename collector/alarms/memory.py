"""What the engine must find again after a crash: alarms, how far series were heard, and what."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from collector.alarms.machine import State

if TYPE_CHECKING:
    from collector.alarms.classify import Frontier
    from collector.alarms.seen import Ranges
    from collector.alarms.transition import Series

QUIET = State()
"""The state of an alarm that is normal, with nothing open; it is kept nowhere."""


class AlarmKey(NamedTuple):
    """One rule on one series."""

    rule: str
    series: Series


class Held(NamedTuple):
    """An alarm's state, and the revision of its rule that led to it."""

    state: State
    revision: int


class StreamKey(NamedTuple):
    """One agent's outbox."""

    agent: str
    stream: str


@dataclass(slots=True)
class Memory:
    """All that the engine must find again after a crash."""

    alarms: dict[AlarmKey, Held] = field(default_factory=dict)
    frontiers: dict[Series, Frontier] = field(default_factory=dict)
    streams: dict[StreamKey, Ranges] = field(default_factory=dict)
