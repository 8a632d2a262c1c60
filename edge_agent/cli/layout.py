"""Text that fits 80 columns: folded between words, and tables whose widest column is cut."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

COLUMNS = 80
"""What a terminal over a slow link has at the least."""

GAP = "  "

LEAST = 8
"""Characters that a column keeps."""


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
    widths = [max(len(row[n]) for row in (head, *rows)) for n in range(len(head))]
    over = sum(widths) + len(GAP) * (len(widths) - 1) - COLUMNS
    by_width = sorted(range(len(widths) - 1), key=lambda column: -widths[column])
    for column in (len(widths) - 1, *by_width):
        cut = max(0, min(over, widths[column] - LEAST))
        widths[column] -= cut
        over -= cut
    for row in (head, *rows):
        cells = (_cut(cell, width) for cell, width in zip(row, widths, strict=True))
        yield GAP.join(cells).rstrip()


def _cut(cell: str, width: int) -> str:
    return cell.ljust(width) if len(cell) <= width else f"{cell[: width - 1]}…"


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
