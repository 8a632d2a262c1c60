"""Winsen MH-Z19 carbon dioxide sensors (MH-Z14 too): one command, one answer.

    FF │ 86 │ CO2 in ppm, high byte first │ temperature + 40 │ status │ 2 bytes │ minus the sum

The sum is of the seven bytes behind FF. Only CO2 is in the data sheets; the rest is what those
who took sensors apart agree on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge_agent.protocols.exchange import Shape, asked, single_exchange
from telemetry.sample import NOT_VALID

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edge_agent.protocols.conversation import Fields, Question

SIZE = 9
READ = 0x86
NUMBER_MAX = 255

FIELDS = ("co2", "temperature", "status")


@dataclass(frozen=True, slots=True)
class Mhz19:
    """The protocol; an address is the sensor's number, which is 1 (also if empty)."""

    def questions(self, address: str, fields: Sequence[str]) -> tuple[Question, ...]:
        """One exchange.

        Raises:
            ValueError: if the address is no number from 1 to 255, or a field is not known.
        """
        if not (address or "1").isdecimal() or not 1 <= int(address or "1") <= NUMBER_MAX:
            raise ValueError(f"address {address!r} should be 1 to {NUMBER_MAX}")
        return (
            single_exchange(request(int(address or "1")), SHAPE, _decode, asked(fields, FIELDS)),
        )


def request(number: int) -> bytes:
    """The command that asks for the measurement."""
    body = bytes([number, READ, 0, 0, 0, 0, 0])
    return b"\xff" + body + bytes([_check(body)])


def _check(body: bytes) -> int:
    return -sum(body) & 0xFF


def _is_sound(frame: bytes) -> bool:
    return _check(frame[1:-1]) == frame[-1]


def _decode(frame: bytes) -> Fields:
    """All zero is what the sensor says before it has measured."""
    if not any(frame[2:-1]):
        return dict.fromkeys(FIELDS, NOT_VALID)
    return {"co2": int.from_bytes(frame[2:4]), "temperature": frame[4], "status": frame[5]}


SHAPE = Shape(sync=bytes([0xFF, READ]), size=lambda _: SIZE, longest=SIZE, is_sound=_is_sound)
