"""Promise: an example that a profile does not decode to is told, channel by channel."""

from __future__ import annotations

import pytest

from device_profiles.model import ModbusProfile
from edge_agent.examples import mismatches
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
