"""Vaisala weather transmitters WXT510, WXT520, WXT530 series: ASCII, polled or automatic.

    ⟨address⟩R0,Dm=274D,Sm=5.8M,Ta=17.9C,Pa=1.0058B␍␊     r0 and three characters before ␍: a CRC

The letter behind a value is its unit, which the device can be set to: here every field has one
unit, whatever the device says. `#` in its place says that the value is not valid.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from edge_agent import crc16
from edge_agent.protocols.conversation import Refused
from edge_agent.protocols.exchange import Shape, asked, ended_by, single_exchange
from edge_agent.protocols.wxt_fields import FIELDS, read

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edge_agent.protocols.conversation import Fields, Question

LONGEST = 512
"""The longest composite message has 30 fields of at most 14 characters."""

CRC_SIZE = 3
_ADDRESS = re.compile(r"([0-9A-Za-z])(?:/(crc|auto))?")
_DATA = re.compile(r".[Rr][0-5]((?:,[A-Z][a-z]=[^,=]*)+)")
_TEXT = re.compile(r".[Tt]X,(.*)")
REFUSALS = ("Unable to measure", "Sync/address", "Unknown cmd", "Use chksum")
"""How the text messages begin that refuse; others tell of a start or a reset."""


@dataclass(frozen=True, slots=True)
class Wxt:
    """The protocol; an address is `0`, `0/crc` to ask with a CRC, or `0/auto` to listen."""

    def questions(self, address: str, fields: Sequence[str]) -> tuple[Question, ...]:
        """One exchange: the composite message.

        Raises:
            ValueError: if the address is none, or a field is not known.
        """
        parts = _ADDRESS.fullmatch(address or "0")
        if parts is None:
            raise ValueError(
                f"address {address!r} should be one digit or letter, such as 0 or 0/crc"
            )
        device, mode = parts[1], parts[2]
        shape = Shape(
            sync=device.encode(),
            size=ended_by(b"\r\n"),
            longest=LONGEST,
            is_sound=partial(_is_sound, needs_crc=mode == "crc"),
        )
        return (single_exchange(request(device, mode), shape, _decode, asked(fields, FIELDS)),)


def request(device: str, mode: str | None) -> bytes:
    """The query for the composite message; nothing to a device that speaks by itself."""
    if mode == "auto":
        return b""
    query = device.encode() + (b"r0" if mode == "crc" else b"R0")
    return query + (crc(query) if mode == "crc" else b"") + b"\r\n"


def crc(text: bytes) -> bytes:
    """CRC-16/ARC in three printable characters, 4, 6 and 6 bits (WXT530 guide, appendix D)."""
    value = crc16.ARC(text)
    return bytes(0x40 | value >> shift & 0x3F for shift in (12, 6, 0))


def _message(line: bytes) -> bytes | None:
    """A line without its end and its CRC; None if the CRC is wrong."""
    text = line[:-2]
    if line[1:2] not in (b"r", b"t"):
        return text
    return text[:-CRC_SIZE] if crc(text[:-CRC_SIZE]) == text[-CRC_SIZE:] else None


def _is_sound(line: bytes, *, needs_crc: bool) -> bool:
    """Where there is no CRC, only the syntax tells of lost bytes: then no field is believed."""
    message = _message(line)
    if message is None or (needs_crc and line[1:2] == b"R") or not message.isascii():
        return False
    text = message.decode()
    if (data := _DATA.fullmatch(text)) is None:
        return _TEXT.fullmatch(text) is not None
    pairs = [pair.split("=") for pair in data[1][1:].split(",")]
    is_said_once = len({key for key, _ in pairs}) == len(pairs)
    return is_said_once and all(read(key, said) is not None for key, said in pairs)


def _decode(line: bytes) -> Fields:
    """Nothing, if it is a text message of no consequence.

    Raises:
        Refused: if it is an error message.
    """
    text = (_message(line) or b"").decode()
    if said := _TEXT.fullmatch(text):
        if said[1].startswith(REFUSALS):
            raise Refused(f"the transmitter says: {said[1]}")
        return {}
    pairs = (pair.split("=") for pair in text.split(",")[1:])
    return {name: value for pair in pairs for name, value in (read(*pair) or {}).items()}
