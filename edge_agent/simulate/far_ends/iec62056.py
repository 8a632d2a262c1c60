"""A meter with an optical head (IEC 62056-21): it is greeted, and then reads out what it has.

It answers in mode C and stays at 300 baud. At the address `push` it sends a telegram by itself.
What nothing feeds is not among its data sets.
"""

from __future__ import annotations

import re
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING

from device_profiles.encode import NotEncodable
from edge_agent import crc16
from edge_agent.protocols.iec62056 import ETX, PUSH, STX, block_check
from edge_agent.protocols.iec62056_data import TEXT
from edge_agent.simulate.far_ends.far_end import UNASKED, Scripted

if TYPE_CHECKING:
    from collections.abc import Collection

    from edge_agent.simulate.far_ends.far_end import Said, Sayings
    from telemetry.sample import Value

EVERY = 10.0
"""Seconds between telegrams (DSMR 4, P1 companion standard, §5.2)."""

IDENTIFICATION = b"/CTY0simulated\r\n"
"""A maker, 300 baud, a model (IEC 62056-21 §6.3.2)."""

READ_OUT = b"\x06000\r\n"
"""What a master acknowledges that with: data, at 300 baud (§6.3.3)."""

_TEXT = re.compile(r"[^()!/\s\x00-\x1f\x7f-\U0010ffff]*")


def far_end(address: str, _fields: Collection[str]) -> Scripted:
    """A meter that answers to its address and to none, or pushes."""
    if address == PUSH:
        return Scripted(_telegram, every=EVERY)
    return Scripted(partial(_answers, address))


def _answers(address: str, said: Said) -> Sayings:
    block = f"{_data_sets(said)}!\r\n".encode() + ETX
    greetings = {f"/?{wanted}!\r\n".encode(): IDENTIFICATION for wanted in ("", address)}
    return {**greetings, READ_OUT: STX + block + bytes((block_check(block),))}


def _telegram(said: Said) -> Sayings:
    text = IDENTIFICATION + f"\r\n{_data_sets(said)}!".encode()
    return {UNASKED: text + f"{crc16.ARC(text):04X}\r\n".encode()}


def _data_sets(said: Said) -> str:
    return "".join(f"{_data_set(field, value)}\r\n" for field, value in said.items())


def _data_set(field: str, value: Value) -> str:
    code, _, unit = field.partition(" ")
    if unit == TEXT:
        if not _TEXT.fullmatch(str(value)):
            raise NotEncodable(f"field {field!r} cannot say {value!r}: brackets or blanks")
        return f"{code}({value})"
    if isinstance(value, str):
        raise NotEncodable(f"field {field!r} cannot say {value!r}: it says numbers")
    number = format(Decimal(repr(+value)), "f")
    return f"{code}({number}*{unit})" if unit else f"{code}({number})"
