"""What the engine found: for the journal, for what it must find again, and for the counters."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from collector.alarms.memory import Memory

if TYPE_CHECKING:
    from collector.alarms.transition import Series, Transition
    from collector.arrival import Arrival
    from telemetry.sample import Sample


@dataclass(slots=True)
class Watched:
    """What some arrivals, or an acknowledgement, did.

    Attributes:
        transitions: to be appended to the journal.
        changed: the memory's entries that are new; a `QUIET` alarm is to be forgotten.
        late: by series, the earliest event time that came too late for the live alarm.
        future: samples from a clock that cannot be right, with what brought them.
        late_samples: how many came after a later one, on the backlog lane, or too old.
        duplicates: how many samples came in envelopes that had been watched before.
        conflicts: how often a series had another value for the same instant.
    """

    transitions: list[Transition] = field(default_factory=list)
    changed: Memory = field(default_factory=Memory)
    late: dict[Series, int] = field(default_factory=dict)
    future: list[tuple[Arrival, Sample]] = field(default_factory=list)
    late_samples: int = 0
    duplicates: int = 0
    conflicts: int = 0
