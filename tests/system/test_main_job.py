"""Promise: what devices say on TCP and on serial lines is stored, asked for and alarmed, truly.

Real processes from end to end, once with what the collector brings along (nats-server, SQLite),
and once with mosquitto and an InfluxDB 1.6 that asks for passwords. One device is served by
pyModbusTCP, which shares no code with the agent's client; its voltage is the test's to change.
"""

from __future__ import annotations

import contextlib
import json
import struct
import subprocess
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from pyModbusTCP.server import ModbusServer  # type: ignore[import-untyped]

from parts.collector import PROGRAM, CollectorProcess, collector
from parts.influxd import influxd
from parts.mosquitto import mosquitto
from parts.processes import free_port
from parts.site import AgentProcess, agent, simulated_street

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.system

RULES = """
schema: alarm-rules/1
rules:
  - id: mains-high
    title: Mains voltage high
    watch: {measurement: electricity_meter, channel: voltage}
    when: {above: 253, deadband: 2}
    priority: high
    action: Call the grid operator.
  - id: red-lamp
    title: A red lamp has failed
    watch: {measurement: traffic_signal, channel: red_lamp_failed}
    when: {equals: true}
    priority: medium
    action: Send a crew.
"""


@dataclass(frozen=True)
class City:
    """All of it, running."""

    gateway: AgentProcess
    centre: CollectorProcess
    mains: ModbusServer

    def set_mains(self, voltage: float) -> None:
        """Have mains-1 say so from now on."""
        words = struct.unpack(">HH", struct.pack(">f", voltage))
        self.mains.data_bank.set_input_registers(0, list(words))

    def ok(self, *words: str) -> str:
        """What a `collector` command prints."""
        done = self.centre.ask(*words)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def asked(self, *words: str) -> Any:  # noqa: ANN401 - a JSON document
        """The document that a `collector` command prints."""
        return json.loads(self.ok(*words, "--json"))

    def open_alarms(self) -> dict[str, dict[str, Any]]:
        """By rule."""
        return {alarm["rule"]: alarm for alarm in self.centre.get("/v1/alarms")}


@contextlib.contextmanager
def own_parts(directory: Path, gateway: AgentProcess) -> Iterator[CollectorProcess]:
    """What the collector brings along."""
    with collector(directory, RULES) as centre:
        gateway.enrol(centre)
        yield centre


@contextlib.contextmanager
def others_parts(directory: Path, gateway: AgentProcess) -> Iterator[CollectorProcess]:
    """Mosquitto, and an InfluxDB in which the collector's user may do what it must."""
    admin, secret = directory / "admin", directory / "secret"
    for path in (admin, secret):
        path.touch(0o600)
        path.write_text(f"{path.name}'s password")
    with mosquitto(directory) as broker, influxd(directory, auth=True) as influx:
        statement = f"CREATE USER root WITH PASSWORD '{_quoted(admin)}' WITH ALL PRIVILEGES"
        httpx.post(f"{influx.url}/query", data={"q": statement}).raise_for_status()
        store = {
            "kind": "influxdb",
            "version": 1,
            "url": influx.url,
            "username": "collector",
            "secret_file": str(secret),
        }
        made = CollectorProcess(directory, RULES)
        made.change(store=store, broker={"external": {"port": broker.port}})
        prepared = made.ask("store", "init", "--admin-user", "root", "--admin-secret", str(admin))
        assert prepared.returncode == 0, prepared.stderr
        assert "user collector: may read and write telemetry, nothing else" in prepared.stdout
        gateway.change(uplink={"port": broker.port})
        with started(made):
            yield made


def _quoted(path: Path) -> str:
    return path.read_text().replace("'", "\\'")


@contextlib.contextmanager
def started(centre: CollectorProcess) -> Iterator[None]:
    centre.start()
    try:
        yield
    finally:
        centre.stop()


@pytest.fixture(scope="module", params=[own_parts, others_parts])
def city(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[City]:
    directory = tmp_path_factory.mktemp("city")
    for name in ("street", "gateway", "centre"):
        (directory / name).mkdir()
    mains = ModbusServer("127.0.0.1", free_port(), no_block=True)
    mains.start()
    plant = {"id": "plant", "transport": "modbus-tcp", "host": "127.0.0.1", "port": mains.port}
    device = {"id": "mains-1", "bus": "plant", "profile": "eastron-sdm120", "interval": "200ms"}
    with simulated_street(directory / "street") as street:
        site = {"buses": [*street.buses, plant], "devices": [*street.devices, device]}
        with (
            agent(directory / "gateway", site) as gateway,
            request.param(directory / "centre", gateway) as centre,
        ):
            running = City(gateway, centre, mains)
            running.set_mains(230.0)
            gateway.start()
            yield running
            assert gateway.stop() == 0
    mains.stop()


@pytest.mark.parametrize(
    ("device", "channel", "value", "unit"),
    [
        ("water-1", "flow", 100.59, "l/s"),
        ("signal-1", "mode", "coordinated", ""),
        ("meter-1", "voltage", 230.5, "V"),
    ],
)
def test_a_query_shows_what_a_device_says(
    city: City, device: str, channel: str, value: float | str, unit: str
) -> None:
    def points() -> list[dict[str, Any]]:
        return [p for one in city.asked("query", "gw-1", device, channel) for p in one["points"]]

    city.centre.until(lambda: len(points()) >= 3, "stored values")

    assert {point["value"] for point in points()} == {value}
    line = city.ok("query", "gw-1", device, channel).splitlines()[1]
    assert line.split()[2:] == [channel, str(value), *unit.split()]


@pytest.mark.parametrize("voltage", [229.75, 230.0])
def test_a_server_that_shares_no_code_with_the_agent_is_read_truly(
    city: City, voltage: float
) -> None:
    def said() -> list[float]:
        latest = city.centre.get("/v1/latest")
        return [e["values"].get("voltage") for e in latest if e["device"] == "mains-1"]

    city.set_mains(voltage)

    city.centre.until(lambda: said() == [voltage], f"{voltage} V")


def test_an_alarm_is_raised_acknowledged_and_cleared(city: City) -> None:
    token = city.centre.directory / "desk.token"
    token.touch(0o600)
    token.write_text(city.ok("tokens", "add", "desk", "--role", "operator"))

    city.set_mains(260.0)
    city.centre.until(lambda: "mains-high" in city.open_alarms(), "alarm")
    occurrence = city.open_alarms()["mains-high"]["occurrence"]
    listed = city.ok("alarms", "list", "--priority", "high")
    city.ok("alarms", "ack", occurrence, "-m", "on my way", "--token-file", str(token))
    acknowledged = city.open_alarms()["mains-high"]
    city.set_mains(230.0)
    city.centre.until(lambda: "mains-high" not in city.open_alarms(), "end of the alarm")

    assert "Call the grid operator." in listed
    assert "gw-1/mains-1/voltage" in listed
    assert acknowledged["state"] == "acked-active"
    steps = city.asked("alarms", "show", occurrence)["transitions"]
    assert [step["kind"] for step in steps] == ["raised", "acknowledged", "returned"]
    assert [step["value"] for step in steps] == [260.0, None, 230.0]
    assert (steps[1]["who"], steps[1]["comment"]) == ("desk", "on my way")


def test_an_alarm_whose_cause_lasts_stays_open(city: City) -> None:
    city.centre.until(lambda: "red-lamp" in city.open_alarms(), "alarm")

    (alarm,) = city.asked("alarms", "list", "--priority", "medium")

    assert (alarm["device"], alarm["state"]) == ("signal-1", "unacked-active")
    assert alarm["action"] == "Send a crew."


def test_what_comes_is_watched_line_by_line(city: City) -> None:
    command: list[str | Path] = [PROGRAM, "watch", "--config", city.centre.config, "--lang", "en"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as watching:
        assert watching.stdout is not None
        lines = iter(watching.stdout)
        found = [
            next(line for line in lines if wanted in line)
            for wanted in (
                b"gw-1/water-1  flow=100.59 pressure=4.2",
                b"gw-1/meter-1  voltage=230.5",
            )
        ]
        watching.send_signal(2)
        watching.communicate(timeout=60)

    assert len(found) == 2
    assert watching.returncode == 0


def test_the_api_answers_whoever_builds_on_it(city: City) -> None:
    now = time.time()
    hour = {"from": _spelt(now - 3600), "to": _spelt(now + 3600)}
    asked = {"agent": "gw-1", "device": "water-1", "channel": "flow", **hour}
    city.centre.until(lambda: bool(city.centre.get("/v1/series", **asked)), "stored values")

    (series,) = city.centre.get("/v1/series", agg="mean", every="1d", **asked)
    (gateway,) = city.centre.get("/v1/gateways")
    latest = {entry["device"]: entry for entry in city.centre.get("/v1/latest")}
    catalogue = {entry["device"]: entry for entry in city.centre.get("/v1/catalogue")}

    assert series["points"][0]["value"] == pytest.approx(100.59)
    assert (gateway["agent"], gateway["status"]) == ("gw-1", "online")
    assert gateway["site"] == "market-hall"
    assert latest["meter-1"]["values"]["voltage"] == 230.5
    assert catalogue["signal-1"]["profile"] == "traffic-signal-plc"
    assert city.centre.health() == 200
    assert "/v1/series" in httpx.get(f"{city.centre.url}/openapi.json").json()["paths"]
    assert 'collector_gateway_online{agent="gw-1"} 1' in city.centre.text("/metrics")


def _spelt(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat()


def test_nothing_is_put_aside_and_no_bug_is_told(city: City) -> None:
    city.centre.until(lambda: "meter-1" in city.ok("query"), "stored values")

    assert city.asked("dead-letters", "list")["dead_letters"] == []
    assert "Traceback" not in city.centre.log() + city.gateway.log()
    assert "ERROR" not in city.centre.log() + city.gateway.log()
