"""Independent Modbus TCP clients read from simulated devices what those say."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
from typing import TYPE_CHECKING, Any

import pytest
from pymodbus.client import AsyncModbusTcpClient
from pyModbusTCP.client import ModbusClient  # type: ignore[import-untyped]

from edge_agent.simulate.replay import Replay
from edge_agent.simulate.scenario import Faults, TcpBus, Window
from edge_agent.simulate.signal import Constant, Total
from edge_agent.simulate.tcp import BusUnavailable, serve_tcp
from parts.libmodbus import libmodbus_client
from parts.simulated import (
    DISCRETE,
    HOLDING,
    INPUT,
    four_tables,
    run_client,
    running_clock,
    unit,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping
    from pathlib import Path

    from edge_agent.simulate.unit import Unit


def bus(port: int = 0) -> TcpBus:
    device = {"id": "d", "unit": 1, "profile": "p"}
    return TcpBus.model_validate({"id": "b", "kind": "tcp", "port": port, "devices": [device]})


@contextlib.asynccontextmanager
async def serving(
    units: Mapping[int, Unit], clock: Callable[[], float] = lambda: 0.0
) -> AsyncIterator[int]:
    """The port behind which the units answer."""
    async with serve_tcp(bus(), units, clock) as place:
        yield int(place.rpartition(":")[2])


@contextlib.asynccontextmanager
async def pymodbus_client(port: int) -> AsyncIterator[AsyncModbusTcpClient]:
    client = AsyncModbusTcpClient("127.0.0.1", port=port, timeout=20, retries=0)
    assert await client.connect()
    try:
        yield client
    finally:
        client.close()


async def test_pymodbus_reads_every_table_and_who_it_is() -> None:
    async with serving({7: unit()}) as port, pymodbus_client(port) as client:
        coils = await client.read_coils(3, count=1, device_id=7)
        discretes = await client.read_discrete_inputs(0, count=2000, device_id=7)
        holdings = await client.read_holding_registers(100, count=125, device_id=7)
        inputs = await client.read_input_registers(65534, count=2, device_id=7)
        who: Any = await client.read_device_information(device_id=7)

    assert coils.bits[:1] == [True]
    assert [int(bit) for bit in discretes.bits] == DISCRETE
    assert holdings.registers == HOLDING
    assert inputs.registers == INPUT
    assert list(who.information.values()) == [b"Acme", b"Four tables", b"1.0"]


async def test_py_modbus_tcp_reads_every_table() -> None:
    async with serving({7: unit()}) as port:
        client = ModbusClient("127.0.0.1", port, unit_id=7, timeout=20)
        coils = await asyncio.to_thread(client.read_coils, 3, 1)
        discretes = await asyncio.to_thread(client.read_discrete_inputs, 0, 2000)
        holdings = await asyncio.to_thread(client.read_holding_registers, 100, 125)
        inputs = await asyncio.to_thread(client.read_input_registers, 65534, 2)
        client.close()

    assert coils == [True]
    assert discretes == [bool(bit) for bit in DISCRETE]
    assert holdings == HOLDING
    assert inputs == INPUT


async def test_libmodbus_reads_every_table(tmp_path: Path) -> None:
    client = libmodbus_client(tmp_path)

    async with serving({7: unit()}) as port:
        place = ("tcp", "127.0.0.1", port, 7)
        coils = await run_client(client, *place, "coil", 3, 1)
        discretes = await run_client(client, *place, "discrete", 0, 2000)
        holdings = await run_client(client, *place, "holding", 100, 125)
        inputs = await run_client(client, *place, "input", 65534, 2)
        beyond = await run_client(client, *place, "holding", 99, 2)

    assert coils == "1"
    assert discretes == " ".join(map(str, DISCRETE))
    assert holdings == " ".join(map(str, HOLDING))
    assert inputs == " ".join(map(str, INPUT))
    assert beyond == "Illegal data address"


async def test_many_units_and_clients_share_a_port() -> None:
    units = {number: unit(level=number) for number in range(1, 21)}

    async def read(client: AsyncModbusTcpClient, number: int) -> list[int]:
        return list((await client.read_holding_registers(100, device_id=number)).registers)

    async with serving(units) as port, contextlib.AsyncExitStack() as clients:
        mine = [await clients.enter_async_context(pymodbus_client(port)) for _ in range(20)]
        said = await asyncio.gather(*(read(client, n) for n, client in enumerate(mine, start=1)))

    assert said == [[10 * number] for number in range(1, 21)]


async def test_a_unit_that_is_not_there_is_told_as_a_gateway_does() -> None:
    async with serving({7: unit()}) as port, pymodbus_client(port) as client:
        reply = await client.read_holding_registers(100, device_id=8)

    assert reply.exception_code == 11


async def test_a_silent_unit_leaves_the_others_alone_and_comes_back() -> None:
    silent = unit(Faults(silent=(Window.model_validate({"at": "1s", "for": "2s"}),)))
    now = 1.0
    client = ModbusClient("127.0.0.1", unit_id=1)

    async def read(within: float) -> list[int] | None:
        client.timeout = within
        words: list[int] | None = await asyncio.to_thread(client.read_holding_registers, 100, 1)
        return words

    async with serving({1: silent, 2: unit()}, lambda: now) as port:
        client.port = port
        nothing = await read(within=0.2)
        async with pymodbus_client(port) as neighbour:
            other = await neighbour.read_holding_registers(100, device_id=2)
        now = 3.0
        back = await read(within=20)
    client.close()

    assert nothing is None
    assert other.registers == [123]
    assert back == [123]


async def test_a_slow_unit_answers_after_its_delay() -> None:
    async with serving({1: unit(Faults(delay="300 ms"))}) as port, pymodbus_client(port) as client:
        clock = running_clock()
        reply = await client.read_holding_registers(100, device_id=1)

        assert clock() > 0.29
    assert reply.registers == [123]


async def test_illegal_addresses_are_refused() -> None:
    async with (
        serving({1: unit(Faults(illegal=((110, 119),)))}) as port,
        pymodbus_client(port) as client,
    ):
        across = await client.read_holding_registers(100, count=11, device_id=1)
        before = await client.read_holding_registers(100, count=10, device_id=1)

    assert across.exception_code == 2
    assert before.registers == HOLDING[:10]


async def test_what_it_cannot_say_any_more_is_a_failure_of_the_device_told_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    counter = Total(Constant(1), factor=1e9, start=0, wrap=None)
    rising = dataclasses.replace(unit(), replay=Replay(four_tables(), {"level": counter}))

    async with serving({1: rising}, lambda: 1.0) as port, pymodbus_client(port) as client:
        replies = [await client.read_holding_registers(100, device_id=1) for _ in range(3)]

    assert [reply.exception_code for reply in replies] == [4, 4, 4]
    told = [line for line in caplog.messages if "cannot say" in line]
    assert len(told) == 1


async def test_who_does_not_speak_modbus_is_cut_off_alone() -> None:
    async with serving({1: unit()}) as port, pymodbus_client(port) as client:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET / HTTP/1.1\r\n\r\n")
        end = await reader.read()
        writer.close()
        reply = await client.read_holding_registers(100, device_id=1)

    assert end == b""
    assert reply.registers == [123]


async def test_requests_in_one_packet_are_answered_in_their_order() -> None:
    read = "0000 0006 01 03 0064 0001".replace(" ", "")

    async with serving({1: unit()}) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"".join(bytes.fromhex(f"{number:04x}{read}") for number in range(50)))
        replies = [await reader.readexactly(11) for _ in range(50)]
        writer.close()

    assert [int.from_bytes(reply[:2]) for reply in replies] == list(range(50))
    assert {reply[-2:] for reply in replies} == {b"\x00\x7b"}


async def test_a_taken_port_is_told() -> None:
    async with serving({1: unit()}) as port:
        with pytest.raises(BusUnavailable, match=rf"127\.0\.0\.1:{port}: .*in use"):
            async with serve_tcp(bus(port), {}, running_clock()):
                pass
