"""An acceptance sheet as one HTML file: no script, nothing loaded, printed on A4 as it stands."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from edge_agent.acceptance import words
from telemetry import units

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from edge_agent.acceptance.point import Point
    from edge_agent.acceptance.sheet import DeviceSheet, Sheet
    from telemetry.language import Lang

STYLE = """
@page { size: A4; margin: 15mm 14mm; }
body { font: 10pt/1.35 "Noto Sans", "DejaVu Sans", Arial, sans-serif; color: #111;
       max-width: 182mm; margin: 8mm auto; }
h1 { font-size: 17pt; margin: 0; } .sub { color: #444; margin: 0 0 5mm; }
h2 { font-size: 11.5pt; margin: 6mm 0 1mm; break-after: avoid; }
.about { margin: 0 0 1.5mm; color: #333; font-size: 9pt; break-after: avoid; }
.head { display: grid; grid-template-columns: 34mm 1fr; gap: .6mm 3mm; margin: 0; }
.head dt { color: #444; } .head dd { margin: 0; overflow-wrap: anywhere; }
.result { border: 1.5pt solid; padding: 2mm 3mm; margin: 5mm 0 0; font-weight: bold; }
.result p { margin: 0; } .yes { color: #0a5c2b; } .no { color: #a11313; }
table { border-collapse: collapse; width: 100%; font-size: 9pt; table-layout: fixed; }
th { width: 11%; } th:first-child { width: 24%; } th:nth-child(4) { width: 13%; }
th:nth-child(3), th:nth-child(5) { width: 8%; } th:nth-child(7) { width: 15%; }
th:nth-child(8) { width: 10%; }
thead { display: table-header-group; } tr { break-inside: avoid; }
th { text-align: left; border-bottom: 1pt solid #111; font-size: 8pt; color: #444; }
th, td { padding: .7mm 1.5mm; vertical-align: top; } td { border-bottom: .4pt solid #bbb; }
td { overflow-wrap: anywhere; }
.num { text-align: right !important; }
.fail td { background: #fbeaea; } .fail .remark { padding-left: 6mm; }
.verdict { font-weight: bold; white-space: nowrap; }
.remark { font-size: 8pt; color: #333; } .label { color: #444; font-size: 8pt; }
.signs { display: grid; grid-template-columns: 1fr 1fr; gap: 12mm; margin-top: 9mm;
         break-inside: avoid; }
.signs p { margin: 0 0 7mm; } .signs .line { border-bottom: .6pt solid #111; margin-bottom: 5mm; }
.sum { font: 7.5pt monospace; color: #444; margin-top: 6mm; overflow-wrap: anywhere; }
@media print { body { margin: 0; max-width: none; }
               * { print-color-adjust: exact; -webkit-print-color-adjust: exact; } }
"""

COLUMNS = (
    *(words.CHANNEL, words.VALUE, words.UNIT, words.READ_AT, words.STORED),
    *(words.READ_BACK, words.REFERENCE, words.VERDICT),
)
NUMBERS = (words.VALUE, words.READ_BACK, words.REFERENCE)
NUMBER = ' class="num"'


def page(sheet: Sheet, lang: Lang) -> str:
    """The sheet, ready to be printed and signed."""
    title = f"{words.TITLE(lang)} {sheet.agent}"
    return (
        f'<!doctype html>\n<html lang="{lang}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head>\n<body>\n"
        f"<h1>{escape(words.TITLE(lang))}</h1>\n"
        f'<p class="sub">{escape(words.SUBTITLE(lang))}</p>\n'
        f"{_head(sheet, lang)}{_result(sheet, lang)}"
        f"{''.join(_device(device, sheet, lang) for device in sheet.devices)}"
        f"{_signatures(lang)}"
        f'<p class="sum">{escape(words.CHECKSUM(lang))}: {sheet.digest}</p>\n'
        "</body></html>\n"
    )


def _head(sheet: Sheet, lang: Lang) -> str:
    rows = words.heads(sheet, lang)
    return f'<dl class="head">{"".join(_pair(name, text) for name, text in rows)}</dl>\n'


def _pair(name: str, text: str) -> str:
    return f"<dt>{escape(name)}</dt><dd>{escape(text)}</dd>\n"


def _result(sheet: Sheet, lang: Lang) -> str:
    lines = [words.result(sheet, lang), *words.losses(sheet, lang)]
    paragraphs = "".join(f"<p>{escape(line)}</p>" for line in lines)
    legend = f'<p class="remark">{escape(words.legend(sheet, lang))}</p>'
    return f'<div class="result {"yes" if sheet.accepted else "no"}">{paragraphs}</div>{legend}\n'


def _device(device: DeviceSheet, sheet: Sheet, lang: Lang) -> str:
    heads = "".join(
        f"<th{NUMBER if phrase in NUMBERS else ''}>{escape(phrase(lang))}</th>"
        for phrase in COLUMNS
    )
    rows = "".join(_row(point, sheet, lang) for point in device.points)
    title = " · ".join(filter(None, (device.id, device.label)))
    about = "<br>".join(escape(line) for line in _about(device, lang))
    return (
        f'<h2>{escape(title)}</h2><p class="about">{about}</p>\n'
        f"<table><thead><tr>{heads}</tr></thead><tbody>\n{rows}</tbody></table>\n"
    )


def _about(device: DeviceSheet, lang: Lang) -> Iterator[str]:
    yield f"{device.model} ({words.profile(device, lang)})"
    yield f"{words.ADDRESS(lang)}: {device.address}, {device.bus}"
    if device.unverified:
        yield f"{words.UNVERIFIED(lang)}: {', '.join(device.unverified)}"


def _row(point: Point, sheet: Sheet, lang: Lang) -> str:
    reading = point.reading
    label = f'<br><span class="label">{escape(point.label)}</span>' if point.label else ""
    remark = words.remark(point, lang)
    cells = (
        f"<td>{escape(point.channel)}{label}</td>",
        _number(words.value(point.value, lang)),
        *_cells([units.label(point.unit), words.read_at(point, sheet)]),
        *_cells([(words.YES if reading and reading.stored else words.NO)(lang)]),
        _number(words.read_back(point, lang)),
        _number(words.reference(point.reference)),
        f'<td class="verdict">{escape(words.verdict(point, lang))}</td>',
    )
    fails = "" if point.finding.passes else ' class="fail"'
    under = f'<tr{fails}><td colspan="{len(COLUMNS)}" class="remark">{escape(remark)}</td></tr>\n'
    return f"<tr{fails}>{''.join(cells)}</tr>\n" + (under if remark else "")


def _cells(texts: Iterable[str]) -> list[str]:
    return [f"<td>{escape(text)}</td>" for text in texts]


def _number(text: str) -> str:
    return f"<td{NUMBER}>{escape(text)}</td>"


def _signatures(lang: Lang) -> str:
    lines = "".join(
        f'<div class="line">{escape(phrase(lang))}:</div>'
        for phrase in (words.NAME, words.SIGNED_ON, words.SIGNATURE)
    )
    blocks = "".join(
        f"<div><p>{escape(phrase(lang))}</p>{lines}</div>" for phrase in words.SIGNATURES
    )
    return f'<div class="signs">{blocks}</div>\n'
