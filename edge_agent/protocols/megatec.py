"""Uninterruptible power supplies that speak Megatec (Q1): three questions, lines of fixed fields.

    Q1␍ ─► (226.0 195.0 226.0 014 49.0 27.5 30.0 00001000␍     now
    F␍  ─► #220.0 000 024.0 50.0␍                              rated
    I␍  ─► #Company         Model      Version   ␍             who

A field that the supply does not know has dashes for digits. There is no checksum: a line that is
not exactly so is not believed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge_agent.protocols.exchange import Shape, asked, ended_by, single_exchange
from telemetry.sample import NOT_VALID

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from edge_agent.protocols.conversation import Fields, Question
    from telemetry.sample import Flag

LONGEST = 82
END = b"\r"

NOW = (
    *("input_voltage", "input_fault_voltage", "output_voltage", "load", "frequency"),
    *("battery_voltage", "temperature"),
)
"""V, V, V, %, Hz, V (of one cell in an on-line supply), Cel."""

BITS = (
    *("utility_fail", "battery_low", "boost_or_bypass", "ups_failed", "standby_type"),
    *("test_in_progress", "shutdown_active", "beeper_on"),
)
"""The status, from its first character (bit 7)."""

RATED = ("nominal_voltage", "nominal_current", "nominal_battery_voltage", "nominal_frequency")
WHO = {"company": slice(1, 16), "model": slice(17, 27), "version": slice(28, None)}

_VALUE = r"(\d{1,4}(?:\.\d{1,3})?|[-@*]+(?:\.[-@*]+)?)"
_NOW = re.compile(r"\(" + " +".join([_VALUE] * len(NOW)) + r" +([01]{8}) *")
_RATED = re.compile("#" + " +".join([_VALUE] * len(RATED)) + " *")
_WHO = re.compile(r"#[ -\"$-~]{15} [ -\"$-~]{10} [ -\"$-~]{1,10} *")


@dataclass(frozen=True, slots=True)
class Query:
    """A question, how its answer looks, and what it says."""

    request: bytes
    line: re.Pattern[str]
    sync: bytes
    fields: tuple[str, ...]
    decode: Callable[[str], Fields]

    def question(self, fields: tuple[str, ...]) -> Question:
        """The exchange that brings these fields."""
        shape = Shape(
            sync=self.sync,
            size=ended_by(END),
            longest=LONGEST,
            is_sound=lambda line: self.line.fullmatch(_text(line)) is not None,
        )
        return single_exchange(self.request, shape, lambda line: self.decode(_text(line)), fields)


@dataclass(frozen=True, slots=True)
class Megatec:
    """The protocol; the device has no address."""

    def questions(self, address: str, fields: Sequence[str]) -> tuple[Question, ...]:
        """One exchange for each of the three lines that is needed.

        Raises:
            ValueError: if there is an address, or a field is not known.
        """
        if address:
            raise ValueError(f"address {address!r} should be empty: the power supply has none")
        wanted = asked(fields, FIELDS)
        return tuple(
            query.question(brought)
            for query in QUERIES
            if (brought := tuple(field for field in wanted if field in query.fields))
        )


def _text(line: bytes) -> str:
    return line.removesuffix(END).decode("ascii", "replace")


def _number(said: str) -> float | Flag:
    return float(said) if said[0].isdigit() else NOT_VALID


def _now(line: str) -> Fields:
    *numbers, status = line[1:].split()
    bits = {name: bit == "1" for name, bit in zip(BITS, status, strict=True)}
    return {**dict(zip(NOW, map(_number, numbers), strict=True)), "status": status, **bits}


def _rated(line: str) -> Fields:
    return dict(zip(RATED, map(_number, line[1:].split()), strict=True))


def _who(line: str) -> Fields:
    return {name: line[part].strip() for name, part in WHO.items()}


QUERIES = (
    Query(b"Q1\r", _NOW, b"(", (*NOW, "status", *BITS), _now),
    Query(b"F\r", _RATED, b"#", RATED, _rated),
    Query(b"I\r", _WHO, b"#", tuple(WHO), _who),
)
FIELDS = tuple(field for query in QUERIES for field in query.fields)
