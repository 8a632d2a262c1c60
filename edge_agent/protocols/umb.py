"""Lufft's UMB protocol 1.0, binary: weather stations and road sensors, by measuring channels.

    SOH 10 ⟨to⟩ ⟨from⟩ ⟨length⟩ STX ⟨command⟩ 10 ⟨payload⟩ ETX ⟨CRC⟩ EOT      low bytes first

A field is a channel's number, such as 100. One channel is asked for with command 23, several with
2F. An address is class and device: 0x7001 is device 1 of class 7, the compact weather stations.
"""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING

from edge_agent import crc16
from edge_agent.protocols.conversation import Question, Refused, Send
from edge_agent.protocols.exchange import Shape, hear
from edge_agent.protocols.umb_channels import CHANNELS, STATUS, reading, readings
from telemetry.sample import BAD_REPLY

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from edge_agent.protocols.conversation import Conversation
    from telemetry.sample import Flag, Value

SOH, STX, ETX, EOT, VERSION = 0x01, 0x02, 0x03, 0x04, 0x10
ONE_CHANNEL, CHANNELS_AT_ONCE = 0x23, 0x2F
MASTER = 0xF001
"""Who asks: class 15 are the masters."""

HEAD, OVERHEAD = 8, 12
"""Bytes before the command, and of a whole frame without command and payload."""

MOST_CHANNELS = 16
"""So many answers of 13 bytes, the longest, are sure to fit into the 210 bytes of a payload."""

OK = 0x00
REFUSALS = {0x10: "unknown command", 0x11: "invalid parameter", 0x28: "not ready yet"}
"""What a status says of a whole answer (WS500-UMB manual, §18.3.5)."""

_COMMAND_BYTES = 2
_ADDRESS = re.compile(r"0x[0-9A-Fa-f]{4}|\d{1,5}")
_CLASSES = range(1, 16)


def frame(to: int, sender: int, command: int, payload: bytes) -> bytes:
    """A frame (UMB protocol 1.0, §3)."""
    head = bytes((SOH, VERSION)) + to.to_bytes(2, "little") + sender.to_bytes(2, "little")
    content = bytes((len(payload) + 2, STX, command, VERSION)) + payload + bytes((ETX,))
    return head + content + crc16.MCRF4XX(head + content).to_bytes(2, "little") + bytes((EOT,))


class Umb:
    """The protocol."""

    def questions(self, address: str, fields: Sequence[str]) -> tuple[Question, ...]:
        """One exchange for up to 16 channels.

        Raises:
            ValueError: if the address or a field is none.
        """
        station = _station(address)
        channels = tuple(dict.fromkeys(_channel(field) for field in fields))
        return tuple(
            _question(station, channels[at : at + MOST_CHANNELS])
            for at in range(0, len(channels), MOST_CHANNELS)
        )


def _station(address: str) -> int:
    station = (
        int(address, 0 if address.startswith("0x") else 10) if _ADDRESS.fullmatch(address) else 0
    )
    if not (station >> 12 in _CLASSES and station & 0xFFF):
        raise ValueError(f"address {address!r} should be such as 0x7001: class 7, device 1")
    return station


def _channel(field: str) -> int:
    if not (field.isascii() and field.isdecimal() and int(field) in CHANNELS):
        raise ValueError(
            f"field {field!r} should be the number of a measuring channel, such as 100"
        )
    return int(field)


def _question(station: int, channels: tuple[int, ...]) -> Question:
    request = _request(station, channels)
    return Question(
        fields=tuple(str(channel) for channel in channels),
        converse=partial(_converse, station, channels),
        sends=len(request),
        receives=OVERHEAD + 4 + 13 * len(channels),
    )


def _request(station: int, channels: Sequence[int]) -> bytes:
    numbers = b"".join(channel.to_bytes(2, "little") for channel in channels)
    if len(channels) == 1:
        return frame(station, MASTER, ONE_CHANNEL, numbers)
    return frame(station, MASTER, CHANNELS_AT_ONCE, bytes((len(channels),)) + numbers)


def _converse(station: int, channels: Sequence[int]) -> Conversation:
    request = _request(station, channels)
    heard = yield Send(request)
    while True:
        good, heard = yield from hear(SHAPE, heard)
        to, sender = int.from_bytes(good[2:4], "little"), int.from_bytes(good[4:6], "little")
        command, payload = good[HEAD], good[HEAD + 2 : -4]
        if to >> 12 != MASTER >> 12 or sender != station or not payload:
            continue
        said = _said(command, payload, request[HEAD], channels)
        # a late answer to an earlier question has other channels, or comes by the other command
        found = [channel for channel in channels if channel in said]
        if len(found) == len(channels) or (found and command == request[HEAD]):
            return {str(channel): said.get(channel, BAD_REPLY) for channel in channels}


def _said(
    command: int, payload: bytes, asked: int, channels: Sequence[int]
) -> Mapping[int, Value | Flag]:
    """The channels in an answer; none if it is no answer to a question for channels.

    Raises:
        Refused: if the device refuses what was asked.
    """
    status = payload[0]
    if command == ONE_CHANNEL and status in (OK, *STATUS):
        # where there is no value, the channel may be left out
        return reading(payload) or dict.fromkeys(channels[:1], STATUS.get(status, BAD_REPLY))
    if command == CHANNELS_AT_ONCE and status == OK:
        return readings(payload)
    if command == asked:
        raise Refused(f"the device says: {REFUSALS.get(status, 'status')} ({status:#04x})")
    return {}


def _size(begun: bytes) -> int | None:
    return OVERHEAD + begun[6] if len(begun) >= HEAD else None


def _is_sound(good: bytes) -> bool:
    marks = good[1] == VERSION and good[7] == STX and good[-4] == ETX and good[-1] == EOT
    return (
        marks
        and good[6] >= _COMMAND_BYTES
        and crc16.MCRF4XX(good[:-3]) == int.from_bytes(good[-3:-1], "little")
    )


SHAPE = Shape(sync=bytes((SOH,)), size=_size, longest=OVERHEAD + 0xFF, is_sound=_is_sound)
