"""What of a plan is read after the device refused an address: the rest, and now and then the bad.

    request ─refused─► its two halves ─refused─► ... ─► one channel: held ─recheck─► answered: back

One illegal register so costs its own channels, not the read that it stood in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from telemetry.sample import ILLEGAL_ADDRESS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from edge_agent.bus.plan import Request
    from telemetry.sample import Flag


class Quarantine:
    """The reads of one device and group.

    Args:
        requests: as planned.
        recheck: seconds after which a held read is tried again.
    """

    def __init__(self, requests: Iterable[Request], *, recheck: float) -> None:
        self._reads = list(requests)
        self._held: dict[Request, float] = {}
        self._recheck = recheck

    def due(self, now: float) -> tuple[Request, ...]:
        """What to read in this round; `now` in seconds, monotonic."""
        retries = [request for request, since in self._held.items() if now >= since + self._recheck]
        return (*self._reads, *retries)

    def refused(self, request: Request, now: float) -> tuple[Request, ...]:
        """The device said illegal address: what to read instead, at once; nothing if it is held."""
        if request in self._held:
            self._held[request] = now
            return ()
        parts = request.split()
        index = self._reads.index(request)
        self._reads[index : index + 1] = parts
        if not parts:
            self._held[request] = now
        return parts

    def answered(self, request: Request) -> None:
        """The device answered: a held read is a read again."""
        if self._held.pop(request, None) is not None:
            self._reads.append(request)

    @property
    def flags(self) -> dict[str, Flag]:
        """The channels that are not read, each with the reason."""
        return {channel.id: ILLEGAL_ADDRESS for held in self._held for channel in held.channels}
