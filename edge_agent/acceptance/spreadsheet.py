"""An acceptance sheet as CSV (RFC 4180) that opens in Excel and LibreOffice with a double click.

It begins with a byte order mark, by which Excel knows UTF-8. A text that a spreadsheet would take
for a formula (`=`, `+`, `-`, `@`, tab, carriage return at its beginning) gets an apostrophe before
it: a label is not to run commands on the desk where it is opened (OWASP, CSV injection).
"""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

from edge_agent.acceptance import words
from telemetry import units

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edge_agent.acceptance.point import Point
    from edge_agent.acceptance.sheet import DeviceSheet, Sheet
    from telemetry.language import Lang
    from telemetry.sample import Value

BOM = "\ufeff"
FORMULA = ("=", "+", "-", "@", "\t", "\r")


def spreadsheet(sheet: Sheet, lang: Lang) -> str:
    """The sheet: its head as names and values, then a row a channel."""
    file = io.StringIO()
    writer = csv.writer(file)
    for row in _rows(sheet, lang):
        writer.writerow([_safe(cell) for cell in row])
    return BOM + file.getvalue()


def _rows(sheet: Sheet, lang: Lang) -> Iterator[tuple[Value | None, ...]]:
    yield (words.TITLE(lang),)
    yield from words.heads(sheet, lang)
    yield (words.RESULT(lang), words.result(sheet, lang))
    for loss in words.losses(sheet, lang):
        yield "", loss
    yield (words.CHECKSUM(lang), sheet.digest)
    yield ()
    columns = (
        *(words.DEVICE, words.LABEL, words.MODEL, words.PROFILE, words.ADDRESS, words.UNVERIFIED),
        *(words.CHANNEL, words.LABEL, words.VALUE, words.UNIT, words.FLAG, words.READ_AT),
        *(words.STORED, words.READ_BACK, words.REFERENCE, words.VERDICT, words.REMARK),
    )
    yield tuple(phrase(lang) for phrase in columns)
    for device in sheet.devices:
        for point in device.points:
            yield (*_device(device, lang), *_point(point, sheet, lang))
    yield ()
    for phrase in words.SIGNATURES:
        yield phrase(lang), words.SIGN_HERE(lang)


def _device(device: DeviceSheet, lang: Lang) -> tuple[Value, ...]:
    return (
        *(device.id, device.label, device.model, words.profile(device, lang)),
        *(f"{device.address}, {device.bus}", ", ".join(device.unverified)),
    )


def _point(point: Point, sheet: Sheet, lang: Lang) -> tuple[Value | None, ...]:
    reading, back = point.reading, point.read_back
    return (
        *(point.channel, point.label, _cell(point.value, lang), units.label(point.unit)),
        str(reading.flag) if reading and reading.flag else "",
        f"{sheet.local(reading.at):%Y-%m-%d %H:%M:%S}" if reading else "",
        (words.YES if reading and reading.stored else words.NO)(lang),
        _cell(back.value, lang) if back else words.NOT_ASKED(lang),
        words.reference(point.reference),
        words.verdict(point, lang),
        words.remark(point, lang),
    )


def _cell(value: Value | None, lang: Lang) -> Value | None:
    """A number stays one, as wide as it is true."""
    match value:
        case bool():
            return words.value(value, lang)
        case float():
            return float(words.value(value, lang))
        case _:
            return value


def _safe(cell: Value | None) -> Value | None:
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA) else cell
