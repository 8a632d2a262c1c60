"""Records of an M-Bus telegram: each has a DIF, a VIF, their extensions, and the bytes of a value.

    ⟨DIF⟩ ⟨DIFE⟩… ⟨VIF⟩ [⟨length⟩ ⟨text⟩] ⟨VIFE⟩… [⟨LVAR⟩] ⟨value⟩

What ends too early is the last record, without a value; those before it stand by themselves.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from edge_agent.protocols.mbus_meaning import meaning
from edge_agent.protocols.mbus_values import Form, Raw, value
from telemetry.sample import BAD_REPLY, UNKNOWN_CODE

if TYPE_CHECKING:
    from telemetry.sample import Flag, Value

FILLER, MANUFACTURER, MORE_FOLLOW = 0x2F, 0x0F, 0x1F
"""DIFs that stand alone: nothing; the maker's own data to the end; the same, and more telegrams."""

EXTENDED, PLAIN_TEXT = 0x80, 0x7C
MOST_EXTENSIONS: Final = 10

FORMS: Final = {
    0x0: (Form.NONE, 0),
    **{code: (Form.BINARY, code) for code in range(1, 5)},
    0x5: (Form.REAL, 4),
    0x6: (Form.BINARY, 6),
    0x7: (Form.BINARY, 8),
    0x8: (Form.NONE, 0),
    **{code: (Form.BCD, code - 8) for code in range(0x9, 0xD)},
    0xE: (Form.BCD, 6),
}
"""What the low half of a DIF says: what the value's bytes are, and how many (table 4)."""

VARIABLE: Final = 0xD
FUNCTIONS: Final = ("", "max", "min", "error")

LENGTHS: Final = (
    (range(0xC0), Form.TEXT, range(0xC0)),
    (range(0xC0, 0xCA), Form.BCD, range(10)),
    (range(0xD0, 0xDA), Form.NEGATIVE_BCD, range(10)),
    (range(0xE0, 0xF0), Form.LONG_BINARY, range(16)),
    (range(0xF0, 0xF5), Form.LONG_BINARY, range(16, 36, 4)),
    (range(0xF5, 0xF7), Form.LONG_BINARY, range(48, 80, 16)),
)
"""What an LVAR says: what follows, and of how many bytes (table 5)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One value of a meter, in its quantity's base unit (Wh, m3, W, Cel, …).

    Attributes:
        quantity: such as ``volume``; empty where it is not known, or a VIFE changes its meaning.
        function: ``max``, ``min`` or ``error``; empty for the value itself.
        storage: 0 is now, others are past readings.
        tariff: 0 is the total.
        subunit: which part of the device.
    """

    quantity: str = ""
    function: str = ""
    storage: int = 0
    tariff: int = 0
    subunit: int = 0
    value: Value | Flag = BAD_REPLY


def cut(data: bytes, step: int) -> tuple[tuple[Record, ...], bool]:
    """The records, and whether more follow in another telegram.

    Args:
        data: what stands behind the telegram's head.
        step: -1 if values come high byte first, otherwise 1.
    """
    records: list[Record] = []
    at = 0
    while at < len(data):
        if data[at] == FILLER:
            at += 1
        elif data[at] in (MANUFACTURER, MORE_FOLLOW):
            own = data[at + 1 :].hex(" ").upper()
            if own or data[at] == MANUFACTURER:
                records.append(Record(quantity="manufacturer_specific", value=own))
            return tuple(records), data[at] == MORE_FOLLOW
        else:
            try:
                record, at = _record(data, at, step)
            except (IndexError, ValueError):
                return (*records, Record()), False
            records.append(record)
    return tuple(records), False


def _record(data: bytes, at: int, step: int) -> tuple[Record, int]:
    """The record that begins there, and where the next one does.

    Raises:
        IndexError: if it ends too early.
        ValueError: if it has a code that is reserved.
    """
    behind_dib = _extended(data, at)
    dib = data[at:behind_dib]
    vib, at = _vib(data, behind_dib)
    form, size, at = _form(dib[0], data, at)
    content = data[at : at + size]
    if len(content) < size:
        raise IndexError(size)
    storage, tariff, subunit = _place(dib)
    known = meaning(vib)
    said: Value | Flag = UNKNOWN_CODE
    if known is not None:
        raw = Raw(form=form, data=content[::step], meaning=known)
        said = value(raw)
    record = Record(
        quantity=known.quantity if known and known.is_plain else "",
        function=FUNCTIONS[dib[0] >> 4 & 3],
        storage=storage,
        tariff=tariff,
        subunit=subunit,
        value=said,
    )
    return record, at + size


def _extended(data: bytes, at: int) -> int:
    """Behind the byte at `at` and those that it says follow."""
    end = at + 1
    while data[end - 1] & EXTENDED:
        end += 1
    if end - at > MOST_EXTENSIONS + 1 or end > len(data):
        raise ValueError(end - at)
    return end


def _vib(data: bytes, at: int) -> tuple[bytes, int]:
    """The VIF and its extensions, without a unit in plain text; and what stands behind them."""
    vif = data[at]
    if vif & ~EXTENDED != PLAIN_TEXT:
        end = _extended(data, at)
        return data[at:end], end
    behind = at + 2 + data[at + 1]
    if not vif & EXTENDED:
        return bytes((vif,)), behind
    end = _extended(data, behind)
    return bytes((vif,)) + data[behind:end], end


def _form(dif: int, data: bytes, at: int) -> tuple[Form, int, int]:
    """What the value's bytes are, how many, and where they begin."""
    code = dif & 0x0F
    if code in FORMS:
        return *FORMS[code], at
    if code != VARIABLE:
        raise ValueError(dif)
    for lengths, form, sizes in LENGTHS:
        if data[at] in lengths:
            return form, sizes[data[at] - lengths[0]], at + 1
    raise ValueError(data[at])


def _place(dib: bytes) -> tuple[int, int, int]:
    """Storage number, tariff and subunit: a few bits in each byte, the lowest first."""
    storage, tariff, subunit = dib[0] >> 6 & 1, 0, 0
    for nth, dife in enumerate(dib[1:]):
        storage |= (dife & 0x0F) << 1 + 4 * nth
        tariff |= (dife >> 4 & 3) << 2 * nth
        subunit |= (dife >> 6 & 1) << nth
    return storage, tariff, subunit
