"""A scan finds every device of a bus, at whatever speed each speaks, and names it."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml
from pyModbusTCP.server import ModbusServer  # type: ignore[import-untyped]
from typer.testing import CliRunner

from device_profiles import loader
from device_profiles.model import ModbusProfile
from edge_agent.bus.failures import BusDown
from edge_agent.bus.settings import RtuBus, TcpBus
from edge_agent.cli import app
from edge_agent.cli.progress import Bar, drawn, spoken_time
from edge_agent.config import AgentConfig
from edge_agent.scan.proposal import configuration
from edge_agent.scan.scanner import Found, Garbled, Progress, scan
from edge_agent.scan.scope import Scope, plan
from edge_agent.scan.signature import signature
from edge_agent.scan.sweep import WAIT
from edge_agent.simulate.rtu import serve_rtu
from edge_agent.simulate.scenario import RtuBus as SimulatedBus
from edge_agent.simulate.stage import StagedUnits, load
from parts.processes import free_port
from parts.rtu_slave import corrupted, rtu_slave
from parts.simulated import running_clock
from telemetry import settings
from telemetry.language import Lang
from telemetry.layout import COLUMNS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from edge_agent.scan.scanner import Event

PROGRAM = str(Path(sys.executable).with_name("edge-agent"))

FIVE = """
schema: simulation/1
buses:
  - id: line
    kind: rtu
    link: {link}
    devices:
      - id: meter
        unit: 1
        baud: 9600
        profile: pzem-016
        channels: {{voltage: 229.4, current: 1.234, frequency: 50.0, power_factor: 0.98}}
      - id: climate
        unit: 2
        baud: 9600
        profile: xy-md02
        channels: {{temperature: 31.2, humidity: 74.5}}
      - id: weather
        unit: 10
        baud: 9600
        profile: seeed-sensecap-one
        channels: {{air_temperature: 31.4, air_humidity: 71.2, pressure: 100830.0}}
      - id: feeder
        unit: 5
        baud: 4800
        profile: eastron-sdm120
        channels: {{voltage: 231.2, power_factor: 0.95, frequency: 49.98}}
      - id: wind
        unit: 17
        baud: 4800
        profile: renke-fsxcs
        channels: {{wind_speed: 3.4, wind_sector: E}}
"""
NAMES = {
    (9600, 1): "pzem-016",
    (9600, 2): "xy-md02",
    (9600, 10): "seeed-sensecap-one",
    (4800, 5): "eastron-sdm120",
    (4800, 17): "renke-fsxcs",
}
TWO_SPEEDS = Scope(bauds=(9600, 4800), units=(1, 2, 3, 5, 10, 17))


def catalogue() -> list[ModbusProfile]:
    profiles = map(loader.load, loader.catalogue().values())
    return [profile for profile in profiles if isinstance(profile, ModbusProfile)]


def rtu(port: Path) -> RtuBus:
    return RtuBus(id="rs485", transport="modbus-rtu", port=port)


async def found_on(bus: RtuBus | TcpBus, scope: Scope, *models: str) -> list[Event]:
    """All that a scan tells, but for its progress; it knows these models, or all."""
    profiles = [each for each in catalogue() if not models or each.id in models]
    events = scan(bus, plan(bus, scope, profiles), [signature(each) for each in profiles])
    return [event async for event in events if not isinstance(event, Progress)]


def named(events: list[Event]) -> dict[tuple[int, int], str]:
    """By baud and unit, the best candidate."""
    return {
        (event.pace.baud, event.unit): event.candidates[0].profile.id
        for event in events
        if isinstance(event, Found) and event.pace is not None and event.candidates
    }


@contextlib.asynccontextmanager
async def simulated(directory: Path, text: str) -> AsyncIterator[Path]:
    """The devices of a scenario, by the port that they are on."""
    scenario = directory / "scenario.yaml"
    scenario.write_text(text.format(link=directory / "ttyUSB0"))
    (staged,) = load(scenario)
    assert isinstance(staged, StagedUnits)
    assert isinstance(staged.bus, SimulatedBus)
    async with serve_rtu(staged.bus, staged.units, running_clock()) as place:
        yield Path(place)


async def test_five_devices_at_two_speeds_are_found_named_and_written_down(
    tmp_path: Path,
) -> None:
    async with simulated(tmp_path, FIVE) as port:
        events = await found_on(rtu(port), TWO_SPEEDS)

    assert named(events) == NAMES
    assert len(events) == len(NAMES)
    text = configuration(rtu(port), [event for event in events if isinstance(event, Found)])
    config = settings.parse(f"agent: {{id: gw-1}}\n{text}", AgentConfig, "agent.yaml")
    assert [(d.unit, d.profile) for d in config.devices] == [
        (unit, name) for (baud, unit), name in NAMES.items() if baud == 9600
    ]
    assert [bus.place for bus in config.buses] == [f"{port} 9600 8N1"]
    assert text.count("# speaks at 4800 8N1: set it to the speed of the bus first") == 2


LATE = """
schema: simulation/1
buses:
  - id: line
    kind: rtu
    link: {link}
    devices:
      - id: climate
        unit: 3
        profile: xy-md02
        channels: {{temperature: 31.2, humidity: 74.5}}
        faults: {{delay: 700ms}}
"""


async def test_a_device_that_answers_late_is_found_and_named(tmp_path: Path) -> None:
    async with simulated(tmp_path, LATE) as port:
        events = await found_on(rtu(port), Scope(bauds=(9600,), units=(2, 3, 4)), "xy-md02")

    (only,) = [event for event in events if isinstance(event, Found)]
    assert (only.unit, only.candidates[0].profile.id) == (3, "xy-md02")
    assert only.took >= 0.7


async def test_a_refusal_proves_an_unknown_device(tmp_path: Path) -> None:
    with rtu_slave(tmp_path / "tty", {4: {}}):
        (event,) = await found_on(rtu(tmp_path / "tty"), Scope(bauds=(9600,), units=(4,)))

    assert isinstance(event, Found)
    assert (event.unit, event.words, event.exception, event.candidates) == (4, None, 2, ())


async def test_who_never_answers_with_a_good_frame_is_told(tmp_path: Path) -> None:
    with rtu_slave(tmp_path / "tty", {4: {0: 1}}) as slave:
        slave.script.extend([corrupted] * 100)
        events = await found_on(rtu(tmp_path / "tty"), Scope(bauds=(9600,), units=(4,)))

    assert events
    assert all(isinstance(event, Garbled) and event.probe.unit == 4 for event in events)


async def test_only_reads_of_single_units_go_over_the_line(tmp_path: Path) -> None:
    with rtu_slave(tmp_path / "tty", {1: {0: 2301}, 2: {}}) as slave:
        await found_on(rtu(tmp_path / "tty"), Scope(bauds=(9600,), units=(1, 2, 3)))

    assert {asked.function for asked in slave.asked} <= {1, 2, 3, 4}
    assert {asked.unit for asked in slave.asked} == {1, 2, 3}


async def test_a_port_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(BusDown):
        await found_on(rtu(tmp_path / "nothing"), TWO_SPEEDS)


@pytest.fixture
def lone_server() -> Iterator[TcpBus]:
    """A network device that does not look at the unit."""
    server = ModbusServer("127.0.0.1", free_port(), no_block=True)
    server.start()
    yield TcpBus(id="net", transport="modbus-tcp", host="127.0.0.1", port=server.port)
    server.stop()


async def test_a_network_device_that_answers_for_every_unit_is_one(lone_server: TcpBus) -> None:
    (event,) = await found_on(lone_server, Scope())

    assert isinstance(event, Found)
    assert (event.unit, event.alone) == (1, True)


async def test_devices_get_ids_that_nobody_has(tmp_path: Path) -> None:
    with rtu_slave(tmp_path / "tty", {3: {1: 312, 2: 745}}):
        events = await found_on(rtu(tmp_path / "tty"), Scope(bauds=(9600,), units=(3,)), "xy-md02")
    found = [event for event in events if isinstance(event, Found)]

    text = configuration(rtu(tmp_path / "tty"), found, is_configured=True, taken=["xy-md02-3"])

    assert yaml.safe_load(text) == {
        "devices": [{"id": "xy-md02-3-2", "bus": "rs485", "unit": 3, "profile": "xy-md02"}]
    }


# the command


@pytest.fixture
def line(tmp_path: Path) -> Iterator[Path]:
    """The five devices, served by another process."""
    scenario = tmp_path / "scenario.yaml"
    scenario.write_text(FIVE.format(link=tmp_path / "ttyUSB0"))
    with subprocess.Popen([PROGRAM, "simulate", str(scenario)], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield tmp_path / "ttyUSB0"
        process.terminate()


def run(*words: object) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["scan", "--lang", "en", *map(str, words)])
    if result.exception is not None:
        assert isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.output


def test_the_command_tells_where_what_and_why(line: Path) -> None:
    code, shown = run(line, "--baud", 9600, "--parity", "n", "--units", "1-2")

    assert code == 0, shown
    assert "unit 1, 9600 8N1: pzem-016 (likely)" in shown
    assert "- fits: voltage 229.4 V, frequency 50 Hz" in shown
    assert "    profile: xy-md02" in shown
    assert all(len(text) <= COLUMNS or "/" in text for text in shown.splitlines())


def test_a_device_of_the_configuration_is_not_offered_again(line: Path, tmp_path: Path) -> None:
    config = tmp_path / "agent.yaml"
    config.write_text(f"""
agent: {{id: gw-1}}
data_dir: {tmp_path}
buses: [{{id: rs485, transport: modbus-rtu, port: {line}, baud: 9600}}]
devices: [{{id: main, bus: rs485, unit: 1, profile: pzem-016}}]
uplink: {{host: 127.0.0.1}}
""")
    only = ("rs485", "-c", config, "--baud", 9600, "--parity", "n", "--units")

    _, known = run(*only, "1")
    _, one_more = run(*only, "1-2")

    assert "all of them are in agent.yaml" in known
    assert "profile: pzem-016" not in one_more
    assert "profile: xy-md02" in one_more


def test_scripts_get_one_document(line: Path) -> None:
    code, shown = run(line, "--baud", 4800, "--units", "5", "--json")

    assert code == 0, shown
    document = json.loads(shown)
    (device,) = document["devices"]
    assert (document["complete"], device["unit"], device["baud"]) == (True, 5, 4800)
    assert device["candidates"][0]["profile"] == "eastron-sdm120"
    assert yaml.safe_load(document["configuration"])["devices"][0]["unit"] == 5


def test_what_was_found_before_ctrl_c_is_shown(line: Path) -> None:
    command = [PROGRAM, "scan", str(line), "--baud", "9600", "--lang", "en"]
    environment = os.environ | {"PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment
    ) as process:
        assert process.stdout is not None
        first = process.stdout.readline()
        process.send_signal(signal.SIGINT)
        rest = process.stdout.read().decode()

    assert first == b"unit 1, 9600 8N1: pzem-016 (likely)\n"
    assert "stopped before the end" in rest
    assert "profile: pzem-016" in rest
    assert process.returncode == 1


def test_a_port_that_another_process_holds_is_told(line: Path) -> None:
    with subprocess.Popen(
        [PROGRAM, "scan", str(line), "--lang", "en"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as other:
        assert other.stdout is not None
        other.stdout.readline()  # it has found the first device, so it has the port
        code, shown = run(line)
        other.send_signal(signal.SIGINT)
        other.stdout.read()

    assert code == 1
    assert "another process has it open" in " ".join(shown.split())


def test_nothing_found_says_what_to_check(tmp_path: Path) -> None:
    with rtu_slave(tmp_path / "tty", {}):
        code, shown = run(tmp_path / "tty", "--baud", 9600, "--parity", "E", "--units", "1")

    assert code == 1
    assert "nothing found. Check A and B" in shown


@pytest.mark.parametrize("units", ["0", "1-300", "x", "5-", ","])
def test_units_that_are_none_are_refused(units: str) -> None:
    code, shown = run("/dev/null", "--units", units)

    assert (code, "--units" in shown) == (2, True)


# its progress


class Terminal(io.StringIO):
    """What a terminal was sent."""

    def isatty(self) -> bool:
        """It is one."""
        return True


def test_a_terminal_is_redrawn_twice_a_second_at_most() -> None:
    out, now = Terminal(), 0.0
    bar = Bar(out, Lang.EN, clock=lambda: now)

    for step in range(100):
        now = step / 50
        bar.show(now, 2 - now, "9600 8N1", f"unit {step}")

    assert out.getvalue().count("\r") == 4


def test_where_there_is_no_terminal_a_step_is_a_line() -> None:
    out = io.StringIO()
    bar = Bar(out, Lang.VI)

    for pace in ("9600 8N1", "9600 8N1", "4800 8N1"):
        bar.show(1.0, 59.0, pace, "địa chỉ 1")

    assert out.getvalue().splitlines() == [
        "[....................]   2%  còn 59 giây  9600 8N1",
        "[....................]   2%  còn 59 giây  4800 8N1",
    ]


def test_a_bar_makes_room_for_results() -> None:
    out = Terminal()
    bar = Bar(out, Lang.EN)
    bar.show(1.0, 1.0, "9600 8N1", "unit 1")

    bar.clear()

    assert out.getvalue().endswith("\r" + " " * len(drawn(1, 1, "9600 8N1 unit 1", Lang.EN)) + "\r")


@pytest.mark.parametrize("lang", Lang)
@pytest.mark.parametrize("left", [0.4, 59.6, 3600.0, 360_000.0])
def test_a_bar_fits_its_line(left: float, lang: Lang) -> None:
    assert len(drawn(0.0, left, "115200 8N1 unit 247 " * 5, lang)) < COLUMNS


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.2, "0 s"), (59.6, "1 min 00 s"), (61, "1 min 01 s"), (4000, "1 h 06 min")],
)
def test_a_time_is_said_as_people_say_it(seconds: float, said: str) -> None:
    assert spoken_time(seconds, Lang.EN) == said


async def test_a_scan_that_is_given_up_lets_the_port_go(tmp_path: Path) -> None:
    with rtu_slave(tmp_path / "tty", {}):
        bus = rtu(tmp_path / "tty")
        for _ in range(2):
            events = scan(bus, plan(bus, TWO_SPEEDS, catalogue()), [])
            await anext(events)
            await anext(events)
            await asyncio.wait_for(events.aclose(), 10)


async def test_the_quiet_after_a_silent_unit_is_not_held_against_the_next_one(
    tmp_path: Path,
) -> None:
    async with simulated(tmp_path, FIVE) as port:
        events = await found_on(rtu(port), Scope(bauds=(9600,), units=(1, 2, 43)))

    took = [event.took for event in events if isinstance(event, Found)]
    assert len(took) == 2
    assert max(took) < 2 * WAIT
