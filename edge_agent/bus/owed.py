"""Whose answer a frame on a line is: that of the oldest request that it could answer.

RTU and ASCII replies name no request, only unit, function and byte count. A device answers in the
order in which it was asked, if at all; so when a request went unanswered, a frame that could answer
it may be just that, late. It is never taken for the answer to a younger request of the same shape:

    asked A ─(nothing)─ asked B ── frame ──►  like A and B: it is A's, B is waited for
                                              like B only:  it is B's, A will never be answered

A younger request of the same shape would then only pass when everything before it is answered,
which an unanswered one (the frame was lost) never is. So before it something of another shape is
asked, whose answer settles all that is older. A damaged reply leaves its request unanswered, for it
may have been noise. What is older than `FORGOTTEN` is settled.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge_agent.bus.frames import EXCEPTION

if TYPE_CHECKING:
    from edge_agent.bus.pdu import Ask

FORGOTTEN = 30.0
"""Seconds after which no device still answers; the slowest that state a time say 5 s."""


@dataclass(frozen=True, slots=True, eq=False)
class Debt:
    """A request that may still be answered, and when it was sent."""

    ask: Ask
    at: float


class Owed:
    """What each unit may still answer, the oldest first."""

    def __init__(self) -> None:
        self._units: dict[int, list[Debt]] = {}

    def asked(self, unit: int, ask: Ask, at: float) -> Debt:
        """A request was sent."""
        debt = Debt(ask, at)
        self._units.setdefault(unit, []).append(debt)
        return debt

    def came(self, unit: int, pdu: bytes) -> Debt | None:
        """The request that this is the answer to; those that are older will get none."""
        debts = self._units.get(unit, [])
        for index, debt in enumerate(debts):
            if debt.ask.fits(pdu) or debt.ask.is_refused_by(pdu):
                del debts[: index + 1]
                return debt
        return None

    def shapes(self, unit: int, now: float) -> set[bytes]:
        """How answers begin that may still come."""
        debts = [debt for debt in self._units.get(unit, []) if now - debt.at < FORGOTTEN]
        self._units[unit] = debts
        return {debt.ask.shape for debt in debts}


def is_refusal(pdu: bytes) -> bool:
    """Whether a reply is an exception."""
    return bool(pdu[0] & EXCEPTION)
