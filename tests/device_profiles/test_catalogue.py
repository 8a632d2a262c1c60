"""Promise: every profile that ships loads, tells where it is from, and decodes its own examples."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from device_profiles import loader
from device_profiles.decode import decoder
from device_profiles.encode import encode
from device_profiles.model import ModbusProfile
from device_profiles.registers import Type
from edge_agent.bus.cost import Cost
from edge_agent.bus.plan import plan
from edge_agent.bus.planned import seconds
from edge_agent.bus.request import decode_reply
from parts.profiles import mismatches

if TYPE_CHECKING:
    from device_profiles.channel import RegisterChannel
    from device_profiles.model import AnyProfile
    from telemetry.sample import Value

IDS = tuple(loader.catalogue())
PROFILES = {name: loader.find(name) for name in IDS}
MODBUS = {name: p for name, p in PROFILES.items() if isinstance(p, ModbusProfile)}

EXPONENT = -1

TYPICAL: dict[Type, Value] = {
    Type.BOOL: True,
    Type.STR: "Feeder 7",
    Type.SUNSSF: EXPONENT,
    Type.IEC870: "2026-05-17T13:41:00.000",
}


def value_of(channel: RegisterChannel) -> Value:
    if channel.enum:
        return next(reversed(channel.enum.values()))
    if channel.flags:
        return ",".join(channel.flags.values())
    if channel.type in TYPICAL:
        return TYPICAL[channel.type]
    scale = Decimal(1).scaleb(EXPONENT) if channel.sf else channel.scale
    middle = Decimal(sum(channel.range) / 2) if channel.range else 41 * scale
    raw = (middle - channel.offset) // scale
    return int(raw) if channel.stored == "int" else float(raw * scale + channel.offset)


def test_the_catalogue_has_the_devices_of_a_city() -> None:
    assert set(IDS) >= {
        "air-station",
        "carlogavazzi-em24",
        "eastron-sdm120",
        "eastron-sdm630",
        "fts-sdi-radar-300w",
        "huawei-ups2000",
        "indoor-station",
        "lambrecht-rain-e",
        "pzem-016",
        "renke-fsxcs",
        "schneider-iem3000",
        "schneider-pm5100",
        "seeed-sensecap-one",
        "sunspec-203",
        "traffic-signal-plc",
        "water-main-flow",
        "xy-md02",
    }


@pytest.mark.parametrize("profile", PROFILES.values(), ids=IDS)
def test_its_examples_mean_what_they_say(profile: AnyProfile) -> None:
    assert mismatches(profile) == []


@pytest.mark.parametrize("profile", MODBUS.values(), ids=MODBUS)
def test_every_channel_says_what_was_encoded_in_its_stored_type(profile: ModbusProfile) -> None:
    for channel in profile.channels:
        value = value_of(channel)

        words = encode(channel, value, exponent=EXPONENT if channel.sf else 0)
        factor = [EXPONENT & 0xFFFF] if channel.sf else []
        decoded = decoder(channel)([*words, *factor])

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

        assert seconds(requests, cost) < group.interval


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


@pytest.mark.parametrize("profile", PROFILES.values(), ids=IDS)
def test_it_is_recognised_by_something_unless_it_is_a_template(profile: AnyProfile) -> None:
    is_template = any(source.own for source in profile.sources)
    is_sunspec = isinstance(profile, ModbusProfile) and profile.addressing is not None

    assert is_template or is_sunspec or profile.identify is not None


def test_24_models_of_real_devices_ship() -> None:
    real = [name for name, p in PROFILES.items() if not any(s.own for s in p.sources)]

    assert len(real) >= 24
