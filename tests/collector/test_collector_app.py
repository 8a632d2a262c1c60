"""The collector is one process: it starts whole, stops whole, and comes back from anything."""

from __future__ import annotations

import os
import signal
import socket
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from parts.certificates import certificate, make_authority
from parts.collector import CollectorProcess, collector, receipts
from parts.mqtt import HEARD_WITHIN, ClientTls, MqttClient, mqtt_client
from telemetry import envelope, settings
from telemetry.enrolment import Enrolment
from telemetry.envelope import Clock, Device, Envelope
from telemetry.sample import Sample

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.system

STREAM = "00000000000000aa"
METER = Device("meter-1", "eastron-sdm630", 1, "electricity_meter")


@pytest.fixture
def running(tmp_path: Path) -> Iterator[CollectorProcess]:
    with collector(tmp_path) as started:
        yield started


def send(agent: MqttClient, seq: int) -> int:
    """Publish one sample of now as envelope `seq`; its time."""
    at = time.time_ns() // 1_000_000
    sample = Sample("meter-1", at, {"voltage_l1": 230.0 + seq})
    payload = envelope.pack(Envelope(Clock.SYNCED, (METER,), (sample,)))
    agent.publish(f"ct/v1/gw-1/up/live/{STREAM}/{seq}", payload)
    return at


def wait_for_receipt(agent: MqttClient, seq: int) -> None:
    deadline = time.monotonic() + HEARD_WITHIN
    while (seq, "stored") not in receipts(agent.heard):
        assert time.monotonic() < deadline, f"no receipt for {seq}; heard {agent.heard}"
        time.sleep(0.02)


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_an_enrolled_agents_sample_is_stored_receipted_and_told(running: CollectorProcess) -> None:
    password = running.enrol("gw-1")
    with mqtt_client(running.mqtt_port, "gw-1", password) as agent:
        agent.subscribe("ct/v1/gw-1/down/receipts")

        send(agent, 1)
        wait_for_receipt(agent, 1)

    latest = running.get("/v1/latest")
    assert [(e["agent"], e["device"], e["values"]) for e in latest] == [
        ("gw-1", "meter-1", {"voltage_l1": 231.0})
    ]
    assert running.get("/v1/catalogue")[0]["channels"] == ["voltage_l1"]


def test_when_its_broker_is_killed_it_goes_on_with_a_new_one(running: CollectorProcess) -> None:
    password = running.enrol("gw-1")
    old = running.broker_pid
    with mqtt_client(running.mqtt_port, "gw-1", password) as agent:
        os.kill(old, signal.SIGKILL)
        running.until(lambda: running.broker_pid != old, "new broker")
        agent.wait_for_connection(2)
        running.until(lambda: running.health() == 200, "connection to it")
        agent.subscribe("ct/v1/gw-1/down/receipts")

        send(agent, 1)

        wait_for_receipt(agent, 1)


def test_after_kill_9_it_starts_again_on_its_ports_with_its_data(
    running: CollectorProcess,
) -> None:
    password = running.enrol("gw-1")
    with mqtt_client(running.mqtt_port, "gw-1", password) as agent:
        agent.subscribe("ct/v1/gw-1/down/receipts")
        send(agent, 1)
        wait_for_receipt(agent, 1)
    broker = running.broker_pid

    running.kill()
    running.start()

    assert running.broker_pid != broker
    assert not is_alive(broker)
    assert running.get("/v1/catalogue")[0]["device"] == "meter-1"


def test_a_killed_collector_leaves_no_broker_behind(running: CollectorProcess) -> None:
    broker = running.broker_pid
    assert is_alive(broker)

    running.kill()

    deadline = time.monotonic() + HEARD_WITHIN
    while is_alive(broker):
        assert time.monotonic() < deadline, "the broker lives"
        time.sleep(0.02)


def test_sigterm_ends_it_cleanly_with_its_broker_and_its_streams(
    running: CollectorProcess,
) -> None:
    broker = running.broker_pid

    code = running.stop()

    assert code == 0
    assert not is_alive(broker)
    assert "stopped" in running.log()
    assert "Traceback" not in running.log()
    assert "ERROR" not in running.log()


def test_a_second_collector_on_the_same_data_is_refused(running: CollectorProcess) -> None:
    broker = running.broker_pid

    second = running.ask("run")

    assert second.returncode == 1
    assert "another collector runs" in second.stderr
    assert "Traceback" not in second.stderr
    assert is_alive(broker)


def test_a_broker_port_in_use_is_told_in_one_line(tmp_path: Path) -> None:
    made = CollectorProcess(tmp_path)
    with socket.create_server(("127.0.0.1", made.mqtt_port)):
        done = made.ask("run")

    assert done.returncode == 1
    assert "address already in use" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_api_port_in_use_is_told_in_one_line(tmp_path: Path) -> None:
    made = CollectorProcess(tmp_path)
    with socket.create_server(("127.0.0.1", made.api_port)):
        done = made.ask("run")

    assert done.returncode == 1
    assert f"api.listen 127.0.0.1:{made.api_port}: Address already in use" in done.stderr
    assert "Traceback" not in done.stderr


def test_with_tls_an_enrolled_agent_checks_the_broker_and_is_heard(tmp_path: Path) -> None:
    make_authority(tmp_path)
    made, key = certificate(tmp_path, "localhost")
    tls = {"certificate": str(made), "key": str(key), "ca": str(tmp_path / "ca.crt")}
    running = CollectorProcess(tmp_path, tls=tls)
    running.start()
    password = running.enrol("gw-1")
    bundle = settings.load(tmp_path / "gw-1.enroll.yaml", Enrolment)

    assert bundle.host == "localhost"
    assert bundle.ca == (tmp_path / "ca.crt").read_text()
    with mqtt_client(
        running.mqtt_port, "gw-1", password, tls=ClientTls(tmp_path / "ca.crt")
    ) as agent:
        agent.subscribe("ct/v1/gw-1/down/receipts")
        send(agent, 1)
        wait_for_receipt(agent, 1)
    assert running.stop() == 0


def test_systemd_is_told_when_it_is_ready_alive_and_stopping(tmp_path: Path) -> None:
    made = CollectorProcess(tmp_path)
    address = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(address))
        systemd.settimeout(HEARD_WITHIN)

        made.start({"NOTIFY_SOCKET": str(address), "WATCHDOG_USEC": "200000"})
        told = {systemd.recv(4096).decode() for _ in range(3)}
        made.stop()
        while "STOPPING=1" not in told:
            told.add(systemd.recv(4096).decode())

    assert told == {"READY=1", "WATCHDOG=1", "STOPPING=1"}
