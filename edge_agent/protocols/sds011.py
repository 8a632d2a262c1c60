"""Nova Fitness particle sensors: SDS011, SDS018, SDS021, and SDS198 for coarse dust.

    AA │ C0 (SDS198: CF) │ two words, low byte first │ id, 2 bytes │ sum of these six │ AB

A sensor in active mode speaks each second (or at its period); in query mode it waits to be asked.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from edge_agent.protocols.exchange import Shape, asked, single_exchange
from telemetry.sample import NOT_VALID

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edge_agent.protocols.conversation import Fields, Question

SIZE = 10
FINE, COARSE = 0xC0, 0xCF
"""What a frame of data is called: PM2.5 and PM10 in 0.1 ug/m3, or PM100 in ug/m3."""

QUERY = 4
ANYBODY = b"\xff\xff"

FIELDS = ("pm25", "pm10", "pm100", "device_id")


@dataclass(frozen=True, slots=True)
class Sds011:
    """The protocol; an address is `active` (or empty), `query`, or the id of the one to ask."""

    def questions(self, address: str, fields: Sequence[str]) -> tuple[Question, ...]:
        """One exchange: hear the next frame, or ask for it.

        Raises:
            ValueError: if the address is none of the three, or a field is not known.
        """
        request, device = _meant(address)
        shape = Shape(
            sync=b"\xaa", size=_size, longest=SIZE, is_sound=partial(_is_sound, device=device)
        )
        return (single_exchange(request, shape, _decode, asked(fields, FIELDS)),)


def query(device: bytes) -> bytes:
    """The command that asks one sensor (or `ANYBODY`) for its data."""
    body = bytes([QUERY]) + bytes(12) + device
    return b"\xaa\xb4" + body + bytes([sum(body) & 0xFF]) + b"\xab"


def _meant(address: str) -> tuple[bytes, bytes]:
    """The request, and whose frames count."""
    if address in ("", "active"):
        return b"", ANYBODY
    if address == "query":
        return query(ANYBODY), ANYBODY
    if re.fullmatch("[0-9a-f]{4}", address) is None:
        raise ValueError(f"address {address!r} should be active, query, or an id such as a160")
    return query(bytes.fromhex(address)), bytes.fromhex(address)


def _size(begun: bytes) -> int | None:
    if len(begun) > 1 and begun[1] not in (FINE, COARSE):
        return 0
    return SIZE


def _is_sound(frame: bytes, *, device: bytes) -> bool:
    is_whole = frame[9] == 0xAB and sum(frame[2:8]) & 0xFF == frame[8]  # noqa: PLR2004 - its tail
    return is_whole and device in (ANYBODY, frame[6:8])


def _decode(frame: bytes) -> Fields:
    """Zero for both sizes is what the sensor says before it has measured."""
    first, second = int.from_bytes(frame[2:4], "little"), int.from_bytes(frame[4:6], "little")
    said = {"pm100": second} if frame[1] == COARSE else {"pm25": first, "pm10": second}
    has_measured = first or second
    values = said if has_measured else dict.fromkeys(said, NOT_VALID)
    return {**values, "device_id": frame[6:8].hex()}
