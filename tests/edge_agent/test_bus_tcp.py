"""A read over TCP brings the words that were asked for, or the reason why not.

A connection that is out of step, half open or broken is renewed, and no reply is mistaken.
"""

from __future__ import annotations

import asyncio
import contextlib
import struct
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from pyModbusTCP.server import ModbusServer  # type: ignore[import-untyped]

from device_profiles.channel import RegisterChannel
from device_profiles.registers import Table, Type
from edge_agent.bus.failures import BadReply, BusDown, DeviceException, NoReply
from edge_agent.bus.modbus import ModbusLink
from edge_agent.bus.request import Request
from edge_agent.bus.settings import TcpBus
from parts.processes import free_port

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Iterator

    Start = Callable[..., Awaitable[ModbusLink]]

PATIENT = 20.0
"""Seconds where a test wants the answer, however slow the machine is."""

SHORT = 0.1
"""Seconds where a test wants none."""


def words(address: int, count: int, table: Table = Table.HOLDING) -> Request:
    kind = Type.BOOL if table.is_bits else Type.U16
    channels = [
        RegisterChannel(id=f"c{n}", table=table, address=n, type=kind)
        for n in range(address, address + count)
    ]
    return Request(table, address, count, tuple(channels))


def link_to(port: int) -> ModbusLink:
    return ModbusLink(TcpBus(id="tcp", transport="modbus-tcp", host="127.0.0.1", port=port))


@pytest.fixture
def server() -> Iterator[ModbusServer]:
    running = ModbusServer("127.0.0.1", free_port(), no_block=True)
    running.start()
    yield running
    running.stop()


@pytest.fixture
async def link(server: ModbusServer) -> AsyncIterator[ModbusLink]:
    port = link_to(server.port)
    await port.open()
    yield port
    port.close()


Reply = Callable[[bytes], bytes | None]
"""What a scripted server answers to a request; None breaks the connection."""


class Scripted(asyncio.Protocol):
    """A server that answers each request with the next of `replies`."""

    def __init__(self, replies: list[Reply]) -> None:
        self._replies = replies

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep whom to answer."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer as scripted."""
        reply = self._replies.pop(0)(data)
        if reply is None:
            self._transport.abort()
        else:
            self._transport.write(reply)


@pytest.fixture
async def scripted() -> AsyncIterator[Callable[..., Awaitable[ModbusLink]]]:
    """An open link to a server that answers as told."""
    async with contextlib.AsyncExitStack() as stack:

        async def start(*replies: Reply) -> ModbusLink:
            port, left = free_port(), list(replies)
            loop = asyncio.get_running_loop()
            server = await loop.create_server(lambda: Scripted(left), "127.0.0.1", port)
            stack.callback(server.close)
            link = link_to(port)
            stack.callback(link.close)
            await link.open()
            return link

        yield start


def nothing(_request: bytes) -> bytes:
    return b""


def breaking(_request: bytes) -> None:
    return None


def answer(request: bytes, *registers: int) -> bytes:
    """The right frame around these registers."""
    data = struct.pack(f">BBB{len(registers)}H", request[6], 3, 2 * len(registers), *registers)
    return request[:4] + struct.pack(">H", len(data)) + data


def right(*registers: int) -> Reply:
    return lambda request: answer(request, *registers)


async def test_reads_each_table(server: ModbusServer, link: ModbusLink) -> None:
    server.data_bank.set_holding_registers(10, [1, 2, 65535])
    server.data_bank.set_input_registers(10, [7, 8])
    server.data_bank.set_coils(3, [True, False, True])
    server.data_bank.set_discrete_inputs(0, [True] * 9)

    assert await link.read(1, words(10, 3), start_within=PATIENT) == [1, 2, 65535]
    assert await link.read(1, words(10, 2, Table.INPUT), start_within=PATIENT) == [7, 8]
    assert await link.read(1, words(3, 3, Table.COIL), start_within=PATIENT) == [1, 0, 1]
    assert await link.read(1, words(0, 9, Table.DISCRETE), start_within=PATIENT) == [1] * 9


async def test_an_exception_is_the_devices_answer(link: ModbusLink) -> None:
    beyond = Request(Table.HOLDING, 65_535, 2, words(0, 1).channels)

    with pytest.raises(DeviceException) as refused:
        await link.read(1, beyond, start_within=PATIENT)

    assert refused.value.code == 2
    assert link.is_open


async def test_nobody_at_the_address_is_a_bus_that_is_down() -> None:
    link = link_to(free_port())

    with pytest.raises(BusDown, match="onnect"):
        await link.open()

    assert not link.is_open


async def test_a_link_that_is_not_open_cannot_be_asked() -> None:
    with pytest.raises(BusDown):
        await link_to(free_port()).read(1, words(0, 1), start_within=SHORT)


async def test_a_late_reply_is_not_the_answer_to_the_next_request(scripted: Start) -> None:
    late: list[bytes] = []

    def keep(request: bytes) -> bytes:
        late.append(answer(request, 111))
        return b""

    link = await scripted(keep, lambda request: late[0] + answer(request, 222))

    with pytest.raises(NoReply):
        await link.read(1, words(0, 1), start_within=SHORT)

    assert await link.read(1, words(0, 1), start_within=PATIENT) == [222]


@pytest.mark.parametrize(
    "reply",
    [
        lambda request: b"\x00\x00" + answer(request, 7)[2:],
        lambda request: answer(request, 7, 8),
        right(),
        lambda request: answer(request, 7)[:-1],
        lambda request: request[:4] + b"\x00\x05" + request[6:7] + b"\x04\x02\x00\x07",
        lambda request: request[:4] + b"\x00\x05" + request[6:7] + b"\x63\x02\x00\x07",
        lambda request: request[:4] + b"\x00\x06" + request[6:7] + b"\x03\x03\x00\x07\x07",
        lambda _request: b"HTTP/1.1 400 Bad Request\r\n\r\n",
    ],
    ids=[
        "no transaction",
        "too many registers",
        "no registers",
        "a piece",
        "another function",
        "an unknown function",
        "an odd count",
        "another protocol",
    ],
)
async def test_what_is_no_reply_to_this_request_is_a_bad_reply(
    scripted: Start, reply: Reply
) -> None:
    link = await scripted(reply, right(5))

    with pytest.raises(BadReply):
        await link.read(1, words(0, 1), start_within=SHORT)

    assert not link.is_open, "a connection that is out of step is renewed"
    await link.open()
    assert await link.read(1, words(0, 1), start_within=PATIENT) == [5]


async def test_a_reply_that_comes_twice_costs_no_reading(scripted: Start) -> None:
    replied: list[bytes] = []

    def once(request: bytes) -> bytes:
        replied.append(answer(request, 5))
        return replied[0]

    link = await scripted(once, lambda request: replied[0] + answer(request, 6))

    answers = [await link.read(1, words(0, 1), start_within=PATIENT) for _ in range(2)]

    assert answers == [[5], [6]]


async def test_one_missing_reply_does_not_cost_the_connection_but_many_do(
    scripted: Start,
) -> None:
    link = await scripted(nothing, nothing, nothing, nothing)

    open_after = []
    for _ in range(4):
        with pytest.raises(NoReply):
            await link.read(1, words(0, 1), start_within=SHORT)
        open_after.append(link.is_open)

    assert open_after == [True, True, True, False]


async def test_a_connection_that_breaks_ends_the_read_at_once(scripted: Start) -> None:
    link = await scripted(breaking)

    with pytest.raises(BusDown):
        await link.read(1, words(0, 1), start_within=3600)

    assert not link.is_open


async def test_a_stop_is_obeyed_when_the_reply_comes_at_the_same_moment(scripted: Start) -> None:
    reading: asyncio.Task[list[int]]

    def reply_and_stop(request: bytes) -> bytes:
        # Run in the loop's next round, just before the reply is read.
        asyncio.get_running_loop().call_soon(reading.cancel)
        return answer(request, 5)

    link = await scripted(reply_and_stop)
    reading = asyncio.create_task(link.read(1, words(0, 1), start_within=PATIENT))

    with pytest.raises(asyncio.CancelledError):
        await reading
