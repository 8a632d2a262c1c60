"""Every command says what is so, exits as documented, and never ends in a traceback."""

from __future__ import annotations

import json
import os
import socket
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from pyModbusTCP.server import ModbusServer  # type: ignore[import-untyped]
from typer.testing import CliRunner

from edge_agent.cli import app
from edge_agent.delivery.outbox_file import OutboxFile
from edge_agent.vitals import status
from parts.processes import free_port
from parts.rtu_slave import rtu_slave

if TYPE_CHECKING:
    from collections.abc import Iterator

    from typer.testing import Result

CONFIG = """\
agent: {{id: gw-1}}
data_dir: {directory}
buses:
  - {{id: cabinet, transport: modbus-tcp, host: 127.0.0.1, port: {modbus}}}
  - {{id: rs485, transport: modbus-rtu, port: {directory}/ttyUSB0, baud: 9600}}
devices:
  - {{id: meter-1, bus: cabinet, profile: eastron-sdm120}}
  - {{id: meter-2, bus: rs485, unit: 2, profile: xy-md02, interval: 10s}}
uplink: {{host: 127.0.0.1, port: {broker}}}
"""


def edge_agent(*words: object) -> Result:
    result = CliRunner().invoke(app, [str(word) for word in words])
    if result.exception is not None:
        assert isinstance(result.exception, SystemExit), result.exception
    return result


@pytest.fixture
def modbus() -> Iterator[ModbusServer]:
    server = ModbusServer("127.0.0.1", free_port(), no_block=True)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def broker() -> Iterator[int]:
    """A port that accepts connections, which is all that `check` asks of a broker."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield int(listening.getsockname()[1])


@pytest.fixture
def config(tmp_path: Path, modbus: ModbusServer, broker: int) -> Path:
    path = tmp_path / "agent.yaml"
    path.write_text(CONFIG.format(directory=tmp_path, modbus=modbus.port, broker=broker))
    return path


@pytest.fixture
def line(tmp_path: Path) -> Iterator[None]:
    with rtu_slave(tmp_path / "ttyUSB0", {2: {1: 250, 2: 600}}):
        yield


@pytest.mark.parametrize(
    "command",
    ["init", "check", "plan", "read", "run", "status", "outbox"],
)
def test_help_teaches_by_example(command: str) -> None:
    shown = edge_agent(command, "--help")

    assert shown.exit_code == 0
    assert f"  edge-agent {command}" in shown.output


def test_help_tells_the_exit_codes() -> None:
    assert (
        "2  the command line, the configuration or a profile is wrong"
        in edge_agent("--help").output
    )


@pytest.mark.parametrize("command", ["check", "plan", "status", "outbox"])
def test_a_missing_configuration_is_said_plainly(command: str, tmp_path: Path) -> None:
    shown = edge_agent(command, "-c", tmp_path / "none.yaml")

    assert shown.exit_code == 2
    assert "No such file" in shown.output


def test_a_wrong_configuration_is_said_line_by_line(config: Path) -> None:
    config.write_text(config.read_text().replace("unit: 2", "unit: 300"))

    shown = edge_agent("check", "-c", config)

    assert shown.exit_code == 2
    assert f"{config}:8: devices[1].unit — should be at most 247" in shown.output


# plan


def test_plan_shows_requests_and_the_bus_time_they_take(config: Path) -> None:
    shown = edge_agent("plan", "-c", config)

    assert shown.exit_code == 0
    assert f"bus rs485: {config.parent}/ttyUSB0 9600 8N1" in " ".join(shown.output.split())
    buses = json.loads(edge_agent("plan", "-c", config, "--json").output)["buses"]
    rounds = buses[1]["rounds"]
    assert {each["device"] for each in rounds} == {"meter-2"}
    for each in rounds:
        assert sum(len(request["channels"]) for request in each["requests"]) == each["channels"]
    share = 100 * sum(each["seconds"] / each["interval"] for each in rounds)
    assert buses[1]["share"] == pytest.approx(share, abs=0.1)


def test_plan_refuses_what_a_bus_has_no_time_for_and_says_what_to_change(config: Path) -> None:
    config.write_text(config.read_text().replace("interval: 10s", "interval: 100ms"))

    shown = edge_agent("plan", "-c", config)
    document = json.loads(edge_agent("plan", "-c", config, "--json").output)

    assert shown.exit_code == 1
    assert "! bus rs485: asked for 125 % of its time, which it does not have." in shown.output
    assert "! Read 1.6 times less often (interval); meter-2 alone takes 125 %." in shown.output
    assert document["buses"][1]["fit"] == "too much"


def test_plan_warns_of_a_crowded_bus(config: Path) -> None:
    config.write_text(config.read_text().replace("interval: 10s", "interval: 140ms"))

    shown = edge_agent("plan", "-c", config)

    assert shown.exit_code == 0
    assert "warn: bus rs485: 89.3 % busy" in shown.output


def test_plan_shows_what_is_read_once_and_what_is_read_together(config: Path) -> None:
    config.write_text(config.read_text().replace("eastron-sdm120", "schneider-pm5100"))

    meter = json.loads(edge_agent("plan", "-c", config, "--json").output)["buses"][0]

    assert [each["interval"] for each in meter["rounds"]] == [5.0, 60.0, None]
    assert meter["shortest_interval"] == 5.0
    assert meter["worst_seconds"] == pytest.approx(sum(r["seconds"] for r in meter["rounds"]))


@pytest.mark.parametrize("lang", ["en", "vi"])
def test_plan_fits_eighty_columns_in_either_language(config: Path, lang: str) -> None:
    text = config.read_text().replace("interval: 10s", "interval: 100ms")
    config.write_text(text.replace("meter-2", "meter-of-the-long-northern-road-2"))

    shown = edge_agent("plan", "-c", config, "--lang", lang)

    places = [line for line in shown.output.splitlines() if str(config.parent) not in line]
    assert max(map(len, places)) <= 80


# read


def test_read_shows_values_with_their_units(config: Path, modbus: ModbusServer) -> None:
    modbus.data_bank.set_input_registers(0, [0x4366, 0x199A])

    shown = edge_agent("read", "meter-1", "-c", config)

    assert shown.exit_code == 0, shown.output
    assert "voltage" in shown.output
    assert "230.1" in shown.output


@pytest.mark.usefixtures("line")
def test_read_has_json_for_scripts(config: Path) -> None:
    document = json.loads(edge_agent("read", "meter-2", "-c", config, "--json").output)

    assert document["channels"]["temperature"] == {"value": 25.0, "unit": "Cel", "flag": None}


def test_read_fails_when_the_bus_is_down(config: Path) -> None:
    shown = edge_agent("read", "meter-2", "-c", config)

    assert shown.exit_code == 1
    assert "is down: " in shown.output


def test_read_fails_when_the_device_does_not_answer(config: Path, tmp_path: Path) -> None:
    with rtu_slave(tmp_path / "ttyUSB0", {}):
        shown = edge_agent("read", "meter-2", "-c", config)

    assert shown.exit_code == 1
    assert "missing:no_reply" in shown.output


def test_read_knows_the_devices(config: Path) -> None:
    shown = edge_agent("read", "meter-9", "-c", config)

    assert shown.exit_code == 2
    assert "there is no device 'meter-9'; known are meter-1, meter-2" in shown.output


# status and outbox


def state(**changes: object) -> dict[str, object]:
    bus = {"id": "cabinet", "place": "x", "state": "up", "down_for": None, "late_replies": 0}
    counters = dict.fromkeys(("requests", "replies", "timeouts", "bad_replies", "skipped"), 1)
    device = {"id": "meter-1", "bus": "cabinet", "state": "answering", "last_reply_age": 0.5}
    delivery = {"connected": True, "batches": 0, "delivered": 7, "refused": 0, "dropped": 0}
    return {
        "agent": "gw-1",
        "version": "1",
        "pid": os.getpid(),
        "at": time.time(),
        "clock": "synced",
        "samples_read": 9,
        "delivery": delivery,
        "buses": [bus],
        "devices": [device | counters | {"exceptions": {"2": 3}}],
    } | changes


def test_status_shows_a_running_agent(config: Path) -> None:
    status.write(config.parent, state())

    shown = edge_agent("status", "-c", config)

    assert shown.exit_code == 0, shown.output
    assert "agent gw-1 1: running" in shown.output
    assert "2: 3" in shown.output


def test_status_takes_a_bus_that_nobody_asked_yet_for_no_fault(config: Path) -> None:
    bus = {"id": "b", "place": "x", "state": "idle", "down_for": None, "late_replies": 0}
    status.write(config.parent, state(buses=[bus]))

    assert edge_agent("status", "-c", config).exit_code == 0


@pytest.mark.parametrize(
    "changes",
    [
        {"at": time.time() - 3600},
        {"pid": None},
        {"buses": [{"id": "b", "place": "x", "state": "down", "late_replies": 0}]},
    ],
)
def test_status_fails_when_something_does_not_work(
    config: Path, changes: dict[str, object]
) -> None:
    status.write(config.parent, state(**changes))

    assert edge_agent("status", "-c", config).exit_code == 1
    assert edge_agent("status", "-c", config, "--json").exit_code == 1


@pytest.mark.parametrize("damage", ["", "[]", "{", "\x00"])
def test_status_says_when_there_is_none(config: Path, damage: str) -> None:
    (config.parent / status.FILE).write_text(damage)

    shown = edge_agent("status", "-c", config)

    assert shown.exit_code == 1
    assert "is damaged" in shown.output


def test_outbox_shows_what_waits_and_for_how_long_there_is_room(config: Path) -> None:
    OutboxFile(
        config.parent / "outbox.db", machine="m", max_size=2_000_000_000, quarantine=1_000_000
    )

    shown = edge_agent("outbox", "-c", config)
    document = json.loads(edge_agent("outbox", "-c", config, "--json").output)

    assert shown.exit_code == 0, shown.output
    assert (document["batches"], document["oldest_at"]) == (0, None)
    assert document["days_left"] > 60


def test_outbox_says_when_there_is_none(config: Path) -> None:
    shown = edge_agent("outbox", "-c", config)

    assert shown.exit_code == 1
    assert "has the agent run" in shown.output


# run


def test_run_looks_for_the_configuration_here_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    shown = edge_agent("run")

    assert shown.exit_code == 2
    assert "there is no agent.yaml" in shown.output
    assert Path.cwd() == Path(os.path.realpath(tmp_path))
