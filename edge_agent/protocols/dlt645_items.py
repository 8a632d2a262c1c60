"""Items of DL/T 645-2007: how many digits each has, and whether its top bit is a sign.

A layout is a number of bytes and what they are: nothing for BCD digits (`3` is six of them), `s`
where the top bit is the sign, `b` for a binary number (the status words), `t` for digits as text
(numbers of meters, dates), `a` for ASCII. BCD comes low byte first. The decimal point is the
profile's: 02010100 is 2 bytes, 0.1 V each.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from telemetry.sample import NOT_A_NUMBER, NOT_VALID, Flag, Value

LAYOUTS = (
    (r"00(00|03|04)....", "4s"),  # energies that are sums of directions
    (r"00......", "4"),  # energies, 0.01 kWh or kvarh
    (r"0201....", "2"),  # voltages, 0.1 V
    (r"0202....", "3s"),  # currents, 0.001 A
    (r"020[345]....", "3s"),  # active, reactive, apparent power, 0.0001 kW
    (r"0206....", "2s"),  # power factors, 0.001
    (r"0207....", "2"),  # phase angles, 0.1 degree
    (r"020[89]....", "2"),  # distortion of voltages and currents, 0.01 %
    (r"02800001", "3s"),  # neutral current, 0.001 A
    (r"02800002", "2"),  # frequency, 0.01 Hz
    (r"0280000[3456]", "3s"),  # mean power of a minute, demands of now, 0.0001 kW
    (r"02800007", "2s"),  # temperature within the meter, 0.1 degree
    (r"0280000[89]", "2"),  # batteries, 0.01 V
    (r"0280000A", "4"),  # how long the battery was in use, minutes
    (r"04000101", "4t"),  # date and day of the week, YYMMDDWW
    (r"04000102", "3t"),  # time, hhmmss
    (r"0400040[12]", "6t"),  # the meter's address, its number
    (r"04000403", "32a"),  # what its owner calls it
    (r"04000405", "6a"),  # its rated current
    (r"0400040[BC]", "10a"),  # its model, its date of manufacture
    (r"0400050[1-7]", "2b"),  # status words
)
"""DL/T 645-2007 annex A, tables A.1 to A.5: the first pattern that fits counts."""

_FIELD = re.compile(r"([0-9A-Fa-f]{8})(?:\.(\d{1,2}))?(?::(\d{1,3})([sbta]?))?")
_WHOLE_MAX = 8
"""Most bytes of a number: 16 digits, and 64 bits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """A field, and where and how it stands in the data behind the identifier.

    Attributes:
        field: as the profile spells it.
        identifier: 8 hex digits.
        index: which item of a block; None if it is the whole of the data.
        size: of one item, in bytes.
        kind: ``s``, ``b``, ``t``, ``a``, or nothing.
    """

    field: str
    identifier: str
    index: int | None
    size: int
    kind: str

    @property
    def start(self) -> int:
        """Its first byte."""
        return self.size * (self.index or 0)

    @property
    def end(self) -> int:
        """The byte behind it."""
        return self.start + self.size

    def fits(self, length: int) -> bool:
        """Whether data of `length` bytes can hold it."""
        return length == self.end if self.index is None else length >= self.end

    def value(self, data: bytes) -> Value | Flag:
        """What its bytes say, low byte first."""
        high_first = data[::-1]
        match self.kind:
            case "b":
                return int.from_bytes(high_first, "big")
            case "a":
                return _text(high_first)
            case "t":
                return high_first.hex() if high_first.hex().isdecimal() else NOT_VALID
            case "s":
                size = _digits(bytes((high_first[0] & 0x7F, *high_first[1:])))
                return -size if high_first[0] & 0x80 and not isinstance(size, Flag) else size
            case _:
                return _digits(high_first)


def item(field: str) -> Item:
    """The item that a field names.

    Raises:
        ValueError: if it is none, or its layout is neither known nor said.
    """
    match = _FIELD.fullmatch(field)
    if match is None:
        raise ValueError(f"field {field!r} should be such as 02010100, 0201FF00.1 or 04000101:4t")
    identifier, index, size, kind = match[1].upper(), match[2], match[3], match[4]
    if size is None:
        size, kind = _known(field, identifier, is_item=index is not None)
    if not 1 <= int(size) <= (_WHOLE_MAX if kind in ("", "s", "b") else 200):
        raise ValueError(f"field {field!r}: {size} bytes are more than such a value can have")
    return Item(
        field=field,
        identifier=identifier,
        index=None if index is None else int(index),
        size=int(size),
        kind=kind,
    )


def _known(field: str, identifier: str, *, is_item: bool) -> tuple[str, str]:
    pairs = [identifier[at : at + 2] for at in range(2, 8, 2)]
    if "FF" in pairs and not is_item:
        raise ValueError(f"field {field!r} is a block; its first item is {identifier}.0")
    for pattern, layout in LAYOUTS:
        if re.fullmatch(pattern, identifier):
            return layout.rstrip("sbta"), layout.lstrip("0123456789")
    raise ValueError(
        f"field {field!r}: say its layout, such as {identifier}:3s for 3 bytes, signed"
    )


def _digits(high_first: bytes) -> int | Flag:
    digits = high_first.hex()
    return int(digits) if digits.isdecimal() else NOT_A_NUMBER


def _text(high_first: bytes) -> str | Flag:
    try:
        return high_first.strip(b"\0 ").decode("ascii")
    except UnicodeDecodeError:
        return NOT_VALID
