"""Text that fits 80 columns: folded between words; tables cut, or folded to stay whole.

A column's width is counted as terminals show it: a letter with its marks takes one place.
"""

from __future__ import annotations

import textwrap
import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from telemetry.sample import Value

COLUMNS = 80
"""What a terminal over a slow link has at the least."""

GAP = "  "

LEAST = 8
"""Characters that a column keeps."""

ROOM = 24
"""Columns that a table's last column needs to be folded beside the others, not under them."""


def spelled(value: Value | None) -> str:
    """A value as wide as it is true: a float of 32 bits has seven digits."""
    if isinstance(value, float):
        return f"{value:.7g}"
    return "" if value is None else str(value)


def labelled(label: str, text: str, *, indent: int = 0, width: int = 15) -> str:
    """`label` in a column of `width`, and the text beside it; a long word is never cut.

    A name that is longer than the rest of the line gets a line of its own.
    """
    head = " " * indent + label.ljust(width) + " "
    if not text:
        return head.rstrip()
    longest = max((len(word) for word in text.split()), default=0)
    if len(head) + longest > COLUMNS:
        first = f"{head.rstrip()}\n" if label else ""
        return first + folded(text, " " * (indent + 2), " " * (indent + 2))
    return folded(text, head, " " * len(head))


def fitted(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """A table's lines; where they are too long, the widest column is cut, the last one first."""
    widths = _widths(head, rows)
    over = sum(widths) + len(GAP) * (len(widths) - 1) - COLUMNS
    by_width = sorted(range(len(widths) - 1), key=lambda column: -widths[column])
    for column in (len(widths) - 1, *by_width):
        cut = max(0, min(over, widths[column] - LEAST))
        widths[column] -= cut
        over -= cut
    for row in (head, *rows):
        cells = (_cut(cell, width) for cell, width in zip(row, widths, strict=True))
        yield GAP.join(cells).rstrip()


def folded(text: str, first: str = "", others: str = "") -> str:
    """The text in lines, `first` before the first one and `others` before the others."""
    return textwrap.fill(
        text,
        COLUMNS,
        initial_indent=first,
        subsequent_indent=others,
        break_long_words=False,
        break_on_hyphens=False,
    )


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """A table's lines, whole: where they are too long, the last column is folded.

    It stands under its row if the other columns leave too little room beside them.
    """
    *widths, last = _widths(head, rows)
    beside = sum(widths) + len(GAP) * len(widths)
    longest = max((shown(word) for row in (head, *rows) for word in row[-1].split()), default=0)
    if beside + last <= COLUMNS or beside + max(ROOM, longest) <= COLUMNS:
        for row in (head, *rows):
            first = "".join(
                _padded(cell, size) + GAP for cell, size in zip(row, widths, strict=False)
            )
            yield folded(row[-1], first, " " * beside) if row[-1] else first.rstrip()
        return
    for row in (head, *rows):
        cells = (_padded(cell, size) for cell, size in zip(row, widths, strict=False))
        yield _whole(GAP.join(cells).rstrip(), row)
        if row[-1]:
            yield folded(row[-1], GAP * 2, GAP * 2)


def shown(text: str) -> int:
    """The columns that a text takes: marks that combine with a letter take none."""
    composed = unicodedata.normalize("NFC", text)
    return sum(not unicodedata.combining(character) for character in composed)


def _whole(line: str, row: Sequence[str]) -> str:
    """The line, or its cells in as many lines as they need."""
    return line if shown(line) <= COLUMNS else folded(GAP.join(row[:-1]), "", GAP)


def _widths(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[int]:
    return [max(shown(row[n]) for row in (head, *rows)) for n in range(len(head))]


def _padded(cell: str, width: int) -> str:
    return cell + " " * (width - shown(cell))


def _cut(cell: str, width: int) -> str:
    if shown(cell) <= width:
        return _padded(cell, width)
    composed = unicodedata.normalize("NFC", cell)
    return f"{composed[: width - 1]}…"
