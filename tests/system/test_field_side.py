"""Promise: every value of every device reaches the store as it is, and plugs may be moved.

Real processes: an agent, a collector, a simulator behind a TCP port. The devices on the serial
ports are the tests' own: slaves, a meter and a sensor that share no code with the agent.
"""

from __future__ import annotations

import contextlib
import re
import struct
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from device_profiles.loader import find
from parts.collector import collector
from parts.meters import Dlt645Meter
from parts.plug import answering_at, speaking_at
from parts.rtu_slave import rtu_slave
from parts.site import agent, simulated

if TYPE_CHECKING:
    from collections.abc import Iterator

    from parts.collector import CollectorProcess
    from parts.plug import Plug
    from parts.rtu_slave import RtuSlave
    from parts.site import AgentProcess
    from telemetry.sample import Value

pytestmark = pytest.mark.system

Said = dict[str, tuple["Value", str]]
"""Value and unit, by channel."""

HOUR = timedelta(hours=1)
POWER_METER: Said = {
    "voltage": (230.5, "V"),
    "current": (1.25, "A"),
    "power_active": (-287.5, "W"),
    "power_apparent": (288.0, "VA"),
    "power_reactive": (-16.5, "var"),
    "power_factor": (-0.5, "/"),
    "frequency": (50.0, "Hz"),
    "energy_import": (4821.5, "kWh"),
    "energy_export": (0.0, "kWh"),
    "energy_reactive_import": (12.25, "kvarh"),
    "energy_reactive_export": (3.5, "kvarh"),
    "energy_total": (4821.5, "kWh"),
    "energy_reactive_total": (15.75, "kvarh"),
}
"""Floats that 32 bits hold exactly."""

REGISTERS = (0x00, 0x06, 0x0C, 0x12, 0x18, 0x1E, 0x46, 0x48, 0x4A, 0x4C, 0x4E, 0x156, 0x158)
"""Where an SDM120 has them, in the same order (volkszaehler/mbmd, meters/rs485/sdm120.go)."""

ITEMS = {
    "02010100": "0523",  # low byte first
    "02020100": "341200",
    "02030000": "123480",  # the top bit is the sign
    "02040000": "785600",
    "02050000": "000030",
    "02060000": "9909",
    "02800002": "9849",
    "00000000": "40301200",
    "00010000": "99999999",
    "00020000": "01000000",
    "04000402": "785634120900",
}
"""What a single-phase meter with DL/T 645-2007 has."""

PARTICLES = "424d 001c 0000 0008 0008 0000 0008 0008 00d2 0046 002d 001e 0000 0000 9700 02c5"
"""A PMS5003's frame (avaldebe/PyPMS, tests/captured_data/PMSx003.hexdump)."""

SAYS: dict[str, Said] = {
    "meter-1": POWER_METER,
    "climate-1": {
        "temperature": (-20.5, "Cel"),
        "humidity": (54.6, "%RH"),
        "temperature_correction": (-0.5, "Cel"),
        "humidity_correction": (1.0, "%RH"),
    },
    "water-1": {
        "flow": (-100.59, "l/s"),
        "pressure": (4.2, "bar"),
        "volume": (3_000_000_000, "m3"),
    },
    "inverter-1": {
        "current_total": (12.34, "A"),
        "current_l1": (4.11, "A"),
        "current_l2": (4.12, "A"),
        "current_l3": (4.11, "A"),
        "voltage_l1": (230.1, "V"),
        "voltage_l2": (230.2, "V"),
        "voltage_l3": (0.0, "V"),
        "power": (-5000.0, "W"),
        "frequency": (50.01, "Hz"),
        "energy": (4_000_000_000.0, "Wh"),
        "dc_voltage": (700.0, "V"),
        "dc_power": (-327_670.0, "W"),
        "temperature": (-3.5, "Cel"),
        "state": ("mppt", ""),
        "events": ("cabinet_open,over_temp", ""),
        "a_sf": (-2, ""),
        "v_sf": (-1, ""),
        "w_sf": (1, ""),
        "hz_sf": (-2, ""),
        "wh_sf": (0, ""),
        "dcv_sf": (2, ""),
        "dcw_sf": (1, ""),
        "tmp_sf": (-1, ""),
    },
    "dlt-1": {
        "voltage_l1": (230.5, "V"),
        "current_l1": (1.234, "A"),
        "power": (-0.3412, "kW"),
        "reactive_power": (0.5678, "kvar"),
        "apparent_power": (30.0, "kVA"),
        "power_factor": (0.999, "/"),
        "frequency": (49.98, "Hz"),
        "energy": (1230.4, "kWh"),
        "energy_import": (999999.99, "kWh"),
        "energy_export": (0.01, "kWh"),
        "meter_number": ("000912345678", ""),
    },
    "air-1": {
        "pm1": (0.0, "ug/m3"),
        "pm25": (8.0, "ug/m3"),
        "pm10": (8.0, "ug/m3"),
        "pm1_cf1": (0.0, "ug/m3"),
        "pm25_cf1": (8.0, "ug/m3"),
        "pm10_cf1": (8.0, "ug/m3"),
        "n0_3": (2.1, "1/cm3"),
        "n0_5": (0.7, "1/cm3"),
        "n1_0": (0.45, "1/cm3"),
        "n2_5": (0.3, "1/cm3"),
        "n5_0": (0.0, "1/cm3"),
        "n10_0": (0.0, "1/cm3"),
        "error_code": (0, ""),
    },
}
PROFILES = {
    "meter-1": "eastron-sdm120",
    "climate-1": "xy-md02",
    "water-1": "water-main-flow",
    "inverter-1": "sunspec-103",
    "dlt-1": "dlt645-2007",
    "air-1": "plantower-pms5003",
}
OTHER_PHASES = {
    "voltage_l2": "02010200",
    "voltage_l3": "02010300",
    "current_l2": "02020200",
    "current_l3": "02020300",
}


def slaves() -> dict[int, dict[int, int]]:
    """A power meter as unit 11 and a sensor as unit 12, whose registers are told here."""
    meter: dict[int, int] = {}
    for address, (value, _) in zip(REGISTERS, POWER_METER.values(), strict=True):
        meter[address], meter[address + 1] = struct.unpack(">HH", struct.pack(">f", value))
    return {11: meter, 12: {1: 0xFF33, 2: 0x0222, 0x103: 0xFFFB, 0x104: 10}}


@dataclass(frozen=True)
class City:
    """All of it, running."""

    gateway: AgentProcess
    centre: CollectorProcess
    line: RtuSlave
    head: Plug

    def series(self, device: str, quality: str = "good") -> dict[str, dict[str, Any]]:
        """What the store has of a device, by channel."""
        now = datetime.now(UTC)
        between = {"from": (now - HOUR).isoformat(), "to": (now + HOUR).isoformat()}
        found = self.centre.get(
            "/v1/series", agent="gw-1", device=device, quality=quality, **between
        )
        return {series["channel"]: series for series in found}

    def latest(self, device: str) -> dict[str, Any]:
        """The latest word on each of its channels; nothing if there is none."""
        found = self.centre.get("/v1/latest", agent="gw-1", device=device)
        return found[0] if found else {"values": {}, "flags": {}}

    def place(self, bus: str) -> str:
        """A bus's port, as a technician calls it."""
        return next(
            str(each["place"]) for each in self.gateway.status()["buses"] if each["id"] == bus
        )

    def is_told(self, text: str) -> bool:
        """Whether the agent has logged it."""
        return text in self.gateway.log()

    def moments(self, device: str) -> set[datetime]:
        """When there was a good value of it, as the store says."""
        points = [point for one in self.series(device).values() for point in one["points"]]
        return {datetime.fromisoformat(point["at"]) for point in points}


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    directory = tmp_path_factory.mktemp("city")
    for name in ("gateway", "centre"):
        (directory / name).mkdir()
    meter = Dlt645Meter("000000000161", {at: bytes.fromhex(item) for at, item in ITEMS.items()})
    inverter = {name: value for name, (value, _) in SAYS["inverter-1"].items()}
    water = {name: value for name, (value, _) in SAYS["water-1"].items()}
    units = [
        {"id": "water-1", "unit": 2, "profile": "water-main-flow", "channels": water},
        {"id": "inverter-1", "unit": 3, "profile": "sunspec-103", "channels": inverter},
    ]
    with contextlib.ExitStack() as parts:
        (ready,) = parts.enter_context(
            simulated(directory, [{"id": "street", "kind": "tcp", "port": 0, "devices": units}])
        )
        street = re.search(r":(\d+),", ready)
        assert street
        line = parts.enter_context(rtu_slave(directory / "ttyRS485", slaves()))
        head = parts.enter_context(answering_at(directory / "ttyHEAD", meter.answer))
        air = parts.enter_context(
            speaking_at(directory / "ttyAIR", bytes.fromhex(PARTICLES), every=0.1)
        )
        tcp: dict[str, Any] = {
            "transport": "modbus-tcp",
            "host": "127.0.0.1",
            "port": int(street[1]),
        }
        devices: list[dict[str, Any]] = [
            {"id": "meter-1", "bus": "line", "unit": 11},
            {"id": "climate-1", "bus": "line", "unit": 12},
            {"id": "water-1", "bus": "street", "unit": 2},
            {"id": "inverter-1", "bus": "street", "unit": 3, "offset": 40070},
            {"id": "dlt-1", "bus": "head", "address": meter.address},
            {"id": "air-1", "bus": "air"},
        ]
        site = {
            "buses": [
                {"id": "line", "transport": "modbus-rtu", "port": str(line.port)},
                {"id": "street"} | tcp,
                {"id": "head", "transport": "serial", "port": str(head.link), "parity": "E"},
                {"id": "air", "transport": "serial", "port": str(air.link)},
            ],
            "devices": [
                device | {"profile": PROFILES[device["id"]], "interval": "500ms"}
                for device in devices
            ],
        }
        gateway = parts.enter_context(agent(directory / "gateway", site))
        centre = parts.enter_context(collector(directory / "centre"))
        gateway.enrol(centre)
        gateway.start()
        yield City(gateway, centre, line, head)
        assert gateway.stop() == 0


@pytest.mark.parametrize("device", SAYS)
def test_every_channel_is_stored_with_its_value_its_type_and_its_unit(
    city: City, device: str
) -> None:
    def stored() -> Said:
        return {
            name: (one["points"][-1]["value"], one["unit"])
            for name, one in city.series(device).items()
            if one["points"] and name in SAYS[device]
        }

    city.centre.until(lambda: stored().keys() == SAYS[device].keys(), f"every value of {device}")

    assert stored() == SAYS[device]
    assert types(stored()) == types(SAYS[device])


def types(said: Said) -> dict[str, type]:
    return {name: type(value) for name, (value, _) in said.items()}


@pytest.mark.parametrize("device", SAYS)
def test_no_channel_is_left_out(device: str) -> None:
    readable = {channel.id for channel in find(PROFILES[device]).readable}

    assert readable - set(SAYS[device]) == (set(OTHER_PHASES) if device == "dlt-1" else set())


def test_what_a_meter_does_not_have_costs_that_channel_alone_and_is_named(city: City) -> None:
    refused = dict.fromkeys(OTHER_PHASES, "missing:device_error")

    city.centre.until(lambda: city.latest("dlt-1")["flags"] == refused, "flags of four channels")

    assert city.latest("dlt-1")["values"].keys() == SAYS["dlt-1"].keys()
    for name, item in OTHER_PHASES.items():
        told = f"it refuses {item} (channel {name}): the meter says: no such data"
        city.gateway.until(partial(city.is_told, told), told)
        assert city.gateway.log().count(told) == 1


@pytest.mark.parametrize("bus", ["line", "head"])
def test_a_plug_that_is_moved_to_another_socket_is_found_by_the_name_that_stays(
    city: City, bus: str
) -> None:
    plug: RtuSlave | Plug = city.line if bus == "line" else city.head
    device = "meter-1" if bus == "line" else "dlt-1"
    city.centre.until(lambda: bool(city.moments(device)), f"values of {device}")

    plug.pull_out()
    city.gateway.until(partial(city.is_told, f"bus {bus}: {city.place(bus)} is down"), "loss")
    plug.plug_in()
    moved = datetime.now(UTC)
    city.centre.until(lambda: max(city.moments(device)) > moved, f"{device} in its new socket")

    assert re.search(rf"bus {bus}: reopened after \d+ s", city.gateway.log())
    assert city.gateway.log().count("version") == 1, "without a restart"
    said = {name: value for name, (value, _) in SAYS[device].items()}
    city.centre.until(lambda: city.latest(device)["values"] == said, f"all of {device}")


def test_no_bug_is_told_and_nothing_is_put_aside(city: City) -> None:
    city.centre.until(lambda: bool(city.series("air-1")), "stored values")

    assert city.centre.get("/v1/dead-letters")["dead_letters"] == []
    assert "Traceback" not in city.gateway.log() + city.centre.log()
