"""Promise: a drafted file says what was given, and adding to a file changes no other line of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.config import AgentConfig
from edge_agent.setup.drafting import (
    Draft,
    NotEditable,
    NotUnderstood,
    added,
    bus,
    entry,
    spelled,
    text,
)
from telemetry.settings import parse, read_yaml

if TYPE_CHECKING:
    from edge_agent.setup.drafting import Entry

TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc", "Zl", "Zp"]))
DEVICE: Entry = {"id": "meter-2", "bus": "rs485", "unit": 2, "profile": "eastron-sdm120"}
FILE = """\
# Our gateway; ask An before you change it.
agent: {id: gw-1}

devices:   # north side
    # the old one
    - id: meter-1
      bus: rs485   # A is the orange wire
      profile: eastron-sdm120
      label: >-
        Feeder pillar,
        incoming

    # spare: unit 9
buses:
- {id: rs485, transport: modbus-rtu, port: /dev/ttyUSB0}
uplink: {host: 127.0.0.1}
"""


def draft(**parts: list[Entry]) -> Draft:
    return Draft(agent="gw-1", site="market-hall", broker="127.0.0.1", data_dir=Path("d"), **parts)


# Words


def test_an_entry_is_written_in_words() -> None:
    words = "id=meter-1 bus=rs485 unit=1 profile=eastron-sdm120 label='Feeder pillar, incoming'"

    assert entry(words) == {
        "id": "meter-1",
        "bus": "rs485",
        "unit": 1,
        "profile": "eastron-sdm120",
        "label": "Feeder pillar, incoming",
    }


@pytest.mark.parametrize("words", ["", "meter-1", "id=", "=1", "id=a id=b", "label='open"])
def test_words_that_are_no_entry_are_refused(words: str) -> None:
    with pytest.raises(NotUnderstood):
        entry(words)


@pytest.mark.parametrize(
    ("given_words", "modbus", "made"),
    [
        ("port=/dev/ttyUSB0", True, ("rs485-2", "modbus-rtu")),
        ("host=192.0.2.1", True, ("cabinet", "modbus-tcp")),
        ("port=/dev/ttyUSB0", False, ("rs485-2", "serial")),
        ("host=192.0.2.1 port=4001", False, ("cabinet", "serial-over-tcp")),
        ("id=x host=a transport=modbus-udp", True, ("x", "modbus-udp")),
    ],
)
def test_what_goes_without_saying_need_not_be_said(
    given_words: str, made: tuple[str, str], *, modbus: bool
) -> None:
    found = bus(entry(given_words), taken=["rs485"], modbus=modbus)

    assert (found["id"], found["transport"]) == made


# A new file


def test_a_draft_without_anything_loads() -> None:
    config = parse(text(draft()), AgentConfig, "agent.yaml")

    assert (config.agent.id, config.agent.site) == ("gw-1", "market-hall")
    assert (config.buses, config.devices) == ((), ())


def test_a_draft_says_what_was_given() -> None:
    made = text(
        draft(
            buses=[bus({"port": "/dev/ttyUSB0", "baud": 19200}, [])],
            devices=[DEVICE | {"label": "Trạm #1: ngoài trời"}],
        )
    )

    config = parse(made, AgentConfig, "agent.yaml")

    assert config.buses[0].place == "/dev/ttyUSB0 19200 8N1"
    assert config.devices[0].label == "Trạm #1: ngoài trời"


@given(st.one_of(TEXTS, st.integers(), st.sampled_from(["true", "null", "1e5", "12:30", "0x1f"])))
def test_a_value_is_read_as_it_was_given(value: str | int) -> None:
    assert read_yaml(f"key: {spelled(value)}\n", "x")[0] == {"key": value}


# Adding


def test_an_entry_goes_behind_the_last_one_and_every_comment_stays() -> None:
    after = added(FILE, "devices", [DEVICE])

    assert after.splitlines() == [
        *FILE.splitlines()[:11],
        *("    - id: meter-2", "      bus: rs485", "      unit: 2"),
        "      profile: eastron-sdm120",
        *FILE.splitlines()[11:],
    ]
    assert [device.id for device in parse(after, AgentConfig, "x").devices] == [
        "meter-1",
        "meter-2",
    ]


def test_an_entry_goes_behind_one_in_braces_too() -> None:
    more = bus({"host": "192.0.2.1"}, ["rs485"])

    config = parse(added(FILE, "buses", [more]), AgentConfig, "x")

    assert [each.id for each in config.buses] == ["rs485", "cabinet"]


@pytest.mark.parametrize("empty", ["devices: []  # none yet\n", "devices:  # none yet\n", ""])
def test_an_empty_list_is_opened(empty: str) -> None:
    before = f"agent: {{id: gw-1}}\n{empty}data_dir: d"

    after = added(before, "devices", [DEVICE])

    assert read_yaml(after, "x")[0]["devices"] == [DEVICE]
    assert ("# none yet" in after) == ("# none yet" in empty)


def test_a_list_in_brackets_is_left_alone() -> None:
    with pytest.raises(NotEditable, match="is written in brackets"):
        added("devices: [{id: a}]\n", "devices", [DEVICE])


ENTRIES = st.lists(st.fixed_dictionaries({"id": TEXTS, "unit": st.integers(1, 247)}), min_size=1)
COMMENTS = st.sampled_from(["", "# a comment", "   # another", "\n"])


@given(ENTRIES, ENTRIES, st.lists(COMMENTS, min_size=1), st.sampled_from(["", "  ", "    "]))
def test_adding_takes_no_line_away_and_says_nothing_else(
    old: list[Entry], new: list[Entry], comments: list[str], indent: str
) -> None:
    lines = ["agent: {id: gw-1}", "devices:"]
    for number, each in enumerate(old):
        lines.append(f"{indent}- id: {spelled(each['id'])}")
        lines.append(f"{indent}  unit: {each['unit']}")
        lines.append(comments[number % len(comments)])
    before = "\n".join([*lines, "data_dir: d", ""])

    after = added(before, "devices", new)

    assert read_yaml(after, "x")[0] == {
        "agent": {"id": "gw-1"},
        "devices": [*old, *new],
        "data_dir": "d",
    }
    kept = iter(after.splitlines())
    assert all(line in kept for line in before.splitlines())
