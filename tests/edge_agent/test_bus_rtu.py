"""A read on a serial line brings the words that were asked for, or the reason why not.

Nothing that came late, from another unit, or damaged is ever taken for an answer.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import pytest

from device_profiles.channel import RegisterChannel
from device_profiles.registers import Table, Type
from edge_agent.bus.failures import BadReply, BusDown, DeviceException, NoReply
from edge_agent.bus.modbus import ModbusLink
from edge_agent.bus.request import Request
from edge_agent.bus.settings import RtuBus
from parts.rtu_slave import RtuSlave, corrupted, framed, instead, late, rtu_slave, silent

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

START_WITHIN = 0.2
"""Seconds that these slaves have; scripted late replies come well after."""

PATIENT = 20.0
"""Seconds where a test wants the answer, however slow the machine is."""


def words(address: int, count: int, table: Table = Table.HOLDING) -> Request:
    channels = tuple(
        RegisterChannel(id=f"c{n}", table=table, address=n, type=Type.U16)
        if not table.is_bits
        else RegisterChannel(id=f"c{n}", table=table, address=n, type=Type.BOOL)
        for n in range(address, address + count)
    )
    return Request(table, address, count, channels)


@pytest.fixture
def slave(tmp_path: Path) -> Iterator[RtuSlave]:
    units = {1: {n: 1000 + n for n in range(200)}, 2: {n: 2000 + n for n in range(200)}}
    with rtu_slave(tmp_path / "ttyUSB0", units) as line:
        yield line


@pytest.fixture
async def link(slave: RtuSlave) -> AsyncIterator[ModbusLink]:
    bus = RtuBus(id="rs485", transport="modbus-rtu", port=slave.port, baud=9600)
    port = ModbusLink(bus)
    await port.open()
    yield port
    port.close()


async def test_reads_up_to_125_registers(link: ModbusLink) -> None:
    answer = await link.read(1, words(10, 125), start_within=PATIENT)

    assert answer == [1010 + n for n in range(125)]


async def test_reads_bits_as_zeros_and_ones(slave: RtuSlave, link: ModbusLink) -> None:
    slave.units[1] = {n: n % 2 for n in range(20)}

    answer = await link.read(1, words(3, 11, Table.COIL), start_within=PATIENT)

    assert answer == [1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1]


async def test_a_late_reply_is_not_the_answer_to_the_next_request(
    slave: RtuSlave, link: ModbusLink
) -> None:
    slave.script.append(late(1.5 * (START_WITHIN + 0.1)))

    with pytest.raises(NoReply):
        await link.read(1, words(10, 1), start_within=START_WITHIN)
    answer = await link.read(1, words(50, 1), start_within=PATIENT)

    assert answer == [1050]
    assert link.late_replies == 1


async def test_a_slow_device_that_is_not_waited_for_is_not_taken_for_the_next_one(
    slave: RtuSlave, link: ModbusLink
) -> None:
    slave.script.append(late(5 * START_WITHIN))

    with pytest.raises(NoReply):
        await link.read(1, words(10, 1), start_within=START_WITHIN, late_within=8 * START_WITHIN)
    answer = await link.read(1, words(50, 1), start_within=PATIENT)

    assert answer == [1050]
    assert link.late_replies == 1


async def test_after_a_timeout_the_line_is_given_time_to_fall_silent(
    slave: RtuSlave, link: ModbusLink
) -> None:
    slave.script.append(silent)

    with pytest.raises(NoReply):
        await link.read(1, words(10, 1), start_within=START_WITHIN)
    missed_at = time.monotonic()
    await link.read(2, words(10, 1), start_within=PATIENT)

    assert slave.asked[1].at - missed_at >= START_WITHIN * 0.9


async def test_frames_are_parted_by_three_and_a_half_characters(
    slave: RtuSlave, link: ModbusLink
) -> None:
    for _ in range(20):
        await link.read(1, words(0, 2), start_within=PATIENT)

    gaps = [
        asked.at - replied
        for asked, replied in zip(slave.asked[1:], slave.replied_at, strict=False)
    ]
    assert min(gaps) >= 3.5 * 10 / 9600 * 0.98


async def test_an_exception_is_the_devices_answer(link: ModbusLink) -> None:
    with pytest.raises(DeviceException) as refused:
        await link.read(1, words(199, 2), start_within=PATIENT)

    assert refused.value.code == 2


@pytest.mark.parametrize(
    ("wrong", "what"),
    [
        (corrupted, "a flipped bit"),
        (instead(framed(bytes([2, 3, 2, 7, 7]))), "another unit's reply"),
        (instead(framed(bytes([1, 4, 2, 7, 7]))), "another function"),
        (instead(framed(bytes([1, 3, 4, 7, 7, 7, 7]))), "more registers than asked for"),
        (instead(framed(bytes([1, 3, 3, 7, 7, 7]))), "an odd number of bytes"),
        (instead(framed(bytes([1, 3, 0]))), "no registers"),
        (instead(b"\x01"), "a fragment"),
        (instead(bytes(range(60))), "noise"),
        (instead(b"\x01\x2b\x0e\x01\x01" * 4), "noise that looks like other functions"),
        (instead(b"\xff" * 300), "a babbling unit"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_what_is_no_reply_to_this_request_is_a_bad_reply(
    slave: RtuSlave, link: ModbusLink, wrong: object, what: str
) -> None:
    slave.script.append(wrong)  # type: ignore[arg-type]

    with pytest.raises(BadReply):
        await link.read(1, words(0, 1), start_within=START_WITHIN)

    assert await link.read(1, words(7, 1), start_within=PATIENT) == [1007], what


async def test_a_reply_in_pieces_is_whole(slave: RtuSlave, link: ModbusLink) -> None:
    reply = framed(bytes([1, 3, 2, 1, 2]))
    slave.script.append(instead(*(reply[n : n + 1] for n in range(len(reply)))))

    assert await link.read(1, words(0, 1), start_within=PATIENT) == [0x0102]


@pytest.mark.parametrize(
    "before", [b"\x00", b"\xff\xff", b"\x01\x83", framed(b"\x02\x03\x02\x07\x07")]
)
async def test_noise_and_others_frames_before_a_reply_do_no_harm(
    slave: RtuSlave, link: ModbusLink, before: bytes
) -> None:
    slave.script.append(lambda reply: iter([(0.0, before + reply)]))

    assert await link.read(1, words(0, 1), start_within=PATIENT) == [1000]


async def test_a_port_that_is_pulled_out_ends_the_read_at_once(
    slave: RtuSlave, link: ModbusLink
) -> None:
    slave.script.append(silent)
    reading = asyncio.create_task(link.read(1, words(0, 1), start_within=3600))
    while not slave.asked:  # noqa: ASYNC110 - the slave is a thread and sets no event
        await asyncio.sleep(0.01)

    slave.pull_out()

    with pytest.raises(BusDown):
        await reading
    assert not link.is_open


async def test_a_port_that_is_back_is_opened_again(slave: RtuSlave, link: ModbusLink) -> None:
    slave.pull_out()
    with pytest.raises(BusDown, match="there is no such port"):
        await link.open()

    slave.plug_in()
    await link.open()

    assert await link.read(1, words(0, 1), start_within=PATIENT) == [1000]


async def test_a_port_belongs_to_one_process(slave: RtuSlave, link: ModbusLink) -> None:
    other = ModbusLink(RtuBus(id="other", transport="modbus-rtu", port=slave.port))

    with pytest.raises(BusDown, match="another process has it open"):
        await other.open()

    assert link.is_open
