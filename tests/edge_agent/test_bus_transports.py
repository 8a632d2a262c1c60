"""Every transport reads from slaves that are not ours: pymodbus's server, and libmodbus's in C."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

import pytest

from device_profiles.registers import Table
from edge_agent.bus.failures import BadReply, BusDown, DeviceException, NoReply
from edge_agent.bus.frames import TcpFrames
from edge_agent.bus.modbus import ModbusLink
from edge_agent.bus.request import Request
from edge_agent.bus.settings import RtuOverTcpBus, TlsBus, UdpBus
from parts.certificates import make_authority
from parts.modbus_slaves import (
    HOST,
    ascii_,
    libmodbus_rtu,
    libmodbus_tcp,
    rtu_over_tcp,
    tcp,
    tls,
    udp,
)
from parts.processes import free_port

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from edge_agent.bus.settings import ModbusBus
    from parts.modbus_slaves import Slave

PATIENT = 20.0
"""Seconds where a test wants the answer, however slow the machine is."""

SHORT = 0.05
"""Seconds where a test wants none."""

PYMODBUS = [tcp, udp, tls, rtu_over_tcp, ascii_]
ALL = [*PYMODBUS, libmodbus_tcp, libmodbus_rtu]


def words(address: int, count: int, table: Table = Table.HOLDING) -> Request:
    return Request(table, address, count, ())


@contextlib.asynccontextmanager
async def opened(bus: ModbusBus) -> AsyncIterator[ModbusLink]:
    link = ModbusLink(bus)
    await link.open()
    try:
        yield link
    finally:
        link.close()
        await asyncio.sleep(0)  # a transport that is closed says so in the loop's next round


@pytest.mark.parametrize("slave", ALL)
async def test_registers_are_read(slave: Slave, tmp_path: Path) -> None:
    async with slave(tmp_path) as bus, opened(bus) as link:
        for address, count in [(0, 1), (7, 125), (199, 1)]:
            answer = await link.read(1, words(address, count), start_within=PATIENT)
            assert answer == [1000 + address + n for n in range(count)]


@pytest.mark.parametrize("slave", [libmodbus_tcp, libmodbus_rtu])
async def test_every_table_is_read(slave: Slave, tmp_path: Path) -> None:
    async with slave(tmp_path) as bus, opened(bus) as link:
        inputs = await link.read(1, words(3, 2, Table.INPUT), start_within=PATIENT)
        coils = await link.read(1, words(3, 11, Table.COIL), start_within=PATIENT)
        discrete = await link.read(1, words(4, 3, Table.DISCRETE), start_within=PATIENT)

    assert inputs == [2003, 2004]
    assert coils == [n % 2 for n in range(3, 14)]
    assert discrete == [0, 1, 0]


@pytest.mark.parametrize("slave", ALL)
async def test_what_is_refused_is_an_exception(slave: Slave, tmp_path: Path) -> None:
    async with slave(tmp_path) as bus, opened(bus) as link:
        with pytest.raises(DeviceException) as refused:
            await link.read(1, words(500, 2), start_within=PATIENT)
        again = await link.read(1, words(5, 1), start_within=PATIENT)

    assert refused.value.code == 2
    assert again == [1005]


@pytest.mark.parametrize("slave", PYMODBUS)
async def test_who_a_device_is_can_be_asked(slave: Slave, tmp_path: Path) -> None:
    async with slave(tmp_path) as bus, opened(bus) as link:
        objects = await link.identify(1, start_within=PATIENT)

    assert objects == {0: "Acme", 1: "EM3", 2: "1.0"}


async def test_a_device_that_knows_no_identification_refuses(tmp_path: Path) -> None:
    async with libmodbus_tcp(tmp_path) as bus, opened(bus) as link:
        with pytest.raises(DeviceException) as refused:
            await link.identify(1, start_within=PATIENT)

    assert refused.value.code == 1


async def test_a_certificate_with_another_name_is_not_spoken_to(tmp_path: Path) -> None:
    async with tls(tmp_path) as bus:
        link = ModbusLink(bus.model_copy(update={"server_name": "other.example"}))

        with pytest.raises(BusDown, match=r"certificate is not trusted: .*other\.example"):
            await link.open()


async def test_a_certificate_of_another_authority_is_not_spoken_to(tmp_path: Path) -> None:
    (strangers := tmp_path / "strangers").mkdir()
    make_authority(strangers)
    async with tls(tmp_path) as bus:
        assert isinstance(bus, TlsBus)
        other = bus.tls.model_copy(update={"ca": strangers / "ca.crt"})
        link = ModbusLink(bus.model_copy(update={"tls": other}))

        with pytest.raises(BusDown, match="certificate is not trusted"):
            await link.open()


async def test_a_certificate_that_is_not_there_is_told(tmp_path: Path) -> None:
    async with tls(tmp_path) as bus:
        assert isinstance(bus, TlsBus)
        other = bus.tls.model_copy(update={"ca": tmp_path / "gone.crt"})

        with pytest.raises(BusDown, match="No such file"):
            await ModbusLink(bus.model_copy(update={"tls": other})).open()


class Datagrams(asyncio.DatagramProtocol):
    """Answers each datagram with those that `script` makes of it."""

    def __init__(self, *script: Callable[[bytes], list[bytes]]) -> None:
        self._script = list(script)

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]
        """Keep whom to answer by."""
        self._transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Answer as scripted."""
        for datagram in self._script.pop(0)(data):
            self._transport.sendto(datagram, addr)


def answer(request: bytes, value: int) -> bytes:
    transaction = int.from_bytes(request[:2])
    return TcpFrames.wrap(1, b"\x03\x02" + value.to_bytes(2), transaction)


async def test_datagrams_that_are_lost_late_or_cut_are_never_put_together() -> None:
    asked: list[bytes] = []

    def lost(request: bytes) -> list[bytes]:
        asked.append(request)
        return []

    def late_then_right(request: bytes) -> list[bytes]:
        return [answer(asked[0], 111), answer(request, 222)]

    def cut(request: bytes) -> list[bytes]:
        return [answer(request, 7)[:6], answer(request, 7)[6:]]

    script = Datagrams(lost, late_then_right, cut, lambda request: [answer(request, 5)])
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(lambda: script, local_addr=(HOST, 0))
    port = transport.get_extra_info("sockname")[1]
    async with opened(UdpBus(id="b", transport="modbus-udp", host=HOST, port=port)) as link:
        with pytest.raises(NoReply):
            await link.read(1, words(0, 1), start_within=SHORT)
        after_the_loss = await link.read(1, words(0, 1), start_within=PATIENT)
        with pytest.raises(BadReply):
            await link.read(1, words(0, 1), start_within=SHORT)
        after_the_cut = await link.read(1, words(0, 1), start_within=PATIENT)

    transport.close()
    assert (after_the_loss, after_the_cut) == ([222], [5])
    assert link.late_replies == 1


@pytest.mark.parametrize(
    "before",
    [lambda request: answer(request, 5), lambda _request: b"noise, not Modbus"],
    ids=["the last answer again", "another protocol"],
)
async def test_a_datagram_that_nobody_asked_for_costs_no_reading(
    before: Callable[[bytes], bytes],
) -> None:
    asked: list[bytes] = []

    def right(request: bytes) -> list[bytes]:
        asked.append(request)
        return [answer(request, 5)]

    script = Datagrams(
        right,
        lambda request: [before(asked[0]), answer(request, 6), before(asked[0])],
        right,
    )
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(lambda: script, local_addr=(HOST, 0))
    port = transport.get_extra_info("sockname")[1]
    async with opened(UdpBus(id="b", transport="modbus-udp", host=HOST, port=port)) as link:
        answers = [await link.read(1, words(0, 1), start_within=PATIENT) for _ in range(3)]

    transport.close()
    assert answers == [[5], [6], [5]]


async def test_nobody_at_an_address_is_a_bus_that_is_down_when_it_is_asked() -> None:
    bus = UdpBus(id="b", transport="modbus-udp", host=HOST, port=free_port())
    async with opened(bus) as link:
        with pytest.raises(BusDown):
            await link.read(1, words(0, 1), start_within=PATIENT)

        assert not link.is_open


async def test_a_serial_server_that_is_silent_for_long_is_connected_to_anew() -> None:
    """It may have restarted, and know nothing of the connection."""
    silent = asyncio.Event()

    async def say_nothing(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await silent.wait()
        writer.close()

    open_after = []
    async with await asyncio.start_server(say_nothing, HOST, port := free_port()):
        bus = RtuOverTcpBus(
            id="b", transport="modbus-rtu-over-tcp", host=HOST, port=port, baud=115_200
        )
        async with opened(bus) as link:
            for unit in range(1, 5):
                with pytest.raises(NoReply):
                    await link.read(unit, words(0, 1), start_within=SHORT)
                open_after.append(link.is_open)
        silent.set()

    assert open_after == [True, True, True, False]


async def test_a_serial_server_that_hangs_up_is_a_bus_that_is_down() -> None:
    async def hang_up(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async with await asyncio.start_server(hang_up, HOST, port := free_port()):
        bus = RtuOverTcpBus(id="b", transport="modbus-rtu-over-tcp", host=HOST, port=port)
        async with opened(bus) as link:
            with pytest.raises(BusDown):
                await link.read(1, words(0, 1), start_within=PATIENT)
