"""A block of registers on a terminal: each as every type and order, what is plausible marked."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import typer

from device_profiles.registers import Type
from edge_agent.scan.readings import ORDERS, PRINTABLE, TYPES
from telemetry.language import Phrase

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from edge_agent.scan.readings import Reading
    from telemetry.language import Lang

MARK = "*"
"""Stands before what is plausible; a colour says it once more on a terminal."""

MARKED = re.compile(re.escape(MARK) + r" \S+")

LONGEST_NUMBER = 14
"""Characters that a number has room for; a longer one is shortened to seven digits."""

LABEL, COLUMN = 12, 17

BITS_A_LINE = 16

LEGEND = Phrase(
    en="{mark} could be a measured value by its size: a hint, no proof",
    vi="{mark} có thể là giá trị đo theo độ lớn: gợi ý, không phải bằng chứng",
)
NONE = Phrase(en="nothing here looks like a measured value", vi="không có gì giống giá trị đo được")
ADDRESS = Phrase(en="address", vi="địa chỉ")
HEAD = ("hex", "u16", "i16", "BA", "high", "low", "bcd", "f16", "text")
SPAN = Phrase(en="{first} to {last}", vi="{first} đến {last}")
WIDTHS = (12, 5, 8, 8, 8, 5, 5, 7, 13, 6)

Places = dict[tuple[int, Type, str], "Reading"]


def block(
    address: int, words: Sequence[int], readings: Sequence[Reading], lang: Lang
) -> Iterator[str]:
    """Every reading: a line a register, then a table for each place where more begin."""
    places: Places = {(r.address, r.type, r.order): r for r in readings}
    yield LEGEND(lang, mark=MARK)
    yield ""
    yield ADDRESS(lang).ljust(WIDTHS[0]) + "".join(map(str.rjust, HEAD, WIDTHS[1:]))
    for offset, word in enumerate(words):
        yield _register(address + offset, word, places)
    for width in ORDERS:
        if width > 1:
            for offset in range(len(words) - width + 1):
                yield from _table(address + offset, width, places)
    yield from _others(readings, lang)


def coloured(line: str) -> str:
    """The line with what is marked in bold, which typer drops where there is no terminal."""
    return MARKED.sub(lambda marked: typer.style(marked[0], bold=True), line)


def plausible(readings: Sequence[Reading], lang: Lang) -> Iterator[str]:
    """Only what is highlighted, a line each."""
    chosen = [reading for reading in readings if reading.plausible]
    if not chosen:
        yield NONE(lang)
    for each in chosen:
        yield f"{_span(each, lang):<14} {_form(each):<17} {_value(each)}"


def bits(address: int, values: Sequence[int]) -> Iterator[str]:
    """Coils or discrete inputs, sixteen a line."""
    for start in range(0, len(values), BITS_A_LINE):
        run = values[start : start + BITS_A_LINE]
        yield f"{_place(address + start)}  {' '.join(map(str, run))}"


def _register(address: int, word: int, places: Places) -> str:
    shown = [
        _cell(places, (address, Type.U16, "AB")),
        _cell(places, (address, Type.I16, "AB")) if word >> 15 else "",
        _cell(places, (address, Type.U16, "BA")),
        _cell(places, (address, Type.U8H, "AB")),
        _cell(places, (address, Type.U8L, "AB")),
        _cell(places, (address, Type.BCD16, "AB")),
        _cell(places, (address, Type.F16, "AB")),
    ]
    cells = [f"{word:04x}", *shown, _characters(word)]
    padded = map(str.rjust, cells, WIDTHS[1:])
    return f"{_place(address):<{WIDTHS[0]}}{''.join(padded)}".rstrip()


def _table(address: int, width: int, places: Places) -> Iterator[str]:
    """One place: a column an order, a line a type, but for types that mean nothing here."""
    orders = ORDERS[width]
    yield ""
    yield f"{_place(address):<{LABEL}}" + "".join(f"{order:>{COLUMN}}" for order in orders)
    for kind in TYPES[width]:
        row = [_cell(places, (address, kind, order)) for order in orders]
        if kind in _SIGNED and not any("-" in text for text in row):
            continue  # then it says what the unsigned one does
        if any(row):
            cells = "".join(text.rjust(COLUMN) for text in row)
            yield f"  {kind:<{LABEL - 2}}{cells}".rstrip()


_SIGNED = (Type.I32, Type.I48, Type.I64)


def _others(readings: Sequence[Reading], lang: Lang) -> Iterator[str]:
    """Texts and clocks, which have no columns."""
    chosen = [r for r in readings if r.plausible and isinstance(r.value, str)]
    if chosen:
        yield ""
    for each in chosen:
        yield f"{_span(each, lang):<14} {_form(each):<17} {_value(each)}"


def _cell(places: Mapping[tuple[int, Type, str], Reading], place: tuple[int, Type, str]) -> str:
    reading = places.get(place)
    return "" if reading is None else _value(reading)


def _value(reading: Reading) -> str:
    match reading.value:
        case str() as text:
            shown = f'"{text}"' if reading.type is Type.STR else text
        case float() as number:
            shown = f"{number:.7g}"
        case number:
            shown = str(number) if len(str(number)) <= LONGEST_NUMBER else f"{number:.7g}"
    return f"{MARK} {shown}" if reading.plausible else shown


def _form(reading: Reading) -> str:
    return f"{reading.type} {reading.order}".rstrip()


def _span(reading: Reading, lang: Lang) -> str:
    last = reading.address + reading.registers - 1
    one = reading.registers == 1
    return str(reading.address) if one else SPAN(lang, first=reading.address, last=last)


def _place(address: int) -> str:
    return f"{address:>5} {address:04x}h"


def _characters(word: int) -> str:
    """The two bytes as text, with a dot for what cannot be printed."""
    return "".join(chr(byte) if byte in PRINTABLE else "." for byte in word.to_bytes(2))
