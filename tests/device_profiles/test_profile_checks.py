"""Promise: what is wrong with a profile is told before it is used, at the line of its channel."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from device_profiles import loader
from device_profiles.model import ModbusProfile
from parts.profiles import mismatches
from telemetry import settings
from telemetry.settings import SettingsError

if TYPE_CHECKING:
    from pathlib import Path

GOOD = """\
schema: device-profile/1
id: acme-meter
revision: 1
title: Acme meter
class: electricity-meter
measurement: electricity_meter
sources: [{manual: Acme manual}]
groups: {fast: {interval: 5s}}
limits: {max_registers: 20, ranges: {input: [[0, 99], [200, 299]]}}
defaults: {table: input, type: u16, order: CDAB, group: fast}
channels:
  - {id: voltage, address: 0, scale: 0.1, unit: V}
  - {id: energy, address: 1, type: u32, unit: kWh}
examples:
  - {table: input, address: 0, hex: "08fd", values: {voltage: 230.1}, source: computed}
"""

FIRST = "  - {id: voltage, address: 0, scale: 0.1, unit: V}"


def parse(text: str) -> ModbusProfile:
    return settings.parse(text, ModbusProfile, "acme-meter.yaml")


def problems(channel: str, *, text: str = GOOD, named: str = "voltage") -> list[str]:
    with pytest.raises(SettingsError) as caught:
        parse(text.replace(FIRST, f'  - {{id: "{named}", {channel}}}'))
    return caught.value.problems


def test_a_good_profile_is_read() -> None:
    profile = parse(GOOD)

    assert profile.device_class == "electricity-meter"
    assert [channel.id for channel in profile.channels] == ["voltage", "energy"]
    assert [channel.stored for channel in profile.channels] == ["float", "int"]


def test_a_default_order_is_for_the_types_that_have_its_length() -> None:
    voltage, energy = parse(GOOD).channels

    assert (voltage.order, energy.order) == ("", "CDAB")


@pytest.mark.parametrize(
    ("channel", "message"),
    [
        ("address: 0, unit: Volts", "unit 'Volts' is not in the table of SenML units"),
        ("address: 0, group: slow", "group 'slow' is not among fast"),
        ("address: 99, type: f32", "99 to 100 is in none of the input ranges"),
        ("address: 150", "150 to 150 is in none of the input ranges"),
        ("address: 65535, type: u32, table: holding", "2 registers from 65535 end beyond 65535"),
        ("address: 0, order: ABCD", "order 'ABCD' is no permutation of AB"),
        ("address: 0, type: u32, order: AABB", "order 'AABB' is no permutation of ABCD"),
        ("address: 0, type: str", "a str needs its length, in registers"),
        ("address: 0, length: 2", "a u16 has no length: it is 1 registers wide"),
        ("address: 0, type: str, length: 21", "'voltage' is 21 registers wide; one read takes 20"),
        ("address: 0, type: bool", "a bool in a register needs its bit, 0 to 15"),
        ("address: 0, bit: 3", "bit is for bool; a part of u16 is bits: [lowest, how many]"),
        ("address: 0, table: coil", "a coil is one bit: type bool, and no bit"),
        ("address: 0, bits: [12, 5]", "bits [12, 5] do not fit into u16"),
        ("address: 0, type: i16, bits: [0, 4]", "bits [0, 4] do not fit into i16"),
        ("address: 0, scale: 0", "scale 0 is not between 1E-30 and 1E+30"),
        ("address: 0, offset: 1e31", "offset 1E+31 is beyond 1E+30"),
        ("address: 0, type: bool, bit: 1, scale: 2", "scale and offset do not apply to bool"),
        ("address: 0, type: f32, enum: {1: one}", "enum is for integers without scale"),
        ("address: 0, enum: {1: one}, range: [0, 1]", "range does not apply to values of str"),
        ("address: 0, range: [5, 1]", "range [5.0, 1.0] should be [lowest, highest]"),
        ("address: 0, nan: [0x10000]", "nan 65536 is no raw value of 16 bits"),
        ("address: 0, nan_reasons: {1: Stuck on}", "reason 'Stuck on' should be snake_case"),
        ("address: 0, type: bool, bit: 0, nan: [1]", "nan does not apply to bool"),
        ("address: 0, enum: {0: ''}", "enum 0 should have a text of 1 to 1024 characters"),
        (f"address: 0, enum: {{0: {'x' * 1025}}}", "enum 0 should have a text of 1 to 1024"),
        ("address: 0, enum: {65536: x}", "enum 65536 is no value of u16: 0 to 65535"),
        ("address: 0, enum: {-1: x}", "enum -1 is no value of u16: 0 to 65535"),
        ("address: 0, type: i16, enum: {65535: x}", "enum 65535 is no value of i16: -32768 to"),
        ("address: 0, type: bcd16, enum: {10000: x}", "enum 10000 is no value of bcd16: 0 to 9999"),
        ("address: 0, bits: [0, 2], enum: {4: x}", "enum 4 is no value of 2 bits of u16: 0 to 3"),
        ("address: 0, enum: {7: x}, nan: [7]", "enum 7 is a nan, too"),
        ("address: 0, flags: {0: a, 1: a}", "flag 'a' stands twice"),
        ("address: 0, flags: {0: none}", "flag 'none' is what no flag is called"),
        ("address: 0, flags: {0: bit1}", "flag 'bit1' is what bit 1 without a name is called"),
    ],
)
def test_what_is_wrong_is_told_at_the_line_of_the_channel(channel: str, message: str) -> None:
    (problem, *_) = problems(channel)

    assert problem.startswith("acme-meter.yaml:12: channels[0] — ")
    assert message in problem


def test_an_id_that_stands_twice_is_told_at_the_second() -> None:
    with pytest.raises(SettingsError) as caught:
        parse(GOOD.replace("id: energy", "id: voltage"))

    assert caught.value.problems[0] == (
        "acme-meter.yaml:13: channels[1] — id 'voltage' stands twice"
    )


def test_a_channel_that_is_no_mapping_is_told() -> None:
    with pytest.raises(SettingsError, match=r"12: channels\[0\] — "):
        parse(GOOD.replace(FIRST, "  - voltage"))


def test_channels_can_say_all_themselves_and_examples_can_be_bits() -> None:
    text = (
        GOOD.partition("defaults:")[0]
        + """\
channels:
  - {id: door, table: discrete, address: 9, type: bool, group: fast}
examples:
  - {table: discrete, address: 8, hex: "02", values: {door: true}, source: computed}
"""
    )

    profile = parse(text)

    assert profile.examples[0].words == [0, 1, 0, 0, 0, 0, 0, 0]
    assert mismatches(profile) == []


def test_an_id_is_a_name_that_every_store_takes() -> None:
    with pytest.raises(SettingsError, match="should be snake_case"):
        parse(GOOD.replace("id: energy", "id: Energy__total"))
    with pytest.raises(SettingsError, match="id 'time' is the stores' own"):
        parse(GOOD.replace("id: energy", "id: time"))


def test_all_that_is_wrong_is_told_at_once() -> None:
    text = GOOD.replace("group: fast}\nchannels", "group: fastt}\nchannels")

    with pytest.raises(SettingsError) as caught:
        parse(text)

    assert len(caught.value.problems) == 2


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("[{manual: Acme manual}]", "[]", "sources"),
        ("[{manual: Acme manual}]", "[{path: x.go}]", "should name a manual, a repo"),
        ("device-profile/1", "device-profile/2", "schema"),
        ("id: acme-meter", "id: Acme Meter", "should be such as eastron-sdm630"),
        ("electricity_meter", "Electricity", "should be such as electricity_meter"),
        ("{voltage: 230.1}", "{volts: 230.1}", "there is no channel 'volts'"),
        ("{voltage: 230.1}", "{energy: 7}", "channel 'energy' is not within these bytes"),
        ("table: input, address: 0, hex", "table: holding, address: 0, hex", "not within"),
        ('"08fd"', '"08f"', "hex should be bytes, two digits each"),
        ("values: {voltage: 230.1}, ", "", "should have the values or flags that the bytes mean"),
        ("revision: 1", "revison: 1", "did you mean 'revision'?"),
        ("defaults:", "serial: {baud: [0]}\ndefaults:", "should be greater than or equal to 300"),
    ],
)
def test_a_profile_without_proof_or_name_is_refused(before: str, after: str, message: str) -> None:
    with pytest.raises(SettingsError) as caught:
        parse(GOOD.replace(before, after, 1))

    assert message in str(caught.value)


def test_an_enum_of_a_signed_number_has_the_codes_that_it_can_have() -> None:
    text = GOOD.replace(FIRST, "  - {id: voltage, address: 0, type: i16, enum: {-1: x, 2301: y}}")

    assert parse(text.replace("230.1", "q")).channels[0].enum == {-1: "x", 2301: "y"}


@pytest.mark.parametrize(
    ("spelling", "hint"),
    [
        ("modbuss", "did you mean 'modbus'?"),
        ("iec62056", "did you mean 'iec62056-21'?"),
        ("7", "known are modbus, plantower"),
    ],
)
def test_a_protocol_that_nothing_speaks_is_told_with_those_that_are_spoken(
    spelling: str, hint: str
) -> None:
    with pytest.raises(SettingsError) as caught:
        loader.parse(GOOD.replace("defaults:", f"protocol: {spelling}\ndefaults:"), "x.yaml")

    (problem,) = caught.value.problems
    assert problem.startswith("x.yaml:10: protocol — ")
    assert hint in problem


def test_a_default_that_the_protocol_does_not_know_is_told_and_not_stumbled_over() -> None:
    with pytest.raises(SettingsError) as caught:
        loader.parse(GOOD.replace("defaults:", "protocol: dlt645\ndefaults:"), "acme-meter.yaml")

    assert "acme-meter.yaml:13: channels[0] — table does not belong here" in caught.value.problems


def test_what_is_wrong_with_each_of_an_entry_s_channels_is_told_once() -> None:
    (problem,) = problems("address: 65000, repeat: {count: 500, stride: 100}", named="a{n}")

    assert problem.endswith("channels[0].address — should be less than or equal to 65535")


def test_a_profile_without_an_example_is_refused() -> None:
    with pytest.raises(SettingsError, match="examples"):
        parse(GOOD.partition("examples:")[0] + "examples: []\n")


def test_a_site_keeps_profiles_of_its_own_before_the_catalogue(tmp_path: Path) -> None:
    (tmp_path / "acme-meter.yaml").write_text(GOOD)

    profile = loader.find("acme-meter", [tmp_path])

    assert profile.title == "Acme meter"
    assert loader.find("pzem-016", [tmp_path]).id == "pzem-016"


def test_a_file_is_called_after_its_profile(tmp_path: Path) -> None:
    path = tmp_path / "meter.yaml"
    path.write_text(GOOD)

    with pytest.raises(SettingsError, match="id 'acme-meter' should be the file's name"):
        loader.load(path)


def test_a_misspelt_profile_gets_a_suggestion() -> None:
    with pytest.raises(loader.UnknownProfile, match="did you mean 'eastron-sdm630'"):
        loader.find("eastron-sdm6300")
