"""What one commit of the journal holds: all of it becomes durable, or nothing."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from collector.alarms.memory import Memory

if TYPE_CHECKING:
    from collections.abc import Sequence

    from collector.alarms.transition import Transition


class Hour(NamedTuple):
    """An hour of a measurement whose roll-up is out of date; `start` in ms since the epoch."""

    measurement: str
    start: int


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A sample that the store must not have: why, and the sample itself.

    Attributes:
        agent: whose it is.
        stream: with `seq`, the envelope that brought it.
        device: the device that it is of.
        at: its event time (ms).
        sample: an envelope of this one sample, as JSON, so that it can be released later.
        reason: why it is here.
    """

    agent: str
    stream: str
    seq: int
    device: str
    at: int
    sample: str
    reason: str


@dataclass(frozen=True, slots=True)
class Entry:
    """The changes of one commit."""

    transitions: Sequence[Transition] = ()
    memory: Memory = field(default_factory=Memory)
    hours: frozenset[Hour] = frozenset()
    dead_letters: Sequence[DeadLetter] = ()

    def __bool__(self) -> bool:
        """Whether there is anything to commit."""
        memory = self.memory
        return bool(
            self.transitions
            or self.hours
            or self.dead_letters
            or memory.alarms
            or memory.frontiers
            or memory.streams
        )
