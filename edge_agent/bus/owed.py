"""Whose answer a frame on a line is: that of the oldest request that it could answer.

RTU and ASCII replies name no request, only unit, function and byte count. A device answers in the
order in which it was asked, if at all; so when a request went unanswered, a frame that could answer
it may be just that, late. It is never taken for the answer to a younger request of the same shape:

    asked A ─(nothing)─ asked B ── frame ──►  like A and B: it is A's, B is waited for
                                              like B only:  it is B's, A is overtaken

So nothing is asked that an unanswered request's answer would fit: what is wanted is asked with a
register more. Where a device refuses that, its order is trusted: what it has overtaken will not be
answered. A damaged reply leaves its request unanswered, for it may have been noise. What is older
than `FORGOTTEN` is settled.

A refusal fits any request of its function. It is that of the oldest which was not overtaken.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge_agent.bus.frames import EXCEPTION

if TYPE_CHECKING:
    from collections.abc import Iterable

    from edge_agent.bus.pdu import Ask

FORGOTTEN = 30.0
"""Seconds after which no device still answers; the slowest that state a time say 5 s."""


@dataclass(slots=True, eq=False)
class Debt:
    """A request that may still be answered, when it was sent, and whether a younger one was."""

    ask: Ask
    at: float
    overtaken: bool = False


class Owed:
    """What each unit may still answer, the oldest first."""

    def __init__(self) -> None:
        self._units: dict[int, list[Debt]] = {}
        self._disorderly: dict[int, float] = {}
        """Units that answered what they had overtaken, and when that had been asked.

        They are not trusted to keep order until it is forgotten: neither for hours, nor for good,
        for another's frame may look like it.
        """

    def asked(self, unit: int, ask: Ask, at: float) -> Debt:
        """A request was sent."""
        debt = Debt(ask, at)
        self._units.setdefault(unit, []).append(debt)
        return debt

    def came(self, unit: int, pdu: bytes) -> Debt | None:
        """The request that this is the answer to; those that are older are overtaken."""
        debts = self._units.get(unit, [])
        for index, debt in enumerate(debts):
            refused = not debt.overtaken and debt.ask.is_refused_by(pdu)
            if refused or debt.ask.fits(pdu):
                if debt.overtaken:
                    self._disorderly[unit] = debt.at
                _overtake(debts[:index])
                del debts[index]
                return debt
        return None

    def waiting(self, unit: int) -> list[bytes]:
        """How answers begin that even a device which answers in order may still give."""
        return [debt.ask.shape for debt in self._units.get(unit, []) if not debt.overtaken]

    def forget(self, unit: int, shape: bytes, now: float) -> None:
        """Trust a device that answers in order: what was overtaken, and has this shape, is done."""
        if now - self._disorderly.get(unit, -math.inf) >= FORGOTTEN:
            debts = self._units[unit]
            self._units[unit] = [d for d in debts if not d.overtaken or d.ask.shape != shape]

    def shapes(self, unit: int, now: float) -> set[bytes]:
        """How answers begin that may still come."""
        debts = [debt for debt in self._units.get(unit, []) if now - debt.at < FORGOTTEN]
        self._units[unit] = debts
        return {debt.ask.shape for debt in debts}


def _overtake(debts: Iterable[Debt]) -> None:
    for debt in debts:
        debt.overtaken = True


def is_refusal(pdu: bytes) -> bool:
    """Whether a reply is an exception."""
    return bool(pdu[0] & EXCEPTION)
