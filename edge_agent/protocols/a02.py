"""Ultrasonic distance sensors that speak by themselves: DFRobot A01NYUB, A02YYUW, ME007YS.

FF │ distance in mm, high byte first │ sum of the three bytes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge_agent.protocols.exchange import Shape, asked, single_exchange

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edge_agent.protocols.conversation import Fields, Question

SIZE = 4
FIELDS = ("distance",)


@dataclass(frozen=True, slots=True)
class A02:
    """The protocol; the device has no address."""

    def questions(self, address: str, fields: Sequence[str]) -> tuple[Question, ...]:
        """One exchange: hear the next frame.

        Raises:
            ValueError: if there is an address, or a field is not known.
        """
        if address:
            raise ValueError(f"address {address!r} should be empty: the sensor has none")
        return (single_exchange(b"", SHAPE, _decode, asked(fields, FIELDS)),)


def _is_sound(frame: bytes) -> bool:
    return sum(frame[:3]) & 0xFF == frame[3]


def _decode(frame: bytes) -> Fields:
    return {"distance": int.from_bytes(frame[1:3])}


SHAPE = Shape(sync=b"\xff", size=lambda _: SIZE, longest=SIZE, is_sound=_is_sound)
