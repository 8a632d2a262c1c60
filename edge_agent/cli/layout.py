"""Text that fits 80 columns: a label and what belongs to it, folded between words."""

from __future__ import annotations

import textwrap

COLUMNS = 80
"""What a terminal over a slow link has at the least."""


def labelled(label: str, text: str, *, indent: int = 0, width: int = 15) -> str:
    """`label` in a column of `width`, and the text beside it; a long word is never cut.

    A name that is longer than the rest of the line gets a line of its own.
    """
    head = " " * indent + label.ljust(width) + " "
    longest = max((len(word) for word in text.split()), default=0)
    if len(head) + longest > COLUMNS:
        first = f"{head.rstrip()}\n" if label else ""
        return first + folded(text, " " * (indent + 2), " " * (indent + 2))
    return folded(text, head, " " * len(head))


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
