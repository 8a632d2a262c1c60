"""Promise: every profile that ships loads, tells where it is from, and decodes its own examples."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest

from device_profiles import loader
from device_profiles.decode import decoder
from device_profiles.encode import encode
from device_profiles.model import ModbusProfile
from device_profiles.registers import Type
from edge_agent.bus.plan import Cost, decode_reply, plan
from edge_agent.examples import mismatches

if TYPE_CHECKING:
    from device_profiles.model import Profile, RegisterChannel
    from telemetry.sample import Value

IDS = tuple(loader.catalogue())
PROFILES = {name: loader.find(name) for name in IDS}
MODBUS = {name: p for name, p in PROFILES.items() if isinstance(p, ModbusProfile)}

TYPICAL: dict[Type, Value] = {Type.BOOL: True, Type.STR: "Feeder 7"}


def value_of(channel: RegisterChannel) -> Value:
    if channel.enum:
        return next(reversed(channel.enum.values()))
    if channel.type in TYPICAL:
        return TYPICAL[channel.type]
    middle = sum(channel.range) / 2 if channel.range else 41
    return math.floor(middle) if channel.stored == "int" else float(math.floor(middle))


def test_the_catalogue_has_the_devices_of_a_city() -> None:
    assert set(IDS) >= {
        "air-station",
        "eastron-sdm120",
        "eastron-sdm630",
        "fts-sdi-radar-300w",
        "indoor-station",
        "pzem-016",
        "renke-fsxcs",
        "schneider-pm5100",
        "seeed-sensecap-one",
        "traffic-signal-plc",
        "water-main-flow",
        "xy-md02",
    }


@pytest.mark.parametrize("profile", PROFILES.values(), ids=IDS)
def test_its_examples_mean_what_they_say(profile: Profile) -> None:
    assert mismatches(profile) == []


@pytest.mark.parametrize("profile", MODBUS.values(), ids=MODBUS)
def test_every_channel_says_what_was_encoded_in_its_stored_type(profile: ModbusProfile) -> None:
    for channel in profile.channels:
        value = value_of(channel)

        decoded = decoder(channel)(encode(channel, value))

        assert decoded == value, channel.id
        assert type(decoded).__name__ == channel.stored, channel.id


@pytest.mark.parametrize("profile", MODBUS.values(), ids=MODBUS)
def test_every_group_can_be_planned_on_the_slowest_line_that_the_device_knows(
    profile: ModbusProfile,
) -> None:
    cost = Cost.serial(min(profile.serial.baud), turnaround=profile.timing.turnaround)

    for name, group in profile.groups.items():
        wanted = [channel for channel in profile.channels if channel.group == name]
        requests = plan(wanted, profile.limits, cost)

        assert sum(map(cost.seconds, requests)) < group.interval


def test_the_recorded_reply_of_a_pzem_is_read_in_one_request() -> None:
    profile = MODBUS["pzem-016"]
    wanted = [channel for channel in profile.channels if channel.group == "fast"]

    (request,) = plan(wanted, profile.limits, Cost.serial(9600))
    values, flags = decode_reply(request, profile.examples[0].words)

    assert values["power"] == 24.4
    assert values["alarm"] == "normal"
    assert not flags


def test_the_faults_of_a_traffic_signal_are_one_read() -> None:
    profile = MODBUS["traffic-signal-plc"]

    (request,) = plan(profile.channels, profile.limits, Cost.serial(19_200))

    assert request.count == 14
    assert len(request.channels) == len(profile.channels)
