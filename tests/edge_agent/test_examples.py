"""Promise: an example that a profile does not decode to is told, channel by channel."""

from __future__ import annotations

from typing import get_args

import pytest

from device_profiles import loader
from device_profiles.model import FieldProtocol, ModbusProfile
from edge_agent.examples import unproven
from edge_agent.protocols import PROTOCOLS
from parts.profiles import mismatches
from telemetry import settings

PROFILE = """\
schema: device-profile/1
id: acme-meter
revision: 1
title: Acme meter
class: electricity-meter
measurement: electricity_meter
sources: [{manual: Acme manual}]
groups: {fast: {interval: 5s}}
defaults: {table: holding, type: u16, group: fast}
channels:
  - {id: voltage, address: 0, scale: 0.1}
  - {id: current, address: 1, type: f32, nan: [0xFFFFFFFF]}
  - {id: running, address: 3, type: bool, bit: 0}
examples:
  - table: holding
    address: 0
    hex: "08fd 3dcc cccd 0001"
    SAYS
    source: computed
"""


def check(says: str) -> list[str]:
    return mismatches(
        settings.parse(PROFILE.replace("SAYS", says), ModbusProfile, "acme-meter.yaml")
    )


def test_a_float_of_four_bytes_may_be_written_as_people_read_it() -> None:
    assert check("values: {voltage: 230.1, current: 0.1, running: true}") == []


def test_channels_that_are_not_named_are_not_checked() -> None:
    assert check("values: {voltage: 230.1}") == []


@pytest.mark.parametrize(
    ("says", "problem"),
    [
        ("values: {voltage: 230.2}", "channel 'voltage' should be 230.2, and is 230.1"),
        ("values: {current: 0.10001}", "channel 'current' should be 0.10001, and is 0.1"),
        ("values: {running: 1}", "channel 'running' should be 1, and is True"),
        ("values: {voltage: text}", "channel 'voltage' should be 'text', and is 230.1"),
        ('flags: {current: "bad:sentinel"}', "should be bad:sentinel, and is good"),
    ],
)
def test_a_difference_names_the_example_the_channel_and_both_values(
    says: str, problem: str
) -> None:
    problems = check(says)

    assert problem in "\n".join(problems)
    assert all(line.startswith("examples[0]: (computed) ") for line in problems)


def test_an_unexpected_flag_is_told() -> None:
    text = PROFILE.replace("SAYS", "values: {current: 0.1}").replace("3dcc cccd", "ffff ffff")

    problems = mismatches(settings.parse(text, ModbusProfile, "acme-meter.yaml"))

    assert problems == [
        "examples[0]: (computed) channel 'current' should be 0.1, and is None",
        "examples[0]: (computed) channel 'current' should be good, and is bad:sentinel",
    ]


FIELDS = """\
schema: device-profile/1
id: acme-controller
revision: 1
title: Acme sensor
class: air-quality
measurement: air_quality
protocol: plantower
sources: [{manual: Acme manual}]
groups: {air: {interval: 10s}}
defaults: {type: int, group: air}
channels:
  - {id: error, field: error, enum: {0: none, 5: broken}}
  - {id: pm25, field: pm25, unit: ug/m3, valid_if: {channel: error, equals: none}}
examples:
  - hex: "HEX"
    SAYS
    source: computed
"""
GOOD_FRAME = "424d001c0005000d00160005000d001602fd00fc001d000f000600069700"
BROKEN_FRAME = "424d001c0005000d00160005000d001602fd00fc001d000f000600069705"


def check_fields(frame: str, says: str) -> list[str]:
    whole = frame + f"{sum(bytes.fromhex(frame)):04x}"
    text = FIELDS.replace("HEX", whole).replace("SAYS", says)
    return mismatches(loader.parse(text, "acme-controller.yaml"))


def test_frames_are_held_against_the_fields_that_a_protocol_finds_in_them() -> None:
    assert check_fields(GOOD_FRAME, "values: {error: none, pm25: 13}") == []

    assert check_fields(GOOD_FRAME, "values: {pm25: 14}") == [
        "examples[0]: (computed) channel 'pm25' should be 14, and is 13"
    ]


def test_a_field_waits_for_its_condition() -> None:
    says = 'values: {error: broken}, flags: {pm25: "bad:not_valid"}'.replace("}, ", "}\n    ")

    assert check_fields(BROKEN_FRAME, says) == []


def test_bytes_that_are_no_answer_are_told() -> None:
    assert check_fields("0102", "values: {pm25: 13}") == [
        "examples[0]: (computed) channel 'pm25': these bytes are no answer that has 'pm25'"
    ]


def test_a_refusal_is_told() -> None:
    refused = "fefefefe 68 010000000000 68 d1 01 35 d8 16"
    text = FIELDS.replace("protocol: plantower", 'protocol: dlt645\naddress: "000000000001"')
    text = text.partition("channels:")[0] + (
        'channels: [{id: voltage, field: "02010100", type: float}]\n'
        f'examples: [{{hex: "{refused}", values: {{voltage: 1}}, source: computed}}]\n'
    )

    (told,) = mismatches(loader.parse(text, "acme-controller.yaml"))

    assert "the device refuses: " in told


@pytest.mark.parametrize(
    ("before", "after", "problem"),
    [
        ("field: pm25", "field: pm26", "channels[1]: "),
        ("protocol: plantower", "protocol: plantower\naddress: loud", "address: "),
    ],
)
def test_what_the_protocol_does_not_know_is_told_before_any_example(
    before: str, after: str, problem: str
) -> None:
    text = FIELDS.replace(before, after).replace("HEX", "00").replace("SAYS", "values: {pm25: 13}")

    (told,) = mismatches(loader.parse(text, "acme-controller.yaml"))

    assert told.startswith(problem)


def test_channels_that_no_example_tells_of_are_named() -> None:
    text = PROFILE.replace("SAYS", "values: {voltage: 230.1}")

    assert unproven(loader.parse(text, "acme-meter.yaml")) == ("current", "running")


def test_a_scale_factor_and_a_condition_are_taken_from_the_examples_bytes() -> None:
    text = PROFILE.replace("scale: 0.1}", "sf: v_sf, valid_if: {channel: running, equals: true}}")
    text = text.replace("examples:", "  - {id: v_sf, address: 4, type: sunssf}\nexamples:")
    text = text.replace('0001"', '0001 ffff"').replace("SAYS", "values: {voltage: 230.1}")

    assert mismatches(loader.parse(text, "acme-meter.yaml")) == []


def test_every_protocol_that_a_profile_can_name_is_spoken() -> None:
    assert set(PROTOCOLS) == set(get_args(FieldProtocol))
