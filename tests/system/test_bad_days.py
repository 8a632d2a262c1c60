"""Promise: what goes wrong is told in a line that says what to mend, and costs no sample.

Wrong files end a process before it starts anything; what is missing around it never does.
"""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from parts import ledger
from parts.collector import CollectorProcess, collector
from parts.influxd import influxd
from parts.mosquitto import Mosquitto
from parts.processes import free_port, running
from parts.site import agent, simulated_street

if TYPE_CHECKING:
    from collections.abc import Iterator

    from parts.site import AgentProcess, Street

pytestmark = pytest.mark.system

CONNECT = b"\x10"
"""A CONNECT's first byte (MQTT 3.1.1, §3.1.1)."""

HOUR = timedelta(hours=1)
PROGRAMS = Path(sys.executable).parent
RULES = """\
schema: alarm-rules/1
rules:
  - id: red-lamp
    title: A red lamp has failed
    watch: {measurement: traffic_signal, channel: red_lamp_failed}
    when: {equals: true}
    priority: medium
    action: Send a crew.
"""
PROFILE = """\
schema: device-profile/1
id: own-meter
revision: 1
title: A meter
class: electricity-meter
measurement: electricity_meter
sources: [{own: made for tests}]
groups: {all: {interval: 1s}}
defaults: {table: input, type: f32, group: all}
channels:
  - {id: voltage, address: 0, unit: V}
examples:
  - {table: input, address: 0, hex: "4366 0000", values: {voltage: 230.0}, source: computed}
"""
AGENT = """\
agent: {id: gw-1}
data_dir: .
profiles_dir: .
buses:
  - {id: street, transport: modbus-tcp, host: 127.0.0.1, port: 1502}
devices:
  - {id: meter-1, bus: street, unit: 3, profile: own-meter}
"""
COLLECTOR = """\
data_dir: data
store: {kind: sqlite}
broker:
  embedded: {listen: "127.0.0.1:0"}
api: {listen: "127.0.0.1:0"}
rules: rules.yaml
"""
RUN_AGENT = ("edge-agent", "run", "-c", "agent.yaml")
RUN_COLLECTOR = ("collector", "run", "-c", "collector.yaml")


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A directory with configurations that are right."""
    texts = {"agent": AGENT, "own-meter": PROFILE, "collector": COLLECTOR, "rules": RULES}
    for name, text in texts.items():
        (tmp_path / f"{name}.yaml").write_text(text)
    return tmp_path


def run(program: str, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [PROGRAMS / program, *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


WRONG = [
    # file, what is written instead of what, what is told
    (
        "agent",
        "port: 1502",
        "prt: 1502",
        "5: buses[0].prt — no such key here; did you mean 'port'?",
    ),
    ("agent", "unit: 3", "unit: 300", "7: devices[0].unit — should be at most 247, or 255"),
    ("agent", "1502", "soon", "5: buses[0].port — should be a valid integer"),
    (
        "agent",
        "profile: own-meter",
        "profile: own-metre",
        "7: devices[0].profile — there is no profile 'own-metre'; did you mean 'own-meter'?",
    ),
    (
        "own-meter",
        "unit: V",
        "unti: V",
        "11: channels[0].unti — no such key here; did you mean 'unit'?",
    ),
    ("collector", "rules:", "rulez:", "6: rulez — no such key here; did you mean 'rules'?"),
    ("collector", "127.0.0.1:0", "here", "4: broker.embedded.listen — should be an address"),
    (
        "rules",
        "equals",
        "equal",
        "6: rules[0].when.equal — no such key here; did you mean 'equals'?",
    ),
    (
        "rules",
        "medium",
        "urgent",
        "7: rules[0].priority — should be 'high', 'medium', 'low' or 'diagnostic'",
    ),
]


@pytest.mark.parametrize(("file", "right", "wrong", "told"), WRONG)
def test_a_mistake_in_a_file_is_told_with_its_line(
    files: Path, file: str, right: str, wrong: str, told: str
) -> None:
    path = files / f"{file}.yaml"
    assert right in path.read_text()
    path.write_text(path.read_text().replace(right, wrong, 1))

    done = run(*reader_of(file), cwd=files)

    assert done.returncode == 2
    (line,) = [line for line in done.stderr.splitlines() if line.startswith(path.name)]
    assert line.startswith(f"{path.name}:{told}")
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("file", ["agent", "collector", "rules"])
def test_a_file_that_is_not_there_is_named(files: Path, file: str) -> None:
    (files / f"{file}.yaml").unlink()

    done = run(*reader_of(file), cwd=files)

    assert done.returncode == 2
    assert done.stderr.splitlines()[-1] == f"{file}.yaml: No such file or directory"


def reader_of(file: str) -> tuple[str, ...]:
    """The command that reads it."""
    return RUN_AGENT if file in ("agent", "own-meter") else RUN_COLLECTOR


@pytest.fixture
def street(tmp_path: Path) -> Iterator[Street]:
    """Devices of which one does not know a register that its profile names."""
    with simulated_street(tmp_path, {"water-1": {"illegal": [[2, 2]]}}) as running_street:
        yield running_street


@pytest.fixture
def gateway(tmp_path: Path, street: Street) -> Iterator[AgentProcess]:
    """An agent with a ledger, not started yet; one of its buses is on a port that is not there."""
    (tmp_path / "gateway").mkdir()
    absent = {"id": "absent", "transport": "modbus-rtu", "port": str(tmp_path / "ttyUSB7")}
    lonely = {"id": "lonely-1", "bus": "absent", "profile": "eastron-sdm120", "interval": "500ms"}
    site = {"buses": [*street.buses, absent], "devices": [*street.devices, lonely]}
    with agent(tmp_path / "gateway", site) as made:
        ledger.begin(made.outbox)
        yield made


def test_a_broker_that_is_not_there_yet_costs_no_sample(
    gateway: AgentProcess, tmp_path: Path
) -> None:
    (tmp_path / "centre").mkdir()
    centre = CollectorProcess(tmp_path / "centre", RULES)
    gateway.enrol(centre)
    gateway.start()
    gateway.until(lambda: gateway.samples_kept() >= 30, "samples in the outbox")

    centre.start()
    gateway.until(lambda: gateway.samples_kept() < 30, "delivery")
    gateway.drain()

    ledger.assert_balanced(gateway.outbox, centre.data_dir / "samples.db")
    assert gateway.log().count(f"broker 127.0.0.1:{centre.mqtt_port} is not connected") == 1
    assert "Traceback" not in gateway.log() + centre.log()
    assert centre.stop() == 0


def test_an_agent_ends_cleanly_while_its_broker_hangs(gateway: AgentProcess) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(60)
        gateway.change(uplink={"port": silent.getsockname()[1]})
        gateway.start()
        connection, _ = silent.accept()
        with connection:
            assert connection.recv(1) == CONNECT

            assert gateway.stop() == 0

    assert gateway.log().splitlines()[-1].endswith("agent gw-1: stopped")
    assert "Traceback" not in gateway.log()


def test_a_collector_waits_for_a_broker_that_is_not_there_yet(tmp_path: Path) -> None:
    broker = Mosquitto(tmp_path)
    centre = CollectorProcess(tmp_path)
    centre.change(broker={"external": {"port": broker.port}})
    with started(centre):
        centre.until(lambda: centre.health() == 503, "answer without a broker")
        broker.start()
        try:
            centre.until(lambda: centre.health() == 200, "connection")
        finally:
            broker.stop()

    assert centre.log().count(f"broker 127.0.0.1:{broker.port}: cannot be reached") == 1


def test_a_port_or_a_register_that_is_not_there_costs_only_its_channels(
    gateway: AgentProcess, tmp_path: Path
) -> None:
    (tmp_path / "centre").mkdir()
    with collector(tmp_path / "centre") as centre:
        gateway.enrol(centre)
        gateway.start()
        gateway.until(lambda: {"water-1", "meter-1", "lonely-1"} <= devices_in(centre), "samples")
        gateway.drain()

        rows = ledger.stored(centre.data_dir / "samples.db")

    water = [fields for (device, _), fields in rows.items() if device == "water-1"]
    lonely = [fields for (device, _), fields in rows.items() if device == "lonely-1"]
    assert all(fields["flow"] == 100.59 for fields in water)
    assert all(fields["pressure__flag"] == "missing:illegal_address" for fields in water)
    assert not any("pressure" in fields for fields in water)
    assert all(fields["voltage__flag"] == "missing:bus_down" for fields in lonely)
    refused = "device water-1 on bus street: it has no holding register 2 (channel pressure)"
    assert gateway.log().count(refused) == 1
    down = f"bus absent: {tmp_path / 'ttyUSB7'} 9600 8N1 is down: "
    assert gateway.log().count(down) == 1
    assert "Traceback" not in gateway.log()


def devices_in(centre: CollectorProcess) -> set[str]:
    return {entry["device"] for entry in centre.get("/v1/catalogue")}


def test_while_the_store_is_away_alarms_go_on_and_agents_keep_their_data(
    gateway: AgentProcess, tmp_path: Path
) -> None:
    for name in ("centre", "influx"):
        (tmp_path / name).mkdir()
    port = free_port()
    centre = CollectorProcess(tmp_path / "centre", RULES)
    centre.change(store={"kind": "influxdb", "version": 1, "url": f"http://127.0.0.1:{port}"})
    gateway.enrol(centre)
    with started(centre):
        gateway.start()
        centre.until(lambda: bool(centre.get("/v1/alarms")), "alarm without a store")
        gateway.until(lambda: gateway.samples_kept() >= 30, "samples in the outbox")
        assert centre.health() == 503
        with influxd(tmp_path / "influx", port=port):
            done = centre.ask("store", "init")
            assert done.returncode == 0, done.stderr
            centre.until(lambda: centre.health() == 200, "store")
            gateway.drain()
            found = {(one, at) for one in SIMULATED for at in times_of(centre, one)}
            assert len(centre.get("/v1/alarms")) == 1

    kept = {(device, at) for device, at in ledger.written(gateway.outbox) if device in SIMULATED}
    assert kept - found == set(), "lost"
    assert found - kept == set(), "from nowhere"
    assert centre.log().count("store: down") == 1
    assert "Traceback" not in gateway.log() + centre.log()


SIMULATED = ("water-1", "signal-1", "meter-1")


def times_of(centre: CollectorProcess, device: str) -> set[int]:
    """When it was sampled (ms since the epoch), as the store says."""
    now = datetime.now(UTC)
    found = centre.get(
        "/v1/series",
        agent="gw-1",
        device=device,
        quality="all",
        **{"from": (now - HOUR).isoformat(), "to": (now + HOUR).isoformat()},
    )
    moments = {datetime.fromisoformat(point["at"]) for one in found for point in one["points"]}
    return {round(moment.timestamp() * 1000) for moment in moments}


@contextlib.contextmanager
def started(centre: CollectorProcess) -> Iterator[None]:
    """Running, though not healthy: what it needs is not there."""
    command = [str(PROGRAMS / "collector"), "run", "--config", str(centre.config)]
    log = centre.directory / "collector.log"
    with running(command, port=centre.api_port, log=log) as centre.process:
        yield
