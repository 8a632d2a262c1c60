"""Promise: `site.yml` installs both sides on a fresh Debian, and a second run changes nothing.

A system is booted with its own systemd, the playbook runs over SSH, and a simulated device's value
arrives in the store; all with the wheelhouses that operators build.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from parts.machine import Machine, machine, require_machines
from parts.processes import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.system, pytest.mark.timeout(600)]

PROGRAMS = Path(sys.executable).parent
COLLECTOR = (
    "runuser -u ct-collector -- /opt/city-telemetry/collector/current/bin/collector {} "
    "--config /etc/city-telemetry/collector.yaml"
)
ARRIVES_WITHIN = 60.0


@pytest.fixture
def simulated_meter(tmp_path: Path) -> Iterator[int]:
    """The port of a simulated meter that says 229.4 V on its first phase."""
    port = free_port()
    device = {
        "id": "meter-1",
        "unit": 1,
        "profile": "eastron-sdm630",
        "channels": {"voltage_l1": 229.4},
    }
    bus = {"id": "b", "kind": "tcp", "port": port, "devices": [device]}
    scenario = tmp_path / "scenario.yaml"
    scenario.write_text(yaml.safe_dump({"schema": "simulation/1", "speed": 1, "buses": [bus]}))
    with subprocess.Popen(
        [PROGRAMS / "edge-agent", "simulate", scenario], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("bus b:")
        yield port
        process.terminate()


@pytest.fixture
def debian(tmp_path: Path) -> Iterator[Machine]:
    """A fresh system."""
    require_machines()
    for component in ("agent", "collector"):
        subprocess.run(["ansible/build-wheelhouse", component], check=True, capture_output=True)
    with machine(tmp_path) as booted:
        yield booted


def inventory(booted: Machine, modbus: int) -> dict[str, Any]:
    """One system that is both the centre and a gateway, on ports of its own."""
    mqtt, api = free_port(), free_port()
    host = {
        "ansible_host": "127.0.0.1",
        "ansible_port": booted.port,
        "ansible_user": "root",
        "ansible_ssh_private_key_file": str(booted.key),
        "ansible_ssh_common_args": "-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null",
    }
    collector = {
        "collector": {"id": "centre"},
        "data_dir": "/var/lib/city-telemetry/collector",
        "broker": {"embedded": {"listen": f"127.0.0.1:{mqtt}"}},
        "store": {"kind": "sqlite"},
        "api": {"listen": f"127.0.0.1:{api}"},
    }
    rule = {
        "id": "voltage-low",
        "title": "Voltage low",
        "watch": {"channel": "voltage_l1"},
        "when": {"below": 230},
        "priority": "low",
        "action": "Look at the transformer.",
    }
    agent = {
        "agent": {"id": "gw-test"},
        "data_dir": "/var/lib/city-telemetry/agent",
        "uplink": {
            "host": "127.0.0.1",
            "port": mqtt,
            "username": "gw-test",
            "password_file": "uplink-password",
        },
        "buses": [{"id": "b", "transport": "modbus-tcp", "host": "127.0.0.1", "port": modbus}],
        "devices": [
            {"id": "meter-1", "bus": "b", "unit": 1, "profile": "eastron-sdm630", "interval": "1s"}
        ],
    }
    centre = {**host, "collector_config": collector, "collector_rules": [rule]}
    gateway = {**host, "edge_agent_id": "gw-test", "edge_agent_config": agent}
    return {
        "collectors": {"hosts": {"centre": centre}},
        "gateways": {"hosts": {"gw-test": gateway}},
    }


def play(hosts: Path, tmp_path: Path) -> str:
    """What a run of site.yml says; the test fails if it does."""
    done = subprocess.run(
        [PROGRAMS / "ansible-playbook", "-i", hosts, "site.yml"],
        cwd="ansible",
        env={**os.environ, "ANSIBLE_HOME": str(tmp_path / "ansible"), "ANSIBLE_NOCOLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    return done.stdout


def changes(report: str) -> dict[str, int]:
    """How many tasks changed something, by host, as the recap tells."""
    recap = re.findall(r"^(\S+)\s+: ok=\d+\s+changed=(\d+)", report, re.MULTILINE)
    return {host: int(count) for host, count in recap}


def test_a_site_is_installed_twice_and_a_value_arrives(
    debian: Machine, simulated_meter: int, tmp_path: Path
) -> None:
    hosts = tmp_path / "hosts.yml"
    hosts.write_text(yaml.safe_dump(inventory(debian, simulated_meter)))

    first = changes(play(hosts, tmp_path))
    again = play(hosts, tmp_path)

    assert all(first.values())
    assert changes(again) == {"centre": 0, "gw-test": 0}, again
    assert stored_voltage(debian) == 229.4
    units = "/etc/systemd/system/city-telemetry-*.service"
    assert debian.ssh(f"systemd-analyze verify {units} 2>&1") == ""
    assert debian.ssh("systemctl --failed --no-legend") == ""
    for unit in ("agent", "collector"):
        state = debian.ssh(f"systemctl show -P ActiveState -P NRestarts city-telemetry-{unit}")
        assert sorted(state.split()) == ["0", "active"]
    assert not leaked_passwords(debian)


def stored_voltage(debian: Machine) -> float:
    """The meter's voltage as the store has it, once it is there."""
    query = COLLECTOR.format("query gw-test meter-1 voltage_l1 --json")
    deadline = time.monotonic() + ARRIVES_WITHIN
    while time.monotonic() < deadline:
        answer = debian.ssh(query, check=False)
        points = [p for series in json.loads(answer or "[]") for p in series["points"]]
        if points:
            return float(points[-1]["value"])
        time.sleep(0.5)
    journal = debian.ssh("journalctl --no-pager -n 60 -u 'city-telemetry-*'", check=False)
    pytest.fail(f"no value arrived:\n{journal}")


def leaked_passwords(debian: Machine) -> str:
    """Files below /etc and /var/lib/city-telemetry that hold secrets and that others may read."""
    return debian.ssh(
        "find /etc/city-telemetry /var/lib/city-telemetry -type f -perm /007 "
        "| grep -E 'password|credential|token|enroll' || true"
    )
