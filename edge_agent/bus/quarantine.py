"""What of a plan is read after the device refused an address: the rest, and now and then the bad.

    request ─refused─► its two halves ─refused─► ... ─► one channel: held ─recheck─► answered: back

One illegal register so costs its own channels, not the read that it stood in. What fails with the
device's own trouble is refused too, once it has failed `STUBBORN` times in a row.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from edge_agent.bus.planned import Planned
    from telemetry.sample import Flag

STUBBORN = 3
"""Failures of one read in a row after which they are laid to its registers."""


@dataclass(frozen=True, slots=True)
class _Held:
    since: float
    flag: Flag


class Quarantine:
    """The reads of one device and group.

    Args:
        requests: as planned.
        recheck: seconds after which a held read is tried again.
    """

    def __init__(self, requests: Iterable[Planned], *, recheck: float) -> None:
        self._reads = list(requests)
        self._held: dict[Planned, _Held] = {}
        self._troubles: Counter[Planned] = Counter()
        self._recheck = recheck

    def due(self, now: float) -> tuple[Planned, ...]:
        """What to read in this round; `now` in seconds, monotonic."""
        retries = [read for read, held in self._held.items() if now >= held.since + self._recheck]
        return (*self._reads, *retries)

    def refused(self, request: Planned, flag: Flag, now: float) -> tuple[Planned, ...]:
        """The device refused it: what to read instead, at once; nothing if it is held now."""
        parts = () if request in self._held else request.split()
        if not parts:
            self.hold(request, flag, now)
            return ()
        index = self._reads.index(request)
        self._reads[index : index + 1] = parts
        if self._troubles.pop(request, 0):
            self._troubles.update(dict.fromkeys(parts, STUBBORN - 1))
        return parts

    def hold(self, request: Planned, flag: Flag, now: float) -> None:
        """Do not read it for a while, nor in parts."""
        if request not in self._held:
            self._reads.remove(request)
        self._held[request] = _Held(now, flag)

    def troubled(self, request: Planned) -> bool:
        """The device failed at it: whether it has done so too often."""
        self._troubles[request] += 1
        return self._troubles[request] >= STUBBORN

    def answered(self, request: Planned) -> None:
        """The device answered: a held read is a read again."""
        self._troubles.pop(request, None)
        if self._held.pop(request, None) is not None:
            self._reads.append(request)

    @property
    def flags(self) -> dict[str, Flag]:
        """The channels that are not read, each with the reason."""
        return {
            channel.id: held.flag
            for read, held in self._held.items()
            for channel in (*read.channels, *read.beside)
        }
