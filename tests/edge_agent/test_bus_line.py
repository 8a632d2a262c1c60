"""However a line's bytes come, a read brings the words that were asked for, or the reason why not.

Late, wrong, damaged and foreign frames are never the answer, and cost no reading that follows.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from device_profiles.channel import RegisterChannel
from device_profiles.registers import Table, Type
from edge_agent.bus.failures import BadReply, BusDown, DeviceException, NoReply, ReadFailed
from edge_agent.bus.frames import AsciiFrames, RtuFrames
from edge_agent.bus.modbus import ModbusLink
from edge_agent.bus.request import Request
from edge_agent.bus.settings import AsciiBus, RtuBus
from parts.rtu_slave import framed
from parts.scripted_stream import DELIVERIES, ScriptedStream, one_by_one, together

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from parts.scripted_stream import Delivery, Device

PATIENT = 20.0
"""Seconds where a test wants the answer, however slow the machine is."""

SHORT = 0.02
"""Seconds where a test wants none."""

RTU = RtuBus.model_validate(
    {"id": "b", "transport": "modbus-rtu", "port": "/dev/none", "baud": 115_200}
)

ASCII = AsciiBus.model_validate(
    {"id": "b", "transport": "modbus-ascii", "port": "/dev/none", "baud": 115_200}
)


def words(address: int, count: int, *, resets: bool = False) -> Request:
    channels = tuple(
        RegisterChannel(id=f"c{n}", table=Table.HOLDING, address=n, type=Type.U16, resets=resets)
        for n in range(address, address + count)
    )
    return Request(Table.HOLDING, address, count, channels)


def right(request: bytes) -> bytes:
    """Register n says n; other questions are refused."""
    if request[1] != 3:
        return framed(bytes([request[0], request[1] | 0x80, 1]))
    address, count = int.from_bytes(request[2:4]), int.from_bytes(request[4:6])
    data = b"".join((address + n).to_bytes(2) for n in range(count))
    return framed(bytes([request[0], 3, len(data)]) + data)


class Scripted:
    """A device that answers each request as the next of `script` says, and rightly after that."""

    def __init__(self, *script: Device) -> None:
        self.script = list(script)

    def __call__(self, request: bytes) -> Iterable[bytes]:
        """What is said to `request`."""
        return self.script.pop(0)(request) if self.script else (right(request),)


async def link_to(
    *script: Device, delivery: Delivery = together, bus: RtuBus | AsciiBus = RTU
) -> tuple[ModbusLink, ScriptedStream]:
    stream = ScriptedStream(Scripted(*script), delivery)
    link = ModbusLink(bus, stream)
    await link.open()
    return link, stream


def nothing(_request: bytes) -> Iterable[bytes]:
    return ()


def saying(*replies: bytes) -> Device:
    return lambda _request: replies


BEFORE = {
    "a byte of noise": b"\x00",
    "two bytes of junk": b"\xff\x01",
    "another unit's frame": framed(bytes([2, 3, 2, 7, 7])),
    "another function": framed(bytes([1, 4, 2, 7, 7])),
    "another count": framed(bytes([1, 3, 4, 7, 7, 7, 7])),
    "a wrong checksum": framed(bytes([1, 3, 2, 7, 7]))[:-1] + b"\x00",
    "a beginning that promises more": b"\x01\x03\xfa",
    "the request itself": framed(bytes([1, 3, 0, 9, 0, 1])),
}


@pytest.mark.parametrize("delivery", DELIVERIES)
@pytest.mark.parametrize("before", BEFORE.values(), ids=BEFORE.keys())
async def test_what_comes_before_the_answer_does_not_hide_it(
    before: bytes, delivery: Delivery
) -> None:
    link, _ = await link_to(lambda request: (before + right(request),), delivery=delivery)

    assert await link.read(1, words(9, 1), start_within=PATIENT) == [9]


@pytest.mark.parametrize("delivery", DELIVERIES)
@pytest.mark.parametrize("instead", BEFORE.values(), ids=BEFORE.keys())
async def test_what_is_no_answer_is_a_bad_reply_and_the_next_read_is_right(
    instead: bytes, delivery: Delivery
) -> None:
    link, _ = await link_to(saying(instead), delivery=delivery)

    with pytest.raises(BadReply):
        await link.read(1, words(9, 1), start_within=SHORT)

    assert await link.read(1, words(7, 1), start_within=PATIENT) == [7]


@pytest.mark.parametrize("bus", [RTU, ASCII], ids=["rtu", "ascii"])
async def test_an_echo_that_looks_like_an_answer_is_none(bus: RtuBus | AsciiBus) -> None:
    """24 coils are three bytes, as many as the first byte of their address says."""
    coils = Request(Table.COIL, 0x0307, 24, ())
    wrap = (AsciiFrames if bus is ASCII else RtuFrames).wrap
    link, _ = await link_to(lambda echo: (echo, wrap(1, bytes([1, 3, 1, 2, 4]))), bus=bus)

    bits = await link.read(1, coils, start_within=PATIENT)

    assert [index for index, bit in enumerate(bits) if bit] == [0, 9, 18]


async def test_whose_frame_came_instead_is_told() -> None:
    link, _ = await link_to(saying(BEFORE["another unit's frame"]))

    with pytest.raises(BadReply, match="such as unit 2's 03 02 07 07"):
        await link.read(1, words(9, 1), start_within=SHORT)


@pytest.mark.parametrize("index", range(7))
@pytest.mark.parametrize("lost", [True, False], ids=["lost", "damaged"])
async def test_a_byte_that_is_lost_or_damaged_costs_the_read_and_no_more(
    index: int, *, lost: bool
) -> None:
    def damaged(request: bytes) -> Iterable[bytes]:
        reply = right(request)
        middle = b"" if lost else bytes([reply[index] ^ 0x10])
        return (reply[:index] + middle + reply[index + 1 :],)

    link, _ = await link_to(damaged, delivery=one_by_one)

    with pytest.raises(ReadFailed):
        await link.read(1, words(9, 1), start_within=SHORT)
    assert await link.read(1, words(7, 1), start_within=PATIENT) == [7]


@pytest.mark.parametrize("delivery", DELIVERIES)
async def test_a_reply_that_comes_with_the_next_ones_is_not_taken_for_it(
    delivery: Delivery,
) -> None:
    """However late it is: nothing but the order of requests tells."""
    missed: list[bytes] = []

    def late(request: bytes) -> Iterable[bytes]:
        missed.append(request)
        return ()

    def both(request: bytes) -> Iterable[bytes]:
        return (right(missed[0]), right(request))

    link, _ = await link_to(late, both, delivery=delivery)
    with pytest.raises(NoReply):
        await link.read(1, words(100, 2), start_within=SHORT)

    assert await link.read(1, words(200, 2), start_within=PATIENT) == [200, 201]
    assert link.late_replies == 1


async def test_a_device_that_is_always_one_reply_behind_never_says_anothers_words() -> None:
    asked: list[bytes] = []

    def behind(request: bytes) -> Iterable[bytes]:
        asked.append(request)
        return (right(asked[-2]),) if len(asked) > 1 else ()

    link, _ = await link_to(*[behind] * 40)

    for address in range(8):
        try:
            answer = await link.read(1, words(10 * address, 1), start_within=SHORT)
        except ReadFailed:
            continue
        assert answer == [10 * address]


async def test_after_a_lost_reply_a_register_more_is_asked_for() -> None:
    link, stream = await link_to(nothing)
    with pytest.raises(NoReply):
        await link.read(1, words(10, 2), start_within=SHORT)

    assert await link.read(1, words(20, 2), start_within=PATIENT) == [20, 21]

    assert [request[1:6] for request in stream.requests[1:]] == [bytes([3, 0, 20, 0, 3])]


async def test_a_device_that_refuses_more_is_trusted_to_answer_in_order() -> None:
    refused = framed(bytes([1, 0x83, 2]))
    link, stream = await link_to(nothing, saying(refused))
    with pytest.raises(NoReply):
        await link.read(1, words(10, 2), start_within=SHORT)

    assert await link.read(1, words(20, 2), start_within=PATIENT) == [20, 21]
    assert [request[5] for request in stream.requests] == [2, 3, 2]


async def test_a_device_that_is_silent_to_more_is_asked_for_less_and_then_trusted() -> None:
    link, stream = await link_to(nothing, nothing)
    for _ in range(2):
        with pytest.raises(NoReply):
            await link.read(1, words(10, 2), start_within=SHORT)

    assert await link.read(1, words(20, 2), start_within=PATIENT) == [20, 21]
    assert [request[5] for request in stream.requests] == [2, 3, 1, 2]


async def test_a_reply_that_comes_out_of_order_is_not_taken_for_another() -> None:
    """Some gateways send what they have collected all at once, whenever they have it."""
    missed: list[bytes] = []

    def late(request: bytes) -> Iterable[bytes]:
        missed.append(request)
        return ()

    def both(request: bytes) -> Iterable[bytes]:
        return (right(missed.pop()), right(request))

    link, _ = await link_to(late, lambda request: (right(request),), both)
    with pytest.raises(NoReply):
        await link.read(1, words(10, 2), start_within=SHORT)

    for address in (20, 30, 40):
        answer = await link.read(1, words(address, 2), start_within=PATIENT)
        assert answer == [address, address + 1]


async def test_a_device_that_refuses_everything_is_heard_after_a_lost_reply() -> None:
    link, _ = await link_to(nothing, *[saying(framed(bytes([1, 0x83, 2])))] * 9)
    with pytest.raises(NoReply):
        await link.read(1, words(10, 2), start_within=SHORT)

    for count in (1, 2, 3, 1, 2):
        with pytest.raises(DeviceException):
            await link.read(1, words(20, count), start_within=SHORT)


async def test_a_read_that_looks_otherwise_needs_nothing_in_between() -> None:
    link, stream = await link_to(nothing)
    with pytest.raises(NoReply):
        await link.read(1, words(10, 2), start_within=SHORT)

    await link.read(1, words(10, 3), start_within=PATIENT)
    await link.read(1, words(10, 2), start_within=PATIENT)
    await link.read(2, words(10, 2), start_within=PATIENT)

    assert len(stream.requests) == 4


async def test_registers_that_reading_changes_are_not_read_in_between() -> None:
    link, stream = await link_to(nothing)
    with pytest.raises(NoReply):
        await link.read(1, words(10, 2, resets=True), start_within=SHORT)

    await link.read(1, words(10, 2, resets=True), start_within=PATIENT)

    assert [request[1] for request in stream.requests] == [3, 0x2B, 3]


async def test_a_device_that_refuses_what_is_asked_in_between_is_read_on() -> None:
    refused = framed(bytes([1, 0x83, 2]))
    link, stream = await link_to(nothing, saying(refused))
    with pytest.raises(NoReply):
        await link.read(1, words(10, 1), start_within=SHORT)

    assert await link.read(1, words(10, 1), start_within=PATIENT) == [10]
    assert len(stream.requests) == 3


async def test_a_late_refusal_is_not_the_next_requests() -> None:
    refused = framed(bytes([1, 0x83, 2]))
    link, _ = await link_to(nothing, lambda request: (refused, right(request)))
    with pytest.raises(NoReply):
        await link.read(1, words(10, 1), start_within=SHORT)

    assert await link.read(1, words(10, 3), start_within=PATIENT) == [10, 11, 12]


async def test_a_late_reply_before_the_next_request_settles_its_own() -> None:
    link, stream = await link_to(nothing)
    with pytest.raises(NoReply):
        await link.read(1, words(10, 2), start_within=SHORT)
    stream.say(right(stream.requests[0]))

    assert await link.read(1, words(20, 2), start_within=PATIENT, late_within=SHORT) == [20, 21]
    assert len(stream.requests) == 2
    assert link.late_replies == 1


async def test_a_refusal_is_the_devices_answer() -> None:
    link, _ = await link_to(saying(framed(bytes([1, 0x83, 6]))))

    with pytest.raises(DeviceException) as refused:
        await link.read(1, words(10, 1), start_within=PATIENT)

    assert refused.value.code == 6


async def test_an_identification_is_put_together_from_its_parts() -> None:
    first = bytes([1, 0x2B, 0x0E, 1, 1, 0xFF, 1, 1, 0, 4]) + b"Acme"
    rest = bytes([1, 0x2B, 0x0E, 1, 1, 0, 0, 2, 1, 3]) + b"EM3" + bytes([2, 3]) + b"1.0"
    link, stream = await link_to(saying(framed(first)), saying(framed(rest)))

    objects = await link.identify(1, start_within=PATIENT)

    assert objects == {0: "Acme", 1: "EM3", 2: "1.0"}
    assert [request[1:5].hex() for request in stream.requests] == ["2b0e0100", "2b0e0101"]


async def test_an_identification_without_end_is_a_bad_reply() -> None:
    endless = bytes([1, 0x2B, 0x0E, 1, 1, 0xFF, 0, 1, 0, 4]) + b"Acme"
    link, _ = await link_to(*[saying(framed(endless))] * 99)

    with pytest.raises(BadReply, match="parts"):
        await link.identify(1, start_within=PATIENT)


async def test_who_was_not_heard_can_be_asked_who_he_is_again() -> None:
    said = framed(bytes([1, 0x2B, 0x0E, 1, 1, 0, 0, 1, 0, 4]) + b"Acme")
    link, _ = await link_to(nothing, lambda request: (right(request),), saying(said))
    with pytest.raises(NoReply):
        await link.identify(1, start_within=SHORT)

    assert await link.identify(1, start_within=PATIENT) == {0: "Acme"}


@pytest.mark.parametrize("delivery", DELIVERIES)
@pytest.mark.parametrize(
    "before", [b"", b":01", b"\r\n", b"noise:", AsciiFrames.wrap(2, b"\3\0\0")]
)
async def test_an_ascii_reply_is_read_like_any(
    before: bytes, delivery: Delivery, tmp_path: Path
) -> None:
    bus = AsciiBus(id="b", transport="modbus-ascii", port=tmp_path / "none", baud=115_200)
    reply = before + AsciiFrames.wrap(1, bytes([3, 4, 0, 9, 0, 10]))
    link, stream = await link_to(saying(reply), delivery=delivery, bus=bus)

    assert await link.read(1, words(9, 2), start_within=PATIENT) == [9, 10]
    assert stream.requests == [b":010300090002F1\r\n"]


async def test_a_line_that_is_never_silent_is_a_bus_that_is_down() -> None:
    slow = RTU.model_copy(update={"baud": 1200})
    link, stream = await link_to(delivery=lambda data: [(0.002, data)] * 10_000, bus=slow)
    stream.say(b"\xff")
    while not stream.heard_at:  # noqa: ASYNC110 - a byte sets no event
        await asyncio.sleep(0.001)

    with pytest.raises(BusDown, match="never silent"):
        await link.read(1, words(9, 1), start_within=SHORT)

    assert not link.is_open
