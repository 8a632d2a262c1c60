"""An acceptance sheet as plain text of 80 columns: for the terminal, a mail, a printer."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from edge_agent.acceptance import words
from telemetry import units

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edge_agent.acceptance.point import Point
    from edge_agent.acceptance.sheet import DeviceSheet, Sheet
    from telemetry.language import Lang

WIDTH = 80
NAMES = 18
"""Columns that the names of the head's lines have, in either language."""


def text(sheet: Sheet, lang: Lang) -> str:
    """The sheet, ready to be signed."""
    lines = [
        *_title(lang),
        *body(sheet, lang),
        "",
        words.CHECKSUM(lang) + ":",
        "  " + sheet.digest,
        *_signatures(lang),
    ]
    return "\n".join(lines) + "\n"


def body(sheet: Sheet, lang: Lang) -> Iterator[str]:
    """What was tested and how each channel came out."""
    for name, value in words.heads(sheet, lang):
        yield from _named(name, value)
    yield ""
    yield words.legend(sheet, lang)
    for device in sheet.devices:
        yield ""
        yield from device_lines(device, sheet, lang)
    yield ""
    yield words.result(sheet, lang) if sheet.total else words.NOTHING(lang)
    for loss in words.losses(sheet, lang):
        yield from _wrapped(loss, "")


def device_lines(device: DeviceSheet, sheet: Sheet, lang: Lang) -> Iterator[str]:
    """A device with its channels."""
    yield from _wrapped(" ".join(filter(None, (device.id, device.label))), "")
    model = f"{device.model} ({words.profile(device, lang)})"
    yield from _wrapped(model, "  ")
    yield from _wrapped(f"{words.ADDRESS(lang)}: {device.address}, {device.bus}", "  ")
    if device.unverified:
        unverified = f"{words.UNVERIFIED(lang)}: {', '.join(device.unverified)}"
        yield from _wrapped(unverified, "  ")
    for point in device.points:
        yield from point_lines(point, sheet, lang)


def point_lines(point: Point, sheet: Sheet, lang: Lang) -> Iterator[str]:
    """One line a channel; what is wrong with it stands under it."""
    value, unit = words.value(point.value, lang), units.label(point.unit)
    reference = words.reference(point.reference)
    verdict, at = words.verdict(point, lang), words.read_at(point, sheet)
    line = f"  {verdict:<6}  {point.channel:<24}  {value:>12} {unit:<6} {at:>11}  {reference}"
    if len(line.rstrip()) > WIDTH:
        yield from _wrapped(f"{verdict:<6}  {point.channel}", "  ")
        yield from _wrapped(f"{value} {unit}  {at}  {reference}", " " * 10)
    else:
        yield line.rstrip()
    yield from _wrapped(words.remark(point, lang), " " * 10)


def _title(lang: Lang) -> list[str]:
    title = words.TITLE(lang).upper()
    return [title, *_wrapped(words.SUBTITLE(lang), ""), "=" * WIDTH]


def _signatures(lang: Lang) -> Iterator[str]:
    half = WIDTH // 2
    yield ""
    yield "".join(f"{phrase(lang):<{half}}" for phrase in words.SIGNATURES).rstrip()
    for phrase in (words.NAME, words.SIGNED_ON, words.SIGNATURE):
        yield ""
        line = f"{phrase(lang):<10} {'_' * 24}"
        yield f"{line:<{half}}{line}"


def _named(name: str, value: str) -> list[str]:
    head = f"{name:<{NAMES}}"
    return _folded(value, head, " " * NAMES) or [name]


def _wrapped(text: str, indent: str) -> list[str]:
    return _folded(text, indent, indent + "  ")


def _folded(text: str, first: str, others: str) -> list[str]:
    return textwrap.wrap(
        text, WIDTH, initial_indent=first, subsequent_indent=others, break_on_hyphens=False
    )
