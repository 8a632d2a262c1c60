"""Promise: an entry that repeats is each of its channels, and an error in one is the entry's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from device_profiles import loader
from device_profiles.model import FieldProfile, ModbusProfile
from telemetry.settings import SettingsError

if TYPE_CHECKING:
    from device_profiles.channel import RegisterChannel

HEAD = """\
schema: device-profile/1
id: acme
revision: 1
title: Acme
class: traffic-signal-controller
measurement: signal
sources: [{manual: Acme manual}]
groups: {fast: {interval: 5s}}
defaults: {table: holding, type: u16, group: fast}
"""

PROFILE = (
    HEAD
    + """\
channels:
  - {id: mode, address: 0}
  - {id: "det{n}", address: 16, label: "lane {n}", repeat: {count: 3, stride: 2}}
  - {id: "occ{n}", address: 17, valid_if: {channel: "det{n}", equals: 1},
     repeat: {count: 3, stride: 2}}
  - {id: last, address: 40}
examples:
  - {table: holding, address: 0, hex: "0001", values: {mode: 1}, source: computed}
"""
)

FIELDS = """\
protocol: ab3418
channels:
  - {id: "det{n}", field: "volume_{n}", repeat: {count: 2}}
examples: [{hex: "7e", values: {det1: 1}, source: computed}]
"""


def channels(text: str) -> dict[str, RegisterChannel]:
    profile = loader.parse(text, "acme.yaml")
    assert isinstance(profile, ModbusProfile)
    return {channel.id: channel for channel in profile.channels}


def problems(before: str, after: str) -> list[str]:
    assert before in PROFILE
    with pytest.raises(SettingsError) as caught:
        loader.parse(PROFILE.replace(before, after, 1), "acme.yaml")
    return caught.value.problems


def test_an_entry_becomes_its_channels_in_its_place() -> None:
    found = channels(PROFILE)

    assert list(found) == ["mode", "det1", "det2", "det3", "occ1", "occ2", "occ3", "last"]
    assert [found[f"det{n}"].address for n in (1, 2, 3)] == [16, 18, 20]


def test_the_number_stands_in_every_text_of_the_entry() -> None:
    found = channels(PROFILE)

    assert found["det3"].label == "lane 3"
    assert found["occ2"].valid_if is not None
    assert found["occ2"].valid_if.channel == "det2"


def test_the_first_number_can_be_another() -> None:
    found = channels(
        PROFILE.replace("count: 3, stride: 2}}", "count: 2, stride: 2, first: 0}}", 1).replace(
            "{count: 3, stride: 2}}", "{count: 2, stride: 2, first: 0}}", 1
        )
    )

    assert [name for name in found if name.startswith("det")] == ["det0", "det1"]


def test_a_field_repeats_by_its_name() -> None:
    text = HEAD.replace("table: holding, type: u16", "type: int") + FIELDS

    profile = loader.parse(text, "acme.yaml")

    assert isinstance(profile, FieldProfile)
    assert [channel.field for channel in profile.channels] == ["volume_1", "volume_2"]


@pytest.mark.parametrize(
    ("before", "after", "line", "message"),
    [
        ('"det{n}", address', "det, address", 12, "channels[1] — id should hold {n}"),
        ("label: ", "labl: ", 12, "channels[1].labl — no such key here; did you mean 'label'?"),
        ("address: 16", "address: x", 12, "channels[1] — address should be a whole number"),
        ("address: 16", 'address: "16"', 12, "channels[1] — address should be a whole number"),
        ("count: 3, stride: 2", "count: 3", 12, "channels[1] — repeat needs a stride"),
        ("count: 3, stride: 2", "count: 0, stride: 2", 12, "channels[1].repeat.count — should be"),
        ("count: 3, stride: 2", "cnt: 3, stride: 2", 12, "channels[1].repeat.cnt — no such key"),
        ("{count: 3, stride: 2}", "3", 12, "channels[1].repeat — should be"),
        ("address: 16", "address: 65534", 12, "channels[1].address — should be less than"),
        ("count: 3, stride: 2", "count: 2, stride: 2", 13, "channels[2].valid_if — there is no"),
        ("id: last", "id: det3", 15, "channels[3] — id 'det3' stands twice"),
        ("id: last", "id: last, group: slow", 15, "channels[3] — group 'slow' is not among fast"),
        ("id: last", "id: last, sf: mode", 15, "channels[3].sf — channel 'mode' is of type u16"),
    ],
)
def test_an_error_is_told_at_the_entry(before: str, after: str, line: int, message: str) -> None:
    told = problems(before, after)

    assert any(each.startswith(f"acme.yaml:{line}: {message}") for each in told), told


def test_what_is_wrong_in_each_channel_of_an_entry_is_told_of_each() -> None:
    told = problems("equals: 1}", 'equals: "x"}')

    assert len(told) == 3
    assert {problem.partition(" — ")[0] for problem in told} == {
        "acme.yaml:13: channels[2].valid_if"
    }


@st.composite
def entries(draw: st.DrawFn) -> list[dict[str, Any]]:
    found = []
    for index in range(draw(st.integers(1, 5))):
        entry: dict[str, Any] = {"id": f"c{index}", "address": draw(st.integers(0, 1000))}
        if draw(st.booleans()):
            keys = {
                "count": draw(st.integers(1, 20)),
                "stride": draw(st.integers(1, 50)),
                "first": draw(st.integers(0, 9)),
            }
            entry = {**entry, "id": f"c{index}_{{n}}", "repeat": keys}
        found.append(entry)
    return found


@given(written=entries())
def test_repeating_is_writing_each_channel_out(written: list[dict[str, Any]]) -> None:
    by_hand = []
    for entry in written:
        repeat = entry.get("repeat", {"count": 1, "stride": 0, "first": 0})
        by_hand += [
            {
                "id": entry["id"].format(n=repeat["first"] + index),
                "address": entry["address"] + index * repeat["stride"],
            }
            for index in range(repeat["count"])
        ]
    examples = (
        "examples: [{table: holding, address: 0, hex: '00000000', values: {x: 0}, source: x}]"
    )
    always = {"id": "x", "address": 0}

    short, long = (
        channels(HEAD + yaml.safe_dump({"channels": [*part, always]}) + examples)
        for part in (written, by_hand)
    )

    assert list(short.values()) == list(long.values())


@given(written=entries(), at=st.integers(0, 4))
def test_the_entry_that_is_wrong_is_the_one_that_is_told(
    written: list[dict[str, Any]], at: int
) -> None:
    at %= len(written)
    written[at] = {**written[at], "group": "slow"}
    lines = [yaml.safe_dump(entry, default_flow_style=True, width=10_000) for entry in written]
    text = HEAD + "channels:\n" + "".join(f"  - {line}" for line in lines) + "examples: []\n"
    text = text.replace(
        "examples: []",
        "examples: [{table: holding, address: 0, hex: '00000000', "
        "values: {}, flags: {}, source: x}]",
    )

    with pytest.raises(SettingsError) as caught:
        loader.parse(text.replace("values: {}, flags: {}", "values: {q: 1}"), "acme.yaml")

    wrong = [p for p in caught.value.problems if "group 'slow'" in p]
    line = len(HEAD.splitlines()) + 2 + at
    assert {p.partition(" — ")[0] for p in wrong} == {f"acme.yaml:{line}: channels[{at}]"}
