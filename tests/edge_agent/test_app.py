"""The agent polls and keeps whatever happens around it, and ends as its supervisor expects.

Real processes: the agent, a broker, Modbus servers; a few lines stand in for the collector.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from pyModbusTCP.server import ModbusServer  # type: ignore[import-untyped]

from parts.mosquitto import Mosquitto
from parts.processes import free_port
from parts.receiver import receiver
from telemetry.announce import unpack_about
from telemetry.envelope import unpack
from telemetry.sample import BUS_DOWN
from telemetry.topics import Lane

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from parts.receiver import Receiver

pytestmark = pytest.mark.system

WITHIN = 60.0
"""Seconds for what should come soon, however slow the machine is."""

PROGRAM = str(Path(sys.executable).parent / "edge-agent")

CONFIG = """\
agent: {{id: gw-1, site: market-hall, position: [10.7769, 106.7009]}}
data_dir: {directory}
clock: {{source: trusted}}
vitals: {{interval: 1s}}
status: {{interval: 200ms}}
buses:
  - {{id: cabinet, transport: modbus-tcp, host: 127.0.0.1, port: {modbus}}}
devices:
  - {{id: meter-1, bus: cabinet, profile: eastron-sdm120, interval: 200ms, label: Incoming}}
uplink: {{host: 127.0.0.1, port: {broker}}}
outbox: {{linger: 100ms}}
"""


@dataclass
class Site:
    """What an agent needs around it; its broker does not run yet."""

    directory: Path
    modbus: ModbusServer
    broker: Mosquitto

    @property
    def config(self) -> Path:
        """The configuration."""
        return self.directory / "agent.yaml"

    @property
    def log(self) -> str:
        """What the agents have said."""
        return (self.directory / "agent.log").read_text()

    def samples_kept(self) -> int:
        """Samples in the outbox."""
        with contextlib.closing(sqlite3.connect(self.directory / "outbox.db")) as db:
            return int(db.execute("SELECT coalesce(sum(samples), 0) FROM batches").fetchone()[0])

    def start(self, env: dict[str, str] | None = None) -> subprocess.Popen[bytes]:
        """An agent."""
        with (self.directory / "agent.log").open("ab") as log:
            return subprocess.Popen(
                [PROGRAM, "run", "-c", str(self.config)],
                stdout=log,
                stderr=log,
                env=os.environ | (env or {}),
            )

    @contextlib.contextmanager
    def agent(self, env: dict[str, str] | None = None) -> Iterator[subprocess.Popen[bytes]]:
        """An agent that is killed afterwards, if it still runs."""
        process = self.start(env)
        try:
            yield process
        finally:
            process.kill()
            process.wait()


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    modbus = ModbusServer("127.0.0.1", free_port(), no_block=True)
    modbus.start()
    (tmp_path / "broker").mkdir()
    broker = Mosquitto(tmp_path / "broker")
    text = CONFIG.format(directory=tmp_path, modbus=modbus.port, broker=broker.port)
    (tmp_path / "agent.yaml").write_text(text)
    yield Site(tmp_path, modbus, broker)
    modbus.stop()
    broker.stop()


def eventually(true: Callable[[], bool], process: subprocess.Popen[bytes], site: Site) -> None:
    """Until that is so, while the process runs."""
    deadline = time.monotonic() + WITHIN
    while time.monotonic() < deadline:
        with contextlib.suppress(sqlite3.OperationalError, OSError, ValueError):
            if true():
                return
        assert process.poll() is None, site.log
        time.sleep(0.05)
    pytest.fail(f"it did not come about:\n{site.log}")


async def test_what_devices_say_reaches_the_collector_with_all_that_explains_it(site: Site) -> None:
    site.modbus.data_bank.set_input_registers(0, [0x4366, 0x0000])
    site.broker.start()

    with site.agent():
        async with receiver(site.broker.port) as heard:
            await heard.until(lambda: any(s.device == "meter-1" for s in heard.samples))
            await heard.until(lambda: any(s.device == "meter-1-health" for s in heard.samples))
            await heard.until(lambda: "ct/v1/gw-1/up/about" in heard.words)

    sample = next(s for s in heard.samples if s.device == "meter-1" and "voltage" in s.values)
    assert sample.values["voltage"] == 230.0
    assert any(s.device == "gateway" for s in heard.samples)
    about = unpack_about(heard.words["ct/v1/gw-1/up/about"])
    assert about.site == "market-hall"
    assert about.position == (10.7769, 106.7009)
    assert about.devices["meter-1"].label == "Incoming"
    assert about.models["eastron-sdm120"].channels["voltage"].unit == "V"
    assert {entry.profile for entry in about.devices.values()} == set(about.models)


async def test_an_agent_that_starts_without_its_broker_polls_and_keeps(site: Site) -> None:
    with site.agent() as process:
        eventually(lambda: site.samples_kept() >= 10, process, site)
        kept = site.samples_kept()

        site.broker.start()
        async with receiver(site.broker.port) as heard:
            await heard.until_samples(kept)
            # in a thread: the receiver answers on this loop
            await asyncio.to_thread(eventually, lambda: site.samples_kept() < 10, process, site)


async def test_after_an_outage_what_has_not_changed_is_said_again_on_the_live_lane(
    site: Site,
) -> None:
    text = site.config.read_text()
    quiet = text.replace("interval: 200ms,", "interval: 200ms, report: changes, heartbeat: 1h,")
    site.config.write_text(quiet.replace("uplink: {", "uplink: {live_window: 1s, "))

    with site.agent() as process:
        eventually(lambda: site.samples_kept() >= 20, process, site)
        site.broker.start()
        async with receiver(site.broker.port) as heard:
            await heard.until(lambda: "voltage" in said_live(heard))


def said_live(heard: Receiver) -> set[str]:
    """The channels of the meter that came on the live lane."""
    live = (unpack(payload) for topic, payload in heard.envelopes if topic.lane is Lane.LIVE)
    samples = [s for envelope in live for s in envelope.samples if s.device == "meter-1"]
    return {name for sample in samples for name in sample.values}


async def test_a_device_that_is_not_there_is_flagged_and_nothing_else_stops(site: Site) -> None:
    site.modbus.stop()
    site.broker.start()

    with site.agent():
        async with receiver(site.broker.port) as heard:
            await heard.until(lambda: any(s.device == "meter-1" for s in heard.samples))
            await heard.until(lambda: any(s.device == "gateway" for s in heard.samples))

    sample = next(s for s in heard.samples if s.device == "meter-1")
    assert sample.values == {}
    assert set(sample.flags.values()) == {BUS_DOWN}
    assert site.log.count("is down") == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_cleanly_with_everything_kept(site: Site, number: signal.Signals) -> None:
    with site.agent() as process:
        eventually(lambda: site.samples_kept() > 0, process, site)

        process.send_signal(number)
        code = process.wait(WITHIN)

    assert code == 0, site.log
    assert "agent gw-1: stopped" in site.log
    assert "Traceback" not in site.log


def test_after_kill_9_it_goes_on_with_what_was_kept(site: Site) -> None:
    with site.agent() as process:
        eventually(lambda: site.samples_kept() >= 5, process, site)
        process.kill()
        process.wait()
    kept = site.samples_kept()

    with site.agent() as process:
        eventually(lambda: site.samples_kept() > kept, process, site)


def test_two_agents_never_send_from_one_outbox(site: Site) -> None:
    with site.agent() as first:
        eventually(lambda: site.samples_kept() > 0, first, site)
        with site.agent() as second:
            code = second.wait(WITHIN)

    assert code == 1
    assert "Traceback" not in site.log


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("cabinet, profile", "nowhere, profile"), "there is no bus 'nowhere'"),
        (("data_dir: /", "data_dir: /nowhere/"), "does not exist"),
        (("agent: {id: gw-1", "agent: {id: GW"), "agent.id"),
    ],
)
def test_a_wrong_configuration_ends_it_with_2_and_says_what(
    site: Site, change: tuple[str, str], message: str
) -> None:
    site.config.write_text(site.config.read_text().replace(*change))

    with site.agent() as process:
        code = process.wait(WITHIN)

    assert code == 2
    assert message in site.log
    assert "Traceback" not in site.log


BUG = """
import dataclasses, sys
from pathlib import Path
from edge_agent import __main__
from edge_agent.app import Agent
from edge_agent.site.site import load
loaded = load(Path(sys.argv[1]))
broken = dataclasses.replace(loaded.devices[0], response="soon")
sys.exit(__main__._run(Agent(dataclasses.replace(loaded, devices=(broken,)))))
"""


def test_a_bug_in_one_part_ends_the_process_with_1(site: Site) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", BUG, str(site.config)],
        check=False,
        capture_output=True,
        text=True,
        timeout=WITHIN,
    )

    assert ended.returncode == 1
    assert "stopped by a bug" in ended.stderr
    assert "TypeError" in ended.stderr


def test_its_supervisor_hears_that_it_is_ready_alive_and_stopping(site: Site) -> None:
    path = site.directory / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as supervisor:
        supervisor.bind(str(path))
        supervisor.settimeout(WITHIN)
        env = {"NOTIFY_SOCKET": str(path), "WATCHDOG_USEC": "200000"}
        with site.agent(env) as process:
            heard = {supervisor.recv(64)}
            while heard < {b"READY=1", b"WATCHDOG=1"}:
                heard.add(supervisor.recv(64))
            process.terminate()
            while b"STOPPING=1" not in heard:
                heard.add(supervisor.recv(64))

    assert heard == {b"READY=1", b"WATCHDOG=1", b"STOPPING=1"}


def test_its_state_is_a_file_for_scripts(site: Site) -> None:
    status = site.directory / "status.json"
    with site.agent() as process:
        eventually(lambda: json.loads(status.read_text())["devices"] != [], process, site)
        document = json.loads(status.read_text())

    assert document["agent"] == "gw-1"
    assert document["pid"] == process.pid
    assert document["buses"][0]["id"] == "cabinet"
    assert document["devices"][0]["id"] == "meter-1"
    assert status.stat().st_mode & 0o777 == 0o640


async def test_its_state_tells_each_devices_last_samples_and_which_are_stored(site: Site) -> None:
    site.modbus.data_bank.set_input_registers(0, [0x4366, 0x0000])
    site.broker.start()

    def device() -> dict[str, Any]:
        document = json.loads((site.directory / "status.json").read_text())
        return dict(document["devices"][0])

    with site.agent() as process:
        await asyncio.to_thread(eventually, lambda: device()["samples"] != [], process, site)
        said = device()
        async with receiver(site.broker.port):
            await asyncio.to_thread(
                eventually, lambda: device()["stored"] is not None, process, site
            )
            stored = device()["stored"]

    assert said["stored"] is None
    assert said["samples"][-1]["values"]["voltage"] == 230.0
    assert stored[0] <= said["samples"][-1]["at"]


async def test_a_broker_that_goes_and_comes_back_costs_nothing(site: Site) -> None:
    site.broker.start()
    with site.agent() as process:
        async with receiver(site.broker.port) as heard:
            await heard.until_samples(5)
        site.broker.kill()
        eventually(lambda: site.samples_kept() >= 10, process, site)
        kept = site.samples_kept()

        site.broker.start()
        async with receiver(site.broker.port, boot="b2") as heard:
            await heard.until_samples(kept)

    assert "Traceback" not in site.log
