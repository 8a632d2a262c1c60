"""Whom to ask next on a bus, and how long that takes: reads of one register, never a write.

    probe ─answered─► found: no more probes of this unit on this line
          ─silent───► next; it may have been late
          ─noise or a late reply─► those who were asked a moment ago are asked again, with patience

Probes wait a short time only, for most units are not there. Who answers later than that is heard
while the next ones are asked: as a reply that nobody waits for, or as bytes that are no reply. A
few that were asked before it are then given as long as the slowest device takes. Before the pace
changes, and at the end, the last one that did not answer is asked with patience, for the same end.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace
from enum import Enum, auto
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING

from device_profiles.registers import Table

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from edge_agent.scan.pace import Pace

WAIT = 0.1
"""Seconds that a probe waits for the first byte on a serial line.

Modbus over Serial Pace V1.02 §2.4.1 calls 100 to 200 ms a typical turnaround; the line is kept
quiet for as long again after a miss, so that both are heard.
"""

NETWORK_WAIT = 0.5
"""The same on a network, where a gateway waits for its own line."""

PATIENCE = 1.0
"""Seconds that a unit gets which may have been late; the longest that most devices ever take."""

REQUEST_CHARS, REPLY_CHARS = 8, 7
"""Characters of a read of one register, and of its reply (Modbus over Serial Pace V1.02, §2.3)."""

HELD_BACK = 0.03
"""Seconds that a wait is longer, for USB adapters hold bytes back."""

NETWORK_SECONDS = 0.01
"""What a request takes on a network beside waiting."""


@dataclass(frozen=True, slots=True)
class Probe:
    """One register of one unit; `pace` is None on a network."""

    pace: Pace | None
    unit: int
    table: Table
    address: int
    patient: bool = False

    @property
    def within(self) -> float:
        """Seconds for the first byte of a reply."""
        if self.patient:
            return PATIENCE
        return NETWORK_WAIT if self.pace is None else WAIT

    @property
    def longest(self) -> float:
        """Seconds that an answer takes at most: the request, the wait, the reply."""
        if self.pace is None:
            return NETWORK_SECONDS + self.within
        characters = (REQUEST_CHARS + REPLY_CHARS) * self.pace.wire.character
        return characters + self.within + HELD_BACK

    @property
    def seconds(self) -> float:
        """How long it takes when nobody answers; on a line it is quiet for as long after it."""
        return self.longest + (0.0 if self.pace is None else self.within)


GENERAL = ((Table.HOLDING, 0), (Table.INPUT, 0))
"""What any unit is asked for: a device answers, or refuses, at least one of them."""


Device = tuple[int | None, int]


class Heard(Enum):
    """What came of a probe."""

    ANSWER = auto()
    """A value or a refusal: a device is there."""
    SILENCE = auto()
    NOISE = auto()
    """Bytes that are no reply to it."""


def probes(
    paces: Sequence[Pace | None], units: Iterable[int], known: Iterable[Probe] = ()
) -> tuple[Probe, ...]:
    """Every probe in the order of asking; `known` are those of factory settings."""
    order = {pace: place for place, pace in enumerate(paces)}
    first = dict.fromkeys(probe for probe in known if probe.pace in order)
    rest = [
        Probe(pace, unit, table, address)
        for pace in paces
        for unit in units
        for table, address in GENERAL
    ]
    stages = (
        sorted(first, key=lambda probe: order[probe.pace]),
        [p for p in rest if p not in first],
    )
    return tuple(probe for stage in stages for probe in stage)


def seconds(probes: Iterable[Probe]) -> float:
    """How long they take if nobody answers."""
    return Sweep(probes).left


class Sweep:
    """One pass over the probes of a bus; nothing here waits or asks."""

    def __init__(self, probes: Iterable[Probe]) -> None:
        self._probes = deque(probes)
        self._again: deque[Probe] = deque()
        self._recent: deque[Probe] = deque()
        self._settled: set[Device] = set()
        self._patiently: set[tuple[Pace | None, int]] = set()
        self._pace: Pace | None = None
        self._waited = True
        runs = [list(run) for _, run in groupby(self._probes, key=attrgetter("pace"))]
        self._ends = deque(replace(run[-1], patient=True).seconds for run in runs)
        self.left = sum(probe.seconds for probe in self._probes) + sum(self._ends)
        """Seconds that the rest takes if nobody answers."""

    def next(self) -> Probe | None:
        """What to ask now; None when all is done."""
        while (probe := self._next()) is not None:
            if _device(probe) not in self._settled:
                return probe
        return None

    def _next(self) -> Probe | None:
        if self._again:
            return self._again.popleft()
        if not self._waited and (not self._probes or self._probes[0].pace != self._pace):
            self._waited = True
            if (last := self._last_chance()) is not None:
                return last
        return self._take() if self._probes else None

    def tell(self, probe: Probe, heard: Heard, *, late: bool = False) -> None:
        """What came of a probe; `late`: a reply came before it that nobody waited for any more."""
        if heard is Heard.ANSWER:
            self._settled.add(_device(probe))
        if late or heard is Heard.NOISE:
            self._ask_again(probe, heard)
        if not probe.patient:
            self._recent.append(probe)
            while sum(each.seconds for each in self._recent) > PATIENCE + probe.seconds:
                self._recent.popleft()

    def _take(self) -> Probe:
        probe = self._probes.popleft()
        self.left -= probe.seconds
        self._pace, self._waited = probe.pace, False
        return probe

    def _last_chance(self) -> Probe | None:
        """The last one that did not answer, with patience: who is late is heard meanwhile."""
        self.left -= self._ends.popleft()
        here = (each for each in reversed(self._recent) if each.pace == self._pace)
        silent = (each for each in here if _device(each) not in self._settled)
        last = next(silent, None)
        return last and replace(last, patient=True)

    def _ask_again(self, probe: Probe, heard: Heard) -> None:
        """Give patience, once, to whom the bytes may have come from."""
        suspects = [*self._recent, *([probe] if heard is Heard.NOISE else [])]
        fresh = [s for s in suspects if (s.pace, s.unit) not in self._patiently]
        self._patiently.update((s.pace, s.unit) for s in fresh)
        self._again += dict.fromkeys(replace(s, patient=True) for s in fresh)


def _device(probe: Probe) -> Device:
    """The unit and its speed: a line of one speed has each unit once, whatever the parity.

    Who looks over a wrong parity answers at two paces, as does anybody on a pseudo terminal.
    """
    return None if probe.pace is None else probe.pace.baud, probe.unit
