"""An uninterruptible power supply that speaks Megatec: its three lines, from fields.

What nothing feeds is dashes, as of a supply that does not know it; a bit is 0.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from device_profiles.encode import NotEncodable
from edge_agent.protocols.megatec import BITS, END, NOW, QUERIES, RATED, WHO
from edge_agent.simulate.far_ends.far_end import Scripted

if TYPE_CHECKING:
    from collections.abc import Collection

    from edge_agent.simulate.far_ends.far_end import Said, Sayings
    from telemetry.sample import Value

FORMS = {
    "load": ("03.0f", "---"),
    "frequency": ("04.1f", "--.-"),
    "battery_voltage": ("04.1f", "--.-"),
    "temperature": ("04.1f", "--.-"),
    "nominal_current": ("03.0f", "---"),
    "nominal_frequency": ("04.1f", "--.-"),
}
"""How a number is written, and its absence; of volts, as `226.0` (networkupstools.org, Megatec)."""

VOLTS = ("05.1f", "---.-")
CELL_MAX = 9.995
"""Volts up to which a battery's are those of one cell, with two decimals."""

LARGEST = 9999.9
WIDTHS = {"company": 15, "model": 10, "version": 10}
_TEXT = re.compile('[ -"$-~]*')
_STATUS = re.compile("[01]{8}")


def far_end(_address: str, _fields: Collection[str]) -> Scripted:
    """A supply; it has no address."""
    return Scripted(_sayings)


def _sayings(said: Said) -> Sayings:
    now = " ".join(_number(name, said.get(name)) for name in NOW)
    rated = " ".join(_number(name, said.get(name)) for name in RATED)
    who = " ".join(_text(name, said.get(name, "")) for name in WHO)
    lines = (f"({now} {_status(said)}", f"#{rated}", f"#{who}")
    return {
        query.request: line.encode("ascii") + END
        for query, line in zip(QUERIES, lines, strict=True)
    }


def _number(name: str, value: Value | None) -> str:
    form, unknown = FORMS.get(name, VOLTS)
    if value is None:
        return unknown
    if isinstance(value, str) or not 0 <= value <= LARGEST:
        raise NotEncodable(f"field {name!r} cannot say {value!r}: it says 0 to {LARGEST:g}")
    if name == "battery_voltage" and value < CELL_MAX:
        form = "04.2f"
    return format(value, form)


def _status(said: Said) -> str:
    """Its eight bits: those of `status`, but for what is fed one by one."""
    status = str(said.get("status", "0" * len(BITS)))
    if not _STATUS.fullmatch(status):
        raise NotEncodable(f"field 'status' cannot say {status!r}: it is eight of 0 and 1")
    return "".join(
        str(int(bool(said.get(name, bit == "1")))) for name, bit in zip(BITS, status, strict=True)
    )


def _text(name: str, value: Value) -> str:
    text, width = str(value), WIDTHS[name]
    if len(text) > width or not _TEXT.fullmatch(text):
        raise NotEncodable(f"field {name!r} cannot say {text!r}: {width} characters, and no #")
    return text.ljust(width)
