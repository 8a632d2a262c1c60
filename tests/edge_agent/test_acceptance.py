"""Promise: a channel is called proven only if every step of its way is, and a sheet says why not.

And whatever stands in a label, no sheet runs it: not as a formula, not as markup.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.acceptance.page import page
from edge_agent.acceptance.point import (
    Finding,
    NoReference,
    Point,
    ReadBack,
    Reading,
    Reference,
    is_same,
)
from edge_agent.acceptance.sheet import DeviceSheet, Sheet, spell
from edge_agent.acceptance.spreadsheet import BOM, spreadsheet
from edge_agent.acceptance.text import WIDTH, body, text
from telemetry.language import Lang
from telemetry.sample import NO_REPLY, OUT_OF_RANGE, SENTINEL, Flag, Value

NOW = 1_795_330_800_000


def reading(
    value: Value | None = 230.5, flag: Flag | None = None, *, stored: bool = True
) -> Reading:
    return Reading(at=NOW - 1000, value=value, flag=flag, stored=stored)


def point(**changes: Any) -> Point:  # noqa: ANN401 - fields of many types
    return replace(Point(channel="voltage", unit="V", reading=reading()), **changes)


def sheet(*points: Point, **changes: Any) -> Sheet:  # noqa: ANN401 - as above
    device = DeviceSheet(
        id="meter-1",
        label="Feeder pillar",
        model="Eastron SDM120",
        profile="eastron-sdm120",
        revision=2,
        bus="rs485 (/dev/ttyUSB0 9600 8N1)",
        address="1",
        unverified=("serial.baud",),
        points=points,
    )
    whole = Sheet(
        at=NOW,
        offset=420,
        site="market-hall",
        agent="gw-1",
        version="1.0",
        config="bf465636befce26f",
        clock="synced",
        broker="centre:8883",
        collector="",
        technician="Trần Văn An",
        note="",
        refused=0,
        dropped=0,
        devices=(device,),
    )
    return replace(whole, **changes)


# The verdict


@pytest.mark.parametrize(
    ("changes", "finding"),
    [
        ({}, Finding.GOOD),
        ({"reading": None}, Finding.NOT_READ),
        ({"reading": reading(None, NO_REPLY)}, Finding.NO_REPLY),
        ({"reading": reading(None, SENTINEL)}, Finding.NO_VALUE),
        ({"reading": reading(stored=False)}, Finding.NOT_STORED),
        ({"read_back": ReadBack(None)}, Finding.NOT_FOUND),
        ({"read_back": ReadBack(230.4)}, Finding.DIFFERS),
        ({"reference": Reference(220.0, 5)}, Finding.OFF),
        ({"reading": reading(230.5, OUT_OF_RANGE)}, Finding.DOUBTED),
        ({"read_back": ReadBack(230.5), "reference": Reference(230, 1)}, Finding.GOOD),
        ({"reading": None, "waived": "single phase"}, Finding.WAIVED),
        ({"waived": "single phase"}, Finding.GOOD),
    ],
)
def test_the_verdict_names_what_is_wrong_first(changes: dict[str, Any], finding: Finding) -> None:
    assert point(**changes).finding is finding


@given(
    st.booleans(),
    st.sampled_from([None, 230.5, 1.0]),
    st.sampled_from([None, OUT_OF_RANGE, NO_REPLY]),
    st.sampled_from([None, ReadBack(None), ReadBack(230.5), ReadBack(2.0)]),
    st.sampled_from([None, Reference(230.5), Reference(9.0)]),
)
def test_good_means_that_nothing_at_all_speaks_against_it(
    stored: bool,  # noqa: FBT001 - drawn
    value: float | None,
    flag: Flag | None,
    back: ReadBack | None,
    reference: Reference | None,
) -> None:
    seen = point(reading=reading(value, flag, stored=stored), read_back=back, reference=reference)

    against = [
        value is None,
        not stored,
        flag is not None,
        back is not None and back.value != value,
        reference is not None and reference.value != value,
    ]
    assert (seen.finding is Finding.GOOD) is not any(against)


@pytest.mark.parametrize(
    ("read", "stored", "same"),
    [(True, 1.0, True), (3, 3.0, True), ("open", "open", True), ("1", 1, False), (2.5, 2.4, False)],
)
def test_a_store_may_keep_a_truth_value_as_a_number(
    read: Value, stored: Value, *, same: bool
) -> None:
    assert is_same(read, stored) is same


# References


@pytest.mark.parametrize(
    ("spelled", "reference"),
    [
        ("meter-1.voltage=230+-2", Reference(230, 2)),
        ("meter-1.voltage = 230 ± 2", Reference(230, 2)),
        ("meter-1.voltage=-5.5+/-1%", Reference(-5.5, 0.055)),
        ("meter-1.voltage=230", Reference(230)),
        ("meter-1.voltage=open", Reference("open")),
        ("meter-1.voltage=-5", Reference(-5)),
    ],
)
def test_a_reference_is_written_as_technicians_write_it(spelled: str, reference: Reference) -> None:
    name, found = Reference.parse(spelled)

    assert name == "meter-1.voltage"
    assert found.value == reference.value
    assert found.tolerance == pytest.approx(reference.tolerance)


@pytest.mark.parametrize("spelled", ["", "voltage", "a.b=", "a.b=1+-x", "a.b=1+--2", "a.b=on+-2"])
def test_what_is_no_reference_is_refused(spelled: str) -> None:
    with pytest.raises(NoReference):
        Reference.parse(spelled)


@given(st.integers(-1000, 1000), st.integers(0, 100), st.integers(-200, 200))
def test_what_is_as_far_off_as_allowed_is_allowed(value: int, allowed: int, off: int) -> None:
    reference = Reference(value / 10, allowed / 10)

    assert reference.allows((value + off) / 10) is (abs(off) <= allowed)


def test_a_state_is_held_against_a_word() -> None:
    assert Reference("open").allows("Open")
    assert not Reference("open").allows("closed")
    assert not Reference(1.0).allows("open")


# The sheet


def test_a_sheet_is_accepted_only_if_every_channel_is_proven_and_nothing_was_lost() -> None:
    assert sheet(point()).accepted
    assert not sheet(point(), point(reading=None)).accepted
    assert not sheet().accepted
    assert not sheet(point(), refused=1).accepted
    assert not sheet(point(), dropped=1).accepted
    assert sheet(point(reading=None, waived="spare")).accepted


def test_the_checksum_is_that_of_the_json_file() -> None:
    made = sheet(point())

    assert made.digest == hashlib.sha256(spell(made)).hexdigest()
    document = json.loads(spell(made))
    assert document["accepted"] is True
    assert document["devices"][0]["points"][0]["value"] == 230.5


@pytest.mark.parametrize(
    "changed",
    [
        sheet(point(), technician="Somebody else"),
        sheet(point(reading=reading(230.6))),
        sheet(point(reading=None)),
        sheet(point(reference=Reference(230, 1))),
    ],
)
def test_a_changed_sheet_has_another_checksum(changed: Sheet) -> None:
    assert changed.digest != sheet(point()).digest


@pytest.mark.parametrize("lang", Lang)
def test_every_format_carries_the_checksum_the_verdict_and_what_to_do(lang: Lang) -> None:
    made = sheet(point(), point(channel="current", reading=reading(None, NO_REPLY)))
    word = {Lang.EN: "NOT ACCEPTED", Lang.VI: "KHÔNG ĐẠT"}[lang]

    for written in (text(made, lang), spreadsheet(made, lang), page(made, lang)):
        assert made.digest in written
        assert word in written
        assert "missing:no_reply" in written
        assert "serial.baud" in written


def test_times_are_those_of_the_sites_clock() -> None:
    assert "2026-11-22 14:00:00 +0700" in text(sheet(point()), Lang.EN)


NAMES = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), max_size=120)


@given(NAMES, NAMES, NAMES, st.sampled_from(Lang))
def test_no_line_of_the_text_is_wider_than_a_terminal(
    label: str, channel: str, unit: str, lang: Lang
) -> None:
    made = sheet(point(channel=channel, unit=unit[:12], label=label), note=label, site=channel)

    assert max(len(line) for line in text(made, lang).splitlines()) <= WIDTH
    assert list(body(made, lang))


@given(st.sampled_from(["=", "+", "-", "@", "\t", "\r"]), NAMES)
def test_a_spreadsheet_takes_no_text_for_a_formula(first: str, rest: str) -> None:
    made = sheet(point(reading=reading(first + rest), label=first + rest), note=first + rest)

    written = spreadsheet(made, Lang.VI)

    assert written.startswith(BOM)
    cells = [cell for row in csv.reader(io.StringIO(written[1:])) for cell in row]
    assert "'" + first + rest in cells
    assert not [cell for cell in cells if cell.startswith(("=", "+", "@", "\t", "\r"))]


def test_a_negative_number_stays_a_number_in_a_spreadsheet() -> None:
    assert ",-5.5,V," in spreadsheet(sheet(point(reading=reading(-5.5))), Lang.EN)


class Tags(HTMLParser):
    """The names of a page's elements, and whether anything is loaded."""

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []
        self.loads: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """The parser's way to tell of an element."""
        self.names.append(tag)
        self.loads += [name for name, _ in attrs if name in ("src", "href", "onerror", "onload")]


def tags(written: str) -> Tags:
    found = Tags()
    found.feed(written)
    return found


@given(NAMES, st.sampled_from(["<script>x</script>", "<img src=x onerror=y>", "</td>", "&lt;"]))
def test_a_page_takes_no_text_for_markup(name: str, markup: str) -> None:
    plain = sheet(point(label="x", reading=reading("x")), note="x", technician="x", site="x")
    evil = name + markup
    made = sheet(point(label=evil, reading=reading(evil)), note=evil, technician=evil, site=evil)

    found = tags(page(made, Lang.VI))

    assert found.names == tags(page(plain, Lang.VI)).names
    assert found.loads == []
