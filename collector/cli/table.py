"""Rows as a plain table: columns as wide as their widest text, counted as terminals show it."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


def table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """The table's lines; the last column is not filled up."""
    lines = [list(headings), *(list(row) for row in rows)]
    widths = [max(_width(line[column]) for line in lines) for column in range(len(headings))]
    return "\n".join(
        "  ".join(
            text + " " * (width - _width(text)) for text, width in zip(line, widths, strict=True)
        ).rstrip()
        for line in lines
    )


def _width(text: str) -> int:
    composed = unicodedata.normalize("NFC", text)
    return sum(not unicodedata.combining(character) for character in composed)
