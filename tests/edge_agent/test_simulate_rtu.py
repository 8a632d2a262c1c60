"""Independent Modbus RTU clients read from simulated devices on a pty, at the wire's pace."""

from __future__ import annotations

import asyncio
import contextlib
import termios
from typing import TYPE_CHECKING, Any

import pytest
from pymodbus.client import AsyncModbusSerialClient

from edge_agent.simulate.frames import rtu
from edge_agent.simulate.rtu import serve_rtu
from edge_agent.simulate.scenario import Faults, RtuBus, Window
from edge_agent.simulate.tcp import BusUnavailable
from parts.libmodbus import libmodbus_client
from parts.port import Port
from parts.simulated import DISCRETE, HOLDING, INPUT, run_client, running_clock, unit

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from edge_agent.simulate.unit import Unit

READ = bytes.fromhex("03 0064 0001")
TAKEN = 0.2
"""Seconds after which the line has certainly taken what was written to it."""
REPLY = rtu(1, bytes.fromhex("03 02 007b"))


def bus(link: Path, **settings: object) -> RtuBus:
    devices = [{"id": "d", "unit": 1, "profile": "p"}]
    return RtuBus.model_validate(
        {"id": "b", "kind": "rtu", "link": link, "devices": devices} | settings
    )


@contextlib.asynccontextmanager
async def serving(bus: RtuBus, unit_1: Unit | None = None) -> AsyncIterator[str]:
    """A line with unit 1 (and 7, which says other things) on it."""
    units = {1: unit_1 or unit(), 7: unit(level=70)}
    async with serve_rtu(bus, units, running_clock()) as place:
        yield place


async def test_pymodbus_reads_every_table_and_who_it_is(tmp_path: Path) -> None:
    async with serving(bus(tmp_path / "ttyRS485")) as place:
        client = AsyncModbusSerialClient(place, baudrate=19200, timeout=20, retries=0)
        assert await client.connect()
        coils = await client.read_coils(3, count=1, device_id=1)
        discretes = await client.read_discrete_inputs(0, count=2000, device_id=1)
        holdings = await client.read_holding_registers(100, count=125, device_id=1)
        inputs = await client.read_input_registers(65534, count=2, device_id=1)
        other = await client.read_holding_registers(100, device_id=7)
        refused = await client.read_holding_registers(99, device_id=1)
        who: Any = await client.read_device_information(device_id=1)
        client.close()

    assert coils.bits[:1] == [True]
    assert [int(bit) for bit in discretes.bits] == DISCRETE
    assert holdings.registers == HOLDING
    assert inputs.registers == INPUT
    assert other.registers == [700]
    assert refused.exception_code == 2
    assert list(who.information.values()) == [b"Acme", b"Four tables", b"1.0"]


async def test_libmodbus_reads_every_table(tmp_path: Path) -> None:
    client = libmodbus_client(tmp_path)

    async with serving(bus(tmp_path / "ttyRS485")) as place:
        line = ("rtu", place, 19200, 1)
        coils = await run_client(client, *line, "coil", 3, 1)
        discretes = await run_client(client, *line, "discrete", 0, 2000)
        holdings = await run_client(client, *line, "holding", 100, 125)
        inputs = await run_client(client, *line, "input", 65534, 2)
        beyond = await run_client(client, *line, "input", 65533, 2)

    assert coils == "1"
    assert discretes == " ".join(map(str, DISCRETE))
    assert holdings == " ".join(map(str, HOLDING))
    assert inputs == " ".join(map(str, INPUT))
    assert beyond == "Illegal data address"


async def test_requests_for_other_units_are_not_answered(tmp_path: Path) -> None:
    async with serving(bus(tmp_path / "tty")) as place:
        port = Port(place)
        port.write(rtu(2, READ) + rtu(0, READ) + rtu(1, READ))

        assert await port.read(len(REPLY)) == REPLY
        port.close()


async def test_a_silent_unit_leaves_the_line_to_the_others(tmp_path: Path) -> None:
    answered = rtu(7, bytes.fromhex("03 02 02bc"))

    async with serving(bus(tmp_path / "tty"), unit(Faults(silent=(Window(),)))) as place:
        port = Port(place)
        port.write(rtu(1, READ) + rtu(7, READ))

        assert await port.read(len(answered)) == answered
        port.close()


async def test_a_request_is_answered_behind_noise_and_in_pieces(tmp_path: Path) -> None:
    async with serving(bus(tmp_path / "tty")) as place:
        port = Port(place)
        port.write(b"\x00\x55\xff\x10\x20")
        for byte in rtu(1, READ):
            port.write(bytes((byte,)))

        assert await port.read(len(REPLY)) == REPLY
        port.close()


async def test_an_unknown_function_is_refused_when_the_line_falls_silent(tmp_path: Path) -> None:
    refusal = rtu(1, b"\xc1\x01")

    async with serving(bus(tmp_path / "tty")) as place:
        port = Port(place)
        port.write(rtu(1, b"\x41\x00"))

        assert await port.read(len(refusal)) == refusal
        port.close()


async def test_the_line_outlives_an_agent_that_lets_go_of_it(tmp_path: Path) -> None:
    async with serving(bus(tmp_path / "tty")) as place:
        for _ in range(3):
            port = Port(place)
            port.write(rtu(1, READ))
            assert await port.read(len(REPLY)) == REPLY
            port.close()


async def test_an_agent_that_never_reads_does_not_stop_the_line(tmp_path: Path) -> None:
    async with serving(bus(tmp_path / "tty")) as place:
        port = Port(place)
        for _ in range(40):  # 40 replies of 255 bytes: more than a pty holds
            port.write(rtu(1, bytes.fromhex("03 0064 007d")))
        heard = b""
        async with asyncio.timeout(20):
            while not heard.endswith(rtu(7, bytes.fromhex("03 02 02bc"))):
                port.write(rtu(7, READ))
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(0.1):
                        while True:
                            heard += await port.read(1)
        port.close()

    assert heard.startswith(rtu(1, b"\x03\xfa" + b"".join(w.to_bytes(2) for w in HOLDING)))


@pytest.mark.parametrize(("parity", "bits"), [("N", 10), ("E", 11)])
async def test_a_reply_takes_the_time_of_its_wire(tmp_path: Path, parity: str, bits: int) -> None:
    slow = bus(tmp_path / "tty", baud=1200, parity=parity)
    seconds = (8 + 7 + 3.5) * bits / 1200 + 0.05

    async with serving(slow, unit(Faults(delay="50 ms"))) as place:
        port = Port(place)
        port.set_speed(termios.B1200)
        clock = running_clock()
        port.write(rtu(1, READ))
        reply = await port.read(len(REPLY))
        took = clock()
        port.close()

    assert reply == REPLY
    assert took > seconds - 0.001


async def test_the_link_is_replaced_and_goes_with_the_line(tmp_path: Path) -> None:
    link = tmp_path / "var" / "demo" / "ttyRS485"
    link.parent.mkdir(parents=True)
    link.symlink_to(tmp_path / "gone")

    async with serving(bus(link)) as place:
        assert place == str(link)
        assert link.readlink().is_char_device()
        assert [path.name for path in link.parent.iterdir()] == ["ttyRS485"]

    assert not link.is_symlink()


async def test_a_link_that_has_become_anothers_is_left_alone(tmp_path: Path) -> None:
    link = tmp_path / "tty"

    async with serving(bus(link)):
        link.unlink()
        link.symlink_to(tmp_path / "other")

    assert link.is_symlink()


async def test_a_file_in_the_links_place_is_not_touched(tmp_path: Path) -> None:
    link = tmp_path / "tty"
    link.write_text("mine")

    with pytest.raises(BusUnavailable, match="tty: is a file"):
        async with serving(bus(link)):
            pass

    assert link.read_text() == "mine"


async def test_a_place_that_cannot_be_linked_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(BusUnavailable, match=r"file/tty: .*/file: File exists"):
        async with serving(bus(tmp_path / "file" / "tty")):
            pass


def mixed(link: Path) -> RtuBus:
    """Unit 1 speaks at 9600 baud, unit 7 at 19200."""
    devices = [
        {"id": "d", "unit": 1, "profile": "p", "baud": 9600},
        {"id": "e", "unit": 7, "profile": "p", "baud": 19_200},
    ]
    return bus(link, devices=devices)


async def test_each_device_answers_at_its_own_speed_only(tmp_path: Path) -> None:
    async with serving(mixed(tmp_path / "tty")) as place:
        port = Port(place)
        for speed, units in (
            (termios.B4800, (1, 7)),
            (termios.B9600, (7,)),
            (termios.B19200, (1,)),
        ):
            port.set_speed(speed)
            for unit_id in units:
                port.write(rtu(unit_id, READ))
                await asyncio.sleep(TAKEN)
        port.write(rtu(7, READ))
        only = await port.read(len(REPLY))
        port.set_speed(termios.B9600)
        port.write(rtu(1, READ))

        assert only == rtu(7, bytes.fromhex("03 02 02bc"))
        assert await port.read(len(REPLY)) == REPLY
        port.close()


async def test_a_device_without_a_speed_of_its_own_has_that_of_its_bus(tmp_path: Path) -> None:
    devices = [{"id": "d", "unit": 1, "profile": "p"}, {"id": "e", "unit": 7, "profile": "p"}]
    async with serving(bus(tmp_path / "tty", baud=9600, devices=devices)) as place:
        port = Port(place)
        port.set_speed(termios.B19200)
        port.write(rtu(7, READ))
        await asyncio.sleep(TAKEN)
        port.set_speed(termios.B9600)
        port.write(rtu(1, READ))
        only = await port.read(len(REPLY))
        port.close()

    assert only == REPLY


async def test_who_changes_the_speed_before_the_reply_gets_garbage(tmp_path: Path) -> None:
    late = unit(Faults.model_validate({"delay": "2s"}))
    async with serving(mixed(tmp_path / "tty"), late) as place:
        port = Port(place)
        port.set_speed(termios.B9600)
        port.write(rtu(1, READ))
        await asyncio.sleep(TAKEN)
        port.set_speed(termios.B4800)
        first = await port.read(1)
        port.close()

    assert first != REPLY[:1]
