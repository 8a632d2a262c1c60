"""Promise: every value of every device reaches the store as it is, and plugs may be moved.

Real processes: an agent, a collector, a simulator behind a TCP port. The devices on the serial
ports are the tests' own: slaves, a meter and a sensor that share no code with the agent.
"""

from __future__ import annotations

import contextlib
import re
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
from parts.six_devices import ITEMS, OTHER_PHASES, PARTICLES, PROFILES, SAYS, slaves

if TYPE_CHECKING:
    from collections.abc import Iterator

    from parts.collector import CollectorProcess
    from parts.plug import Plug
    from parts.rtu_slave import RtuSlave
    from parts.site import AgentProcess
    from parts.six_devices import Said

pytestmark = pytest.mark.system

HOUR = timedelta(hours=1)


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
