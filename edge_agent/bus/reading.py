"""One round of one device as it goes: what to ask next, and what came of it all.

    due ─next─► request ─answer │ fail─► … ─next─► None ─► values, flags

Refused reads are parted at once, so that the very sample of a refusal has every other value. What
the device said of itself decides what is still worth asking.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from edge_agent.bus.failures import (
    BUSY,
    REFUSALS,
    TROUBLE,
    UNKNOWN_FUNCTION,
    BusDown,
    DeviceException,
    DeviceRefused,
)
from edge_agent.bus.health import is_silence
from edge_agent.bus.planned import decode_round
from edge_agent.bus.request import Request

if TYPE_CHECKING:
    from collections.abc import Iterable

    from edge_agent.bus.failures import ReadFailed
    from edge_agent.bus.planned import Answer, Planned
    from edge_agent.bus.quarantine import Quarantine
    from telemetry.sample import Flag, Value


class Reading:
    """What one round has brought so far.

    Args:
        reads: what is read of the device in this round.
        doubted: whether its last round brought no reply.
        now: seconds, monotonic.

    Attributes:
        replied: whether it gave any sign of life.
        answered: whether it answered anything.
        refused: whether it refused anything.
        refusals: what it said of channels that it refused or failed at.
        complete: whether all was answered, or refused for good.
    """

    def __init__(self, reads: Quarantine, *, doubted: bool, now: float) -> None:
        self.replied = self.answered = self.refused = False
        self.complete = True
        self.refusals: dict[str, ReadFailed] = {}
        self._reads = reads
        self._doubted = doubted
        self._pending = deque(reads.due(now))
        self._replies: list[tuple[Planned, Answer]] = []
        self._missing: dict[str, Flag] = {}

    def next(self) -> Planned | None:
        """What to ask now; None when the round is over."""
        return self._pending.popleft() if self._pending else None

    def answer(self, request: Planned, answer: Answer) -> None:
        """The device answered."""
        self._replies.append((request, answer))
        self._reads.answered(request)
        self.replied = self.answered = True

    def fail(self, request: Planned, failure: ReadFailed, now: float) -> None:
        """The request brought nothing; `now` in seconds, monotonic."""
        self._miss([request], failure.flag)
        self.replied |= not is_silence(failure)
        if _is_refusal(failure):
            self.refusals |= dict.fromkeys((channel.id for channel in request.channels), failure)
        match failure:
            case DeviceException(code=code) if code in REFUSALS:
                self._part(request, failure.flag, now)
            case DeviceException(code=code) if code == UNKNOWN_FUNCTION:
                self._hold_all_like(request, failure.flag, now)
            case _ if _is_trouble(failure) and self._reads.troubled(request):
                self._part(request, failure.flag, now)
            case _:
                self.complete = False
                if self._is_hopeless(failure):
                    self._miss(self._pending, failure.flag)
                    self._pending.clear()

    def outcome(self) -> tuple[dict[str, Value], dict[str, Flag]]:
        """Values and flags of the whole round."""
        return decode_round(self._replies, self._missing | self._reads.flags)

    def _miss(self, requests: Iterable[Planned], flag: Flag) -> None:
        for request in requests:
            names = (channel.id for channel in (*request.channels, *request.beside))
            self._missing |= dict.fromkeys(names, flag)

    def _part(self, request: Planned, flag: Flag, now: float) -> None:
        self.refused = True
        self._pending.extendleft(reversed(self._reads.refused(request, flag, now)))

    def _hold_all_like(self, request: Planned, flag: Flag, now: float) -> None:
        """The device does not know the function: it has nothing in that table."""
        self.refused = True
        alike = [request, *(each for each in self._pending if _table(each) == _table(request))]
        for each in alike:
            self._reads.hold(each, flag, now)
        self._pending = deque(each for each in self._pending if each not in alike)

    def _is_hopeless(self, failure: ReadFailed) -> bool:
        """Whether the rest of the round would only cost the bus time.

        A device that answered last time is asked for the rest: some leave single reads unanswered.
        """
        if isinstance(failure, BusDown):
            return True
        if isinstance(failure, DeviceException) and failure.code in BUSY:
            return True
        return is_silence(failure) and not self.replied and self._doubted


def _is_refusal(failure: ReadFailed) -> bool:
    """Whether the device said that it has no such thing, or cannot read it."""
    if isinstance(failure, DeviceException):
        return failure.code in {UNKNOWN_FUNCTION, TROUBLE, *REFUSALS}
    return isinstance(failure, DeviceRefused)


def _is_trouble(failure: ReadFailed) -> bool:
    """Whether this may pass, or mean that the device has no such thing."""
    if isinstance(failure, DeviceException):
        return failure.code == TROUBLE
    return isinstance(failure, DeviceRefused)


def _table(request: Planned) -> object:
    return request.table if isinstance(request, Request) else None
