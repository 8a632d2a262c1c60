"""Promise: `edge-agent test` says of each channel whether it arrives, through the real parts.

A collector with its broker and store, simulated devices, and the agent, as processes.
"""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING, Any

import pytest

from parts.collector import collector
from parts.site import agent, simulated_street

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from parts.collector import CollectorProcess
    from parts.site import AgentProcess, Street

pytestmark = pytest.mark.system


@contextlib.contextmanager
def gateway(
    directory: Path, street: Street, centre: CollectorProcess | None, **config: object
) -> Iterator[AgentProcess]:
    """An agent that does not run yet, with the devices of the street."""
    home = directory / "agent"
    home.mkdir()
    parts: dict[str, Any] = {"buses": street.buses, "devices": street.devices} | config
    with agent(home, parts) as made:
        if centre is not None:
            made.enrol(centre)
        yield made


@pytest.fixture
def centre(tmp_path: Path) -> Iterator[CollectorProcess]:
    home = tmp_path / "centre"
    home.mkdir()
    with collector(home) as running:
        yield running


def asking(centre: CollectorProcess) -> tuple[str, ...]:
    """The options that have the values read back."""
    token = centre.data_dir / "local.token"
    return ("--collector", centre.url, "--token-file", str(token))


def test_a_site_at_work_is_accepted_with_its_values_read_back(
    tmp_path: Path, centre: CollectorProcess
) -> None:
    sheet = tmp_path / "sheet.json"
    with simulated_street(tmp_path) as street, gateway(tmp_path, street, centre) as site:
        site.start()
        done = site.ask(
            *("test", "--device", "water-1", "--device", "signal-1", *asking(centre)),
            *("--expect", "water-1.flow=100+-1", "--technician", "An", "--sheet", str(sheet)),
        )
        assert site.stop() == 0

    assert done.returncode == 0, done.stdout + done.stderr
    document = json.loads(sheet.read_text())
    assert document["accepted"] is True
    assert [device["id"] for device in document["devices"]] == ["water-1", "signal-1"]
    flow = document["devices"][0]["points"][0]
    assert (flow["value"], flow["read_back"]) == (pytest.approx(100.59), pytest.approx(100.59))
    assert max(len(line) for line in done.stdout.splitlines()) <= 80


def test_without_a_running_agent_one_is_started_for_the_test(
    tmp_path: Path, centre: CollectorProcess
) -> None:
    with simulated_street(tmp_path) as street, gateway(tmp_path, street, centre) as site:
        done = site.ask("test", "--device", "water-1")
        after = site.ask("status")

    assert done.returncode == 0, done.stdout + done.stderr
    assert "ACCEPTED: 3 of 3 channels proven" in done.stdout
    assert "NOT running" in after.stdout


def test_a_dead_device_and_a_wrong_value_are_told_apart(
    tmp_path: Path, centre: CollectorProcess
) -> None:
    faults = {"water-1": {"silent": [{"for": "1h"}]}}
    with simulated_street(tmp_path, faults) as street, gateway(tmp_path, street, centre) as site:
        done = site.ask(
            "test", "--expect", "meter-1.voltage=220+-5", "--json", "--waive", "meter-1.frequency=x"
        )

    assert done.returncode == 1
    devices = json.loads(done.stdout)["devices"]
    found = {(d["id"], p["channel"]): p["finding"] for d in devices for p in d["points"]}
    assert found["water-1", "flow"] == "no_reply"
    assert found["meter-1", "voltage"] == "off"
    assert found["meter-1", "frequency"] == "waived"
    assert found["signal-1", "mode"] == "good"


def test_what_no_collector_receipts_is_not_proven(tmp_path: Path) -> None:
    with (
        simulated_street(tmp_path) as street,
        gateway(tmp_path, street, None, uplink={"port": 1}) as site,
    ):
        done = site.ask("test", "--device", "water-1", "--within", "3s", "--lang", "vi")

    assert done.returncode == 1
    assert "chưa có biên nhận" in done.stdout
    assert "KHÔNG ĐẠT: 0/3" in done.stdout


def test_an_agent_with_another_configuration_is_not_taken_for_this_one(tmp_path: Path) -> None:
    with (
        simulated_street(tmp_path) as street,
        gateway(tmp_path, street, None, uplink={"port": 1}) as site,
    ):
        site.start()
        site.change(vitals={"interval": "2s"})
        site.until((site.directory / "status.json").exists, "a status")
        done = site.ask("test")

    assert done.returncode == 1
    assert "restart it first" in done.stderr


def test_an_agent_that_cannot_start_says_why(tmp_path: Path) -> None:
    with (
        simulated_street(tmp_path) as street,
        gateway(tmp_path, street, None, data_dir=str(tmp_path / "none")) as site,
    ):
        done = site.ask("test")

    assert done.returncode != 0
    assert f"directory {tmp_path / 'none'} does not exist" in done.stderr


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--device", "meter-9"), "there is no device 'meter-9'"),
        (("--expect", "meter-1.voltage"), "should be such as meter-1.voltage=230+-2"),
        (("--expect", "meter-1.colour=1"), "meter-1 has no such channel; it has voltage"),
        (("--waive", "meter-1.voltage"), "should be such as 'meter-1.voltage_l2=single phase'"),
        (("--sheet", "sheet.pdf"), "should end with .txt, .csv, .html, .json"),
        (("--within", "5"), "should be such as 90s"),
        (("--collector", "http://127.0.0.1:1"), "--collector needs --token-file"),
    ],
)
def test_what_makes_no_sense_is_refused_before_anything_starts(
    tmp_path: Path, words: tuple[str, ...], says: str
) -> None:
    device = {"id": "meter-1", "bus": "b", "profile": "eastron-sdm120"}
    bus = {"id": "b", "transport": "modbus-tcp", "host": "127.0.0.1"}
    with agent(tmp_path, {"buses": [bus], "devices": [device]}) as site:
        done = site.ask("test", *words)

    assert done.returncode == 2
    assert says in done.stderr
