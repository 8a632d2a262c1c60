"""Promise: what one part of a profile says of another is there and can be, or its line is told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from device_profiles import loader
from device_profiles.channel import RegisterChannel
from device_profiles.model import FieldProfile, ModbusProfile
from telemetry.settings import SettingsError

if TYPE_CHECKING:
    from device_profiles.model import AnyProfile

HEAD = """\
schema: device-profile/1
id: acme
revision: 1
title: Acme
class: electricity-meter
measurement: electricity_meter
sources: [{manual: Acme manual}]
groups: {fast: {interval: 5s}, slow: {interval: 60s}, first: {interval: once}}
"""

REGISTERS = (
    HEAD
    + """\
limits: {max_registers: 20, ranges: {holding: [[0, 99]]}}
defaults: {table: holding, type: u16, group: fast}
channels:
  - {id: mode, address: 0, enum: {0: idle, 1: running}}
  - {id: ready, address: 1, type: bool, bit: 0}
  - {id: power_sf, address: 2, type: sunssf}
  - {id: setpoint, address: 3, access: w, write: {function: 6}}
  - {id: rain, address: 4, resets: true, unit: mm}
  - {id: model, address: 6, type: str, length: 4, group: first}
  - {id: power, address: 10}
examples:
  - {table: holding, address: 0, hex: "0001 0001", values: {mode: running}, source: computed}
"""
)

FIELDS = (
    HEAD
    + """\
protocol: ab3418
defaults: {type: int, group: fast}
channels:
  - {id: pattern, field: pattern, enum: {254: flash, 255: free}}
  - {id: clock, field: clock, unit: s}
examples:
  - {hex: "7e 05", values: {pattern: free}, source: computed}
"""
)


MANY = "{" + ", ".join(f"{bit}: a{'b' * 50}{bit}" for bit in range(16)) + "}"


def parse(text: str) -> AnyProfile:
    return loader.parse(text, "acme.yaml")


def problems(text: str) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        parse(text)
    return caught.value.problems


def line_of(text: str, part: str) -> int:
    return next(n for n, line in enumerate(text.splitlines(), start=1) if part in line)


def test_the_protocol_says_which_kind_a_profile_is() -> None:
    assert isinstance(parse(REGISTERS), ModbusProfile)
    assert isinstance(parse(FIELDS), FieldProfile)


@pytest.mark.parametrize(
    ("power", "message"),
    [
        ("valid_if: {channel: mod, equals: running}", "valid_if — there is no channel 'mod'"),
        (
            "valid_if: {channel: mode, equals: run}",
            "'mode' is never 'run'; known are idle, running",
        ),
        ("valid_if: {channel: mode, equals: 1}", "channel 'mode' is str, and never 1"),
        ("valid_if: {channel: ready, equals: 1}", "channel 'ready' is bool, and never 1"),
        ("valid_if: {channel: power, equals: 1}", "a channel cannot depend on itself"),
        ("valid_if: {channel: setpoint, equals: 1}", "channel 'setpoint' cannot be read"),
        ("valid_if: {channel: model, equals: X}", "is read in group 'first', not 'fast'"),
        ("sf: watt_sf", "sf — there is no channel 'watt_sf'"),
        ("sf: mode", "channel 'mode' is of type u16, not sunssf"),
        ("sf: power_sf, group: slow", "is read in group 'fast', not 'slow'"),
        ("sf: power_sf, scale: 0.1", "sf takes the place of scale and offset"),
        ("sf: power_sf, type: f32", "sf is for integers, not f32"),
        ("group: slo", "group 'slo' is not among fast, slow, first"),
        ("access: w", "access w needs write, which says what a write must obey"),
        ("access: rw", "access rw needs write, which says what a write must obey"),
        ("write: {function: 6}", "write needs access: rw, or w for what cannot be read"),
        ("access: rw, write: {function: 5}", "function 5 does not write a holding register"),
        ("access: rw, write: {function: 16, min: 9, max: 1}", "min 9 is above max 1"),
        ("type: u32, access: rw, write: {function: 6}", "writes one register; this is 2 wide"),
        ("table: input, access: rw, write: {function: 6}", "does not write a input register"),
        ("deadband: 1, enum: {1: one}", "deadband does not apply to values of str"),
        ("tests: {rate: 1}, type: str, length: 2", "tests does not apply to values of str"),
        ("deadband: x%", "deadband"),
        ("wrap: 65536", "wrap is for counters: kind: counter"),
        ("kind: counter, wrap: 0", "should be greater than 0"),
        ("kind: counter, enum: {1: one}", "a counter is a number, not str"),
        ("flags: {16: door}", "flag 16 is beyond its 16 bits"),
        ("flags: {0: Door open}", "flag 'Door open' should be snake_case"),
        ("flags: {0: door}, scale: 0.1", "flags are for integers without scale and enum"),
        ("flags: {0: door}, type: f32", "flags are for integers without scale and enum"),
        (f"flags: {MANY}", "all flags together are longer than 1024 characters"),
        ("type: dec, length: 2, nan: [1]", "nan does not apply to dec"),
        ("layout: upper", "layout is for characters; u16 has none"),
        ("unit: Watt", "unit 'Watt' is not in the table of SenML units"),
        ("address: 4", "stands in line"),
        ("adress: 4", "no such key here; did you mean"),
        ("resets: yes", "resets — should be a valid boolean"),
    ],
)
def test_what_is_wrong_is_told_at_its_line(power: str, message: str) -> None:
    text = REGISTERS.replace("{id: power, address: 10}", f"{{id: power, address: 10, {power}}}")

    told = problems(text)

    assert any(message in problem for problem in told), told
    assert told[0].startswith(f"acme.yaml:{line_of(text, 'id: power,')}: channels[6]")


@pytest.mark.parametrize(
    ("before", "after", "line", "message"),
    [
        ("id: power,", "id: mode,", "id: mode, address: 10", "id 'mode' stands twice"),
        ("id: rain, address: 4", "id: rain, address: 10", "id: rain", "would reset 'rain'"),
        ("[[0, 99]]", "[[9, 0]]", "limits", "should be [first, last] address, of 0 to 65535"),
        ("[[0, 99]]", "[[0, 9]]", "id: power,", "10 to 10 is in none of the holding ranges"),
        ("max_registers: 20", "max_registers: 3", "id: model", "is 4 registers wide; one read"),
        ("max_registers: 20", "max_registers: 10, coherent: true", "limits", "of group 'fast'"),
        (
            "max_registers: 20",
            "coherent: true, one_channel_per_request: true",
            "limits",
            "what is read one by one is not coherent",
        ),
        ("interval: once", "interval: never", "groups", "should be a duration such as"),
        ("{mode: running}", "{mod: running}", 'hex: "0001', "there is no channel 'mod'"),
        ("{mode: running}", "{power: 1}", 'hex: "0001', "'power' is not within these bytes"),
        ("0001 0001", "0001 00", 'hex: "0001', "hex should be whole: at least one, of 2 bytes"),
        (
            "values: {mode",
            "flags: {mode: odd}, values: {mode",
            'hex: "0001',
            "not a flag: 'odd'",
        ),
    ],
)
def test_what_does_not_fit_together_is_told_at_its_line(
    before: str, after: str, line: str, message: str
) -> None:
    text = REGISTERS.replace(before, after, 1)

    told = problems(text)

    (problem,) = [each for each in told if message in each]
    assert problem.startswith(f"acme.yaml:{line_of(text, line)}: ")


@pytest.mark.parametrize(
    ("identify", "message"),
    [
        ("{probe: [mode, powr]}", "identify.probe[1] — there is no channel 'powr'"),
        ("{probe: [power]}", "channel 'power' has neither range nor enum: any value would fit"),
        ("{probe: [setpoint]}", "channel 'setpoint' cannot be read"),
        ("{probe: [rain]}", "reading 'rain' resets it"),
        ("{}", "should have probe or fc43 or read"),
        ("{fc43: {}}", "should name vendor, product or revision"),
        ("{fc43: {vendor: '('}}", "is no regular expression"),
        ("{read: {table: holding, address: 4, type: u16, equals: 7}}", "would reset 'rain'"),
        ("{read: {table: holding, address: 100, type: u16, equals: 7}}", "is in none of the"),
        ("{read: {table: holding, address: 6, type: u16}}", "either equals or regex"),
        ("{read: {table: coil, address: 6, type: bool, equals: 1}}", "one bit tells no device"),
        ("{read: {table: holding, address: 6, type: str, equals: X}}", "needs its length"),
    ],
)
def test_a_wrong_identification_is_told_at_its_line(identify: str, message: str) -> None:
    text = REGISTERS.replace("limits:", f"identify: {identify}\nlimits:")

    told = problems(text)

    assert any(message in problem for problem in told), told
    assert told[0].startswith(f"acme.yaml:{line_of(text, 'identify:')}: identify")


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("address: 4", "channels[0].address — no such key here"),
        ("type: u16", "channels[0].type — should be 'float', 'int', 'bool' or 'str'"),
        ("access: rw", "over other protocols a channel is only read"),
        ("type: str", "enum is for integers without scale"),
        ("group: medium", "group 'medium' is not among fast, slow, first"),
        ("valid_if: {channel: clok, equals: 1}", "there is no channel 'clok'"),
    ],
)
def test_a_field_has_nothing_of_registers(pattern: str, message: str) -> None:
    text = FIELDS.replace("field: pattern,", f"field: pattern, {pattern},")

    told = problems(text)

    assert any(message in problem for problem in told), told
    assert told[0].startswith(f"acme.yaml:{line_of(text, 'id: pattern')}: ")


@pytest.mark.parametrize(
    "more", ["scale: 10", "sf: power_sf", "valid_if: {channel: ready, equals: true}"]
)
def test_a_scale_factor_is_what_its_register_says(more: str) -> None:
    used = REGISTERS.replace("address: 10}", "address: 10, sf: power_sf}")
    text = used.replace("type: sunssf", f"type: sunssf, {more}")

    assert any("'power_sf' is itself scaled, or holds but" in told for told in problems(text))


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        (
            "protocol: ab3418",
            "protocol: ab3419",
            "protocol — nothing here speaks 'ab3419'; did you mean 'ab3418'?",
        ),
        ("protocol: ab3418", "protocol: ab3418\nunit: 1", "unit — no such key here"),
        ("protocol: ab3418", "identify: {read: {}}\nprotocol: ab3418", "no such key here"),
        ("protocol: ab3418", "protocol: ab3418\nlimits: {}", "limits — no such key here"),
        ('"7e 05"', '"7e 0"', "hex should be bytes, two digits each"),
        ("values: {pattern", "values: {patern", "there is no channel 'patern'"),
    ],
)
def test_a_profile_of_another_protocol_has_nothing_of_modbus(
    before: str, after: str, message: str
) -> None:
    told = problems(FIELDS.replace(before, after, 1))

    assert any(message in problem for problem in told), told


def test_what_waits_for_another_channel_and_what_is_scaled_by_one_is_read() -> None:
    more = "{id: power, address: 10, sf: power_sf, valid_if: {channel: mode, equals: running}}"
    text = REGISTERS.replace("{id: power, address: 10}", more)

    power = parse(text).channels[-1]

    assert power.stored == "float"
    assert power.valid_if is not None
    assert power.valid_if.equals == "running"


def test_what_a_channel_leans_on_leans_on_nothing() -> None:
    text = REGISTERS.replace("{id: power, address: 10}", "{id: power, address: 10, MORE}")
    text = text.replace("MORE", "valid_if: {channel: ready, equals: true}")
    text = text.replace("bit: 0}", "bit: 0, valid_if: {channel: mode, equals: running}}")

    (problem,) = problems(text)

    assert "channel 'ready' depends on another one itself" in problem


def test_an_example_has_the_bytes_of_what_a_channel_leans_on() -> None:
    more = "{id: power, address: 10, sf: power_sf}"
    text = REGISTERS.replace("{id: power, address: 10}", more)
    text = text.replace('address: 0, hex: "0001 0001", values: {mode: running}', "EXAMPLE")
    text = text.replace("EXAMPLE", 'address: 10, hex: "0001", values: {power: 1}')

    (problem,) = problems(text)

    assert problem.endswith("channel 'power_sf' is not within these bytes")


def test_a_group_can_be_read_once_and_never_again() -> None:
    assert parse(REGISTERS).groups["first"].interval == float("inf")


def test_what_cannot_be_read_is_not_among_the_readable() -> None:
    assert "setpoint" not in {channel.id for channel in parse(REGISTERS).readable}


def test_what_is_unverified_names_the_channel() -> None:
    text = REGISTERS.replace("unit: mm}", "unit: mm, verify: [scale]}")

    assert parse("verify: [serial.baud]\n" + text).unverified == ("serial.baud", "rain.scale")


def test_defaults_apply_where_they_can() -> None:
    text = REGISTERS.replace("type: u16,", "type: u16, scale: 0.1, nan: [0xFFFF], order: BA,", 1)

    channels = {c.id: c for c in parse(text).channels}

    power = channels["power"]
    assert isinstance(power, RegisterChannel)
    assert (str(power.scale), power.nan, power.order) == ("0.1", (0xFFFF,), "BA")
    assert not channels["mode"].is_scaled
    assert not channels["model"].is_scaled
    assert channels["power_sf"].nan == ()


NAMES = st.lists(st.sampled_from(["a", "b", "c", "d"]), min_size=1, max_size=4)


@given(ids=NAMES, leans=st.lists(st.sampled_from(["a", "b", "c", "d", "e"]), max_size=4))
def test_a_profile_loads_if_and_only_if_every_reference_stands(
    ids: list[str], leans: list[str]
) -> None:
    channels: list[dict[str, Any]] = [
        {"id": name, "address": index, "enum": {0: "off", 1: "on"}}
        for index, name in enumerate(ids)
    ]
    for channel, target in zip(channels, leans, strict=False):
        channel["valid_if"] = {"channel": target, "equals": "on"}
    document = yaml.safe_load(REGISTERS) | {"channels": channels}
    document["examples"][0] = {"table": "holding", "address": 0, "hex": "0001" * 9} | {
        "values": {ids[-1]: "on"},
        "source": "computed",
    }
    leaning = set(ids[: len(leans)])
    stands = len(set(ids)) == len(ids) and all(
        target in ids and target not in leaning for target in leans[: len(ids)]
    )

    try:
        parse(yaml.safe_dump(document))
    except SettingsError:
        assert not stands
    else:
        assert stands
