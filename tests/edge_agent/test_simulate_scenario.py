"""A scenario is served as its file states it, or refused with the place and the reason."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from pymodbus.client import AsyncModbusSerialClient, AsyncModbusTcpClient

from device_profiles.loader import CATALOGUE
from edge_agent.simulate.stage import StagedLine, StagedUnits, load
from telemetry.settings import SettingsError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from edge_agent.simulate.speaker import Speaker
    from edge_agent.simulate.unit import Unit
    from telemetry.sample import Value

DEMO = Path(__file__).parents[2] / "demo"

SMALL = """
schema: simulation/1
recordings:
  water: {file: water.csv, time: Time}
buses:
  - id: street
    kind: tcp
    port: 0
    devices:
      - id: main-1
        unit: 2
        profile: water-main-flow
        channels:
          flow: {kind: series, recording: water, column: flow}
          pressure: 4.2
        events:
          - {at: 60s, for: 1h, set: {pressure: 0.5}}
        faults: {illegal: [[3, 4]], silent: [{at: 2h}], delay: 1ms}
"""
WATER = "Time,flow\n2022-03-29 03:00,105.18\n2022-03-29 04:00,24.26\n"


def written(directory: Path, text: str = SMALL) -> Path:
    path = directory / "scenario.yaml"
    path.write_text(text)
    (directory / "water.csv").write_text(WATER)
    return path


def units(path: Path) -> dict[str, Unit]:
    """The slaves of a scenario, by the ids of its devices."""
    return {
        device.id: staged.units[device.unit]
        for staged in load(path)
        if isinstance(staged, StagedUnits)
        for device in staged.bus.devices
    }


def speakers(path: Path) -> dict[str, Speaker]:
    """Its other devices."""
    return {
        device.id: speaker
        for staged in load(path)
        if isinstance(staged, StagedLine)
        for device, speaker in zip(staged.bus.devices, staged.speakers, strict=True)
    }


def demo_values(device: str, at: float) -> dict[str, Value]:
    return units(DEMO / "scenario.yaml")[device].replay.values(at)


def test_a_scenario_brings_its_devices(tmp_path: Path) -> None:
    unit = units(written(tmp_path))["main-1"]

    assert unit.replay.values(0.0) == {"flow": 105.18, "pressure": 4.2}
    assert unit.replay.values(3600.0) == {"flow": 24.26, "pressure": 0.5}
    assert unit.reply(bytes.fromhex("03 0000 0002"), at=0.0) == bytes.fromhex("03 04 00002916")
    assert unit.reply(bytes.fromhex("03 0003 0001"), at=0.0) == b"\x83\x02"
    assert unit.reply(bytes.fromhex("03 0000 0002"), at=7200.0) is None


@pytest.mark.parametrize(
    ("right", "wrong", "message"),
    [
        ("unit: 2", "unit: 248", "scenario.yaml:11: buses[0].devices[0].unit — should be less"),
        (
            "unit: 2",
            "unit: 2\n        baud: 9600",
            "device main-1 has a baud; a TCP port has no speed",
        ),
        ("delay: 1ms", "dely: 1ms", "faults.dely — no such key here; did you mean 'delay'?"),
        ("at: 60s", "at: 60", "events[0].at — should be a duration"),
        ("kind: tcp", "kind: udp", "buses[0] — "),
        (
            "profile: water-main-flow",
            "profile: nova-sds011",
            "12: bus street, device main-1: profile 'nova-sds011' speaks sds011, not Modbus",
        ),
        ("water-main-flow", "water-main", "main-1: there is no profile 'water-main'; did you mean"),
        ("pressure: 4.2", "level: 4.2", "'water-main-flow' has no channel 'level'"),
        ("pressure: 4.2", "pressure: 900", "channel 'pressure' cannot say 900"),
        ("pressure: 0.5", "presure: 0.5", "'water-main-flow' has no channel 'presure'"),
        ("recording: water", "recording: rain", "bus street, device main-1: flow: no recording"),
        ("column: flow", "column: Flow", "recording 'water': has no column 'Flow'; it has flow"),
        ("water.csv", "rain.csv", "rain.csv: No such file or directory"),
        ("time: Time", "time: at", "recordings.water: "),
        ("time: Time", "time: Time, start: 2023-01-01", "is not within 2022-03-29"),
        ("simulation/1", "simulation/2", "scenario.yaml:2: schema — should be 'simulation/1'"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(
    tmp_path: Path, right: str, wrong: str, message: str
) -> None:
    assert right in SMALL
    path = written(tmp_path, SMALL.replace(right, wrong))

    with pytest.raises(SettingsError) as caught:
        load(path)

    assert message in str(caught.value)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(("id_", "unit", "told"), [("main-1", 3, "id main-1"), ("x", 2, "unit 2")])
def test_devices_of_a_bus_share_nothing(tmp_path: Path, id_: str, unit: int, told: str) -> None:
    second = f"      - {{id: {id_}, unit: {unit}, profile: water-main-flow}}\n"

    with pytest.raises(SettingsError, match=f"devices share the {told}"):
        load(written(tmp_path, SMALL + second))


LINE = """
schema: simulation/1
buses:
  - id: kerb
    kind: serial
    link: ttyKERB
    devices:
      - id: dust-1
        profile: nova-sds011
        address: query
        channels: {pm25: 8.1, pm10: 12.0}
        events:
          - {at: 60s, set: {pm25: 57}}
        faults: {silent: [{at: 2h}], delay: 1ms}
"""
SECOND = "      - {id: ups-1, profile: megatec-q1}\n"


def test_a_line_brings_devices_that_do_not_speak_modbus(tmp_path: Path) -> None:
    dust = speakers(written(tmp_path, LINE))["dust-1"]
    query = bytes.fromhex("aab4 04 000000000000000000000000 ffff 02ab")
    says = [dust.reply(query[:9], at) + dust.reply(query[9:], at) for at in (0, 60, 7200)]

    assert says == [
        bytes.fromhex("aac0 5100 7800 a160 caab"),
        bytes.fromhex("aac0 3a02 7800 a160 b5ab"),
        b"",
    ]
    assert dust.every is None
    assert dust.lapses.delay == 0.001


def test_devices_with_an_address_each_share_a_line(tmp_path: Path) -> None:
    assert list(speakers(written(tmp_path, LINE + SECOND))) == ["dust-1", "ups-1"]


@pytest.mark.parametrize(
    ("right", "wrong", "message"),
    [
        (
            "nova-sds011",
            "sensirion-sps30",
            "9: bus kerb, device dust-1: sps30 cannot be simulated; modbus, dlt645, iec62056-21, ",
        ),
        (
            "nova-sds011",
            "air-station",
            "9: bus kerb, device dust-1: profile 'air-station' speaks Modbus; it needs a bus of",
        ),
        ("query", "q1", "scenario.yaml:9: bus kerb, device dust-1: address 'q1' should be active"),
        (
            "pm25: 8.1",
            "pm1: 8.1",
            "scenario.yaml:8: bus kerb, device dust-1: profile 'nova-sds011'",
        ),
        ("pm25: 8.1", "pm25: 1e9", "scenario.yaml:8: bus kerb, device dust-1: field 'pm25' cannot"),
        ("address: query", "unit: 3", "scenario.yaml:10: buses[0].devices[0].unit — no such key"),
        ("delay: 1ms", "illegal: [[1, 2]]", "devices[0].faults.illegal — no such key here"),
        ("pm25: 57", "pm25: -1", "field 'pm25' cannot say -10: it says 0 to 65535"),
    ],
)
def test_what_is_wrong_with_a_line_is_told_with_its_place(
    tmp_path: Path, right: str, wrong: str, message: str
) -> None:
    assert right in LINE

    with pytest.raises(SettingsError) as caught:
        load(written(tmp_path, LINE.replace(right, wrong)))

    assert message in str(caught.value)


SHARED = """
schema: simulation/1
buses:
  - id: kerb
    kind: serial
    link: ttyKERB
    devices:
      - {{id: dust-1, profile: nova-sds011, address: {first}}}
      - {{id: {id}, profile: {profile}, address: {second}}}
"""


@pytest.mark.parametrize(
    ("first", "other", "message"),
    [
        ("active", "dust-2 nova-sds011 query", "9: bus kerb, device dust-2: a device that speaks"),
        ("query", "dust-2 nova-sds011 active", "9: bus kerb, device dust-2: a device that speaks"),
        ("query", "dust-2 nova-sds011 query", "9: .* it shares the address 'query' with another"),
        ("query", "dust-1 nova-sds011 a160", "devices share the id dust-1"),
    ],
)
def test_who_cannot_share_a_line_is_told(
    tmp_path: Path, first: str, other: str, message: str
) -> None:
    id_, profile, second = other.split()
    text = SHARED.format(first=first, id=id_, profile=profile, second=second)

    with pytest.raises(SettingsError, match=message):
        load(written(tmp_path, text))


def test_every_device_that_does_not_fit_is_told_at_once(tmp_path: Path) -> None:
    second = "      - {id: b, unit: 3, profile: water-main-flow, channels: {depth: 1}}\n"

    with pytest.raises(SettingsError) as caught:
        load(written(tmp_path, SMALL.replace("pressure: 4.2", "level: 1") + second))

    assert len(caught.value.problems) == 2


def test_a_site_brings_profiles_of_its_own(tmp_path: Path) -> None:

    text = (CATALOGUE / "water-main-flow.yaml").read_text()
    folder = tmp_path / "profiles"
    folder.mkdir()
    (folder / "my-main.yaml").write_text(text.replace("id: water-main-flow", "id: my-main"))
    scenario = SMALL.replace("profile: water-main-flow", "profile: my-main")

    unit = units(written(tmp_path, scenario + "profiles: [profiles]\n"))["main-1"]

    assert unit.replay.values(0.0)["flow"] == 105.18


def test_what_is_wrong_with_a_profile_is_told_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "my-main.yaml").write_text("schema: device-profile/1\nid: my-main\n")
    scenario = SMALL.replace("profile: water-main-flow", "profile: my-main")

    with pytest.raises(SettingsError, match=r"my-main\.yaml:1: title — is missing"):
        load(written(tmp_path, scenario + "profiles: [.]\n"))


def test_in_the_demo_the_water_main_runs_low_and_recovers() -> None:
    flows = {at: float(demo_values("water-main-1", at)["flow"]) for at in (0, 5.9, 6, 13.9, 16, 19)}

    assert flows == {0: 105.18, 5.9: 95.31, 6: 24.27, 13.9: 34.37, 16: 73.78, 19: 103.74}


def test_in_the_demo_the_signals_red_lamp_fails_for_ten_seconds() -> None:
    failed = [demo_values("signal-1", at).get("red_lamp_failed") for at in (7.9, 8, 17.9, 18)]

    assert failed == [None, True, True, None]


def test_in_the_demo_dust_and_carbon_dioxide_rise() -> None:
    dust = [demo_values("air-1", at)["pm25"] for at in (9, 10)]
    beside = speakers(DEMO / "scenario.yaml")["dust-1"].speech(10)
    carbon_dioxide = [float(demo_values("indoor-1", at)["co2"]) > 1000 for at in (3, 6.5)]

    assert dust == pytest.approx([15, 57])
    assert int.from_bytes(beside[2:4], "little") == 570
    assert carbon_dioxide == [False, True]


def test_in_the_demo_the_phases_add_up_and_energy_rises() -> None:
    now, later = demo_values("meter-1", 5), demo_values("meter-1", 6)
    phases = sum(float(now[f"power_l{phase}"]) for phase in (1, 2, 3))

    assert now["power_total"] == pytest.approx(phases)
    spent = float(later["energy_import"]) - float(now["energy_import"])
    assert spent == pytest.approx(phases / 3.6e6, rel=0.1)


@contextlib.asynccontextmanager
async def simulation(directory: Path, path: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    """The command as a process of its own, in `directory`."""
    program = "import typer; from edge_agent.simulate.command import simulate; typer.run(simulate)"
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, str(path), cwd=directory, stdout=pipe, stderr=pipe
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def ready_line(process: asyncio.subprocess.Process) -> str:
    assert process.stdout is not None
    return (await process.stdout.readline()).decode().strip()


@pytest.mark.usefixtures("only_demo")
@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGINT])
async def test_the_command_serves_the_demo_until_it_is_told_to_stop(
    tmp_path: Path, sign: signal.Signals
) -> None:
    path = tmp_path / "scenario.yaml"
    path.write_text((DEMO / "scenario.yaml").read_text().replace("port: 15020", "port: 0"))
    (tmp_path / "data").symlink_to(DEMO / "data")

    async with simulation(tmp_path, path) as process:
        street, cabinet, kerb = [await ready_line(process) for _ in range(3)]
        port = int(street.split()[3].removesuffix(",").rpartition(":")[2])
        tcp = AsyncModbusTcpClient("127.0.0.1", port=port, timeout=20, retries=0)
        serial = AsyncModbusSerialClient(
            str(tmp_path / "var/demo/ttyRS485"), baudrate=19200, timeout=20, retries=0
        )
        assert await tcp.connect()
        assert await serial.connect()
        pressure = await tcp.read_holding_registers(2, device_id=2)
        frequency = await serial.read_input_registers(0x46, count=2, device_id=11)
        tcp.close()
        serial.close()
        process.send_signal(sign)
        output, complaints = await process.communicate()

    assert street.startswith("bus street: tcp 127.0.0.1:")
    assert street.endswith(", units: air-1 1, water-main-1 2, signal-1 3")
    assert cabinet == "bus cabinet: rtu var/demo/ttyRS485, units: meter-1 11, indoor-1 12"
    assert kerb == "bus kerb: serial var/demo/ttyDUST, devices: dust-1"
    assert pressure.registers == [420]
    assert frequency.registers == [0x4248, 0]
    assert (process.returncode, output, complaints) == (0, b"", b"")
    assert not (tmp_path / "var/demo/ttyRS485").is_symlink()


async def test_the_command_tells_what_is_wrong_with_a_file(tmp_path: Path) -> None:
    path = written(tmp_path, SMALL.replace("unit: 2", "unt: 2"))

    async with simulation(tmp_path, path) as process:
        output, complaints = await process.communicate()

    assert process.returncode == 2
    assert output == b""
    assert "buses[0].devices[0].unt — no such key here; did you mean 'unit'?" in complaints.decode()
    assert "Traceback" not in complaints.decode()


async def test_the_command_tells_that_a_port_is_taken(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        path = written(tmp_path, SMALL.replace("port: 0", f"port: {port}"))

        async with simulation(tmp_path, path) as process:
            output, complaints = await process.communicate()

    assert (process.returncode, output) == (1, b"")
    assert complaints.decode().startswith(f"127.0.0.1:{port}: ")
    assert "in use" in complaints.decode()


@pytest.mark.parametrize(
    "line",
    [
        "  - {id: rs485, kind: rtu, link: tty, devices: [{id: m, unit: 1, profile: xy-md02}]}\n",
        "  - {id: kerb, kind: serial, link: tty, devices: [{id: d, profile: nova-sds011}]}\n",
    ],
)
async def test_a_port_that_is_taken_is_told_in_a_line_behind_a_serial_line_too(
    tmp_path: Path, line: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        text = SMALL.replace("port: 0", f"port: {port}").replace("buses:\n", f"buses:\n{line}")

        async with simulation(tmp_path, written(tmp_path, text)) as process:
            _, complaints = await process.communicate()

    assert process.returncode == 1
    assert complaints.decode().startswith(f"127.0.0.1:{port}: ")
