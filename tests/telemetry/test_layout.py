"""What stands on a terminal fits 80 columns, and no word of it is lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from telemetry.layout import COLUMNS, fitted, folded, shown, spelled, table

if TYPE_CHECKING:
    from collections.abc import Sequence

WORD = st.text("abcđêệ-_09", min_size=1, max_size=40)
TEXT = st.lists(WORD, max_size=12).map(" ".join)
ROWS = st.lists(st.tuples(WORD, WORD, TEXT), max_size=4)


@given(head=st.tuples(WORD, WORD, WORD), rows=ROWS)
def test_a_table_is_never_wider_than_a_terminal_and_keeps_every_word(
    head: Sequence[str], rows: Sequence[Sequence[str]]
) -> None:
    lines = [line for each in table(head, rows) for line in each.splitlines()]

    assert all(shown(line) <= COLUMNS for line in lines)
    said = " ".join(" ".join(row) for row in (head, *rows))
    assert " ".join(lines).split() == said.split()


@given(head=st.tuples(WORD, WORD, WORD), rows=ROWS)
def test_a_table_that_is_cut_has_a_line_a_row(
    head: Sequence[str], rows: Sequence[Sequence[str]]
) -> None:
    lines = list(fitted(head, rows))

    assert len(lines) == len(rows) + 1
    assert all(shown(line) <= COLUMNS for line in lines)


def test_a_long_last_column_is_folded_beside_the_others() -> None:
    lines = "\n".join(table(("A", "CHANNELS"), [("gw-1", "voltage_l1 " * 8)])).splitlines()

    assert lines[0] == "A     CHANNELS"
    assert lines[2].startswith("      voltage_l1")


def test_a_last_column_without_room_stands_under_its_row() -> None:
    name = "cabinet-" * 9

    lines = "\n".join(table(("A", "CHANNELS"), [(name, "voltage_l1 " * 8)])).splitlines()

    assert lines[2] == name
    assert lines[3].startswith("    voltage_l1")


@given(TEXT)
def test_folded_text_keeps_every_word(text: str) -> None:
    assert folded(text, "- ", "  ").split() == ["-", *text.split()] or not text


def test_a_value_has_the_digits_of_a_float_of_32_bits_and_no_more() -> None:
    told = [spelled(value) for value in (0.1 + 0.2, 230.10000610351562, 12, True, "closed", None)]

    assert told == ["0.3", "230.1", "12", "True", "closed", ""]
