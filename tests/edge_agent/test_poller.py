"""One task owns a port: nothing that one device or one port does costs another its samples."""

from __future__ import annotations

import asyncio
import contextlib
import struct
from typing import TYPE_CHECKING

import pytest
from pyModbusTCP.server import ModbusServer  # type: ignore[import-untyped]

from device_profiles.model import ModbusProfile
from edge_agent.bus.link import link_for
from edge_agent.bus.poller import Poller
from edge_agent.bus.settings import RtuBus, TcpBus
from edge_agent.config import DeviceSettings
from edge_agent.site.site import site_device
from edge_agent.stamp import Stamps
from parts.processes import free_port
from parts.rtu_slave import RtuSlave, corrupted, framed, instead, rtu_slave, silent
from telemetry import settings
from telemetry.sample import BAD_REPLY, BUS_DOWN, ILLEGAL_ADDRESS, NO_REPLY, Sample

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from pathlib import Path

WITHIN = 30.0
"""Seconds for what should come soon, however slow the machine is."""

PROFILE = """\
schema: device-profile/1
id: meter
revision: 1
title: A meter
class: electricity-meter
measurement: electricity_meter
sources: [{own: for tests}]
timing: {response_timeout: 100ms}
groups: {default: {interval: 50ms}}
defaults: {table: holding, type: u16}
channels:
  - {id: a, address: 0}
  - {id: b, address: 1}
  - {id: c, address: 2}
  - {id: far, address: 500}
examples:
  - {table: holding, address: 0, hex: "0001", values: {a: 1}, source: computed}
"""


def profile(text: str) -> ModbusProfile:
    return settings.parse(text, ModbusProfile, "meter.yaml")


class Samples:
    """What was handed over, and a way to await more of it."""

    def __init__(self) -> None:
        self.all: list[Sample] = []
        self._came = asyncio.Event()

    def put(self, sample: Sample) -> None:
        """Take one."""
        self.all.append(sample)
        self._came.set()

    async def until(self, wanted: Callable[[Sample], bool]) -> Sample:
        """The next sample like that."""
        seen = len(self.all)
        async with asyncio.timeout(WITHIN):
            while True:
                for sample in self.all[seen:]:
                    if wanted(sample):
                        return sample
                seen = len(self.all)
                self._came.clear()
                await self._came.wait()


def poller_on(
    bus: RtuBus | TcpBus, units: dict[str, int], samples: Samples, text: str = PROFILE
) -> Poller:
    devices = [
        site_device(
            DeviceSettings(id=name, bus=bus.id, unit=unit, profile="meter"), bus, profile(text)
        )
        for name, unit in units.items()
    ]
    return Poller(
        name=bus.id,
        place=bus.place,
        link=link_for(bus),
        devices=devices,
        phases={each: 0.0 for device in devices for each in device.rounds},
        put=samples.put,
        stamps=Stamps(),
    )


@contextlib.asynccontextmanager
async def running(*pollers: Poller) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(poller.run()) for poller in pollers]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        for ended in await asyncio.gather(*tasks, return_exceptions=True):
            assert isinstance(ended, asyncio.CancelledError)


@pytest.fixture
def samples() -> Samples:
    return Samples()


@pytest.fixture
def slave(tmp_path: Path) -> Iterator[RtuSlave]:
    registers = {0: 10, 1: 11, 2: 12, 500: 99}
    with rtu_slave(tmp_path / "ttyUSB0", {1: dict(registers), 2: dict(registers)}) as line:
        yield line


@pytest.fixture
def line(slave: RtuSlave) -> RtuBus:
    return RtuBus(id="rs485", transport="modbus-rtu", port=slave.port, baud=115_200)


def whole(sample: Sample) -> bool:
    return not sample.flags


async def test_a_poll_is_one_sample_of_all_channels(line: RtuBus, samples: Samples) -> None:
    async with running(poller_on(line, {"meter-1": 1}, samples)):
        sample = await samples.until(whole)

    assert sample.device == "meter-1"
    assert sample.values == {"a": 10, "b": 11, "c": 12, "far": 99}


async def test_times_of_a_device_rise(line: RtuBus, samples: Samples) -> None:
    async with running(poller_on(line, {"meter-1": 1}, samples)):
        for _ in range(5):
            await samples.until(whole)

    times = [sample.at for sample in samples.all]
    assert times == sorted(set(times))


@pytest.mark.parametrize("refusal", [2, 3])
async def test_an_illegal_address_costs_only_its_channel_and_is_told_once(
    slave: RtuSlave,
    line: RtuBus,
    samples: Samples,
    caplog: pytest.LogCaptureFixture,
    refusal: int,
) -> None:
    slave.refusal = refusal
    del slave.units[1][1]

    async with running(poller_on(line, {"meter-1": 1}, samples)):
        for _ in range(3):
            sample = await samples.until(lambda s: "b" in s.flags)

    assert sample.values == {"a": 10, "c": 12, "far": 99}
    assert sample.flags == {"b": ILLEGAL_ADDRESS}
    told = [line for line in caplog.messages if "register 1 " in line]
    assert told == [
        "device meter-1 on bus rs485: it has no holding register 1 (channel b); not asked for now"
    ]


async def test_the_very_sample_of_a_refusal_has_its_flag_alone_and_every_other_value(
    slave: RtuSlave, line: RtuBus, samples: Samples
) -> None:
    """A value beside `missing` fits no envelope, and ended the agent."""
    del slave.units[1][1]

    async with running(poller_on(line, {"meter-1": 1}, samples)):
        sample = await samples.until(lambda _: True)

    assert sample.values == {"a": 10, "c": 12, "far": 99}
    assert sample.flags == {"b": ILLEGAL_ADDRESS}


async def test_a_refused_register_is_not_asked_for_again_and_again(
    slave: RtuSlave, line: RtuBus, samples: Samples
) -> None:
    del slave.units[1][1]

    async with running(poller_on(line, {"meter-1": 1}, samples)):
        await samples.until(lambda s: "b" in s.flags)
        asked = len(slave.asked)
        for _ in range(3):
            await samples.until(lambda s: "b" in s.flags)

    assert not [ask for ask in slave.asked[asked:] if ask.address <= 1 < ask.address + ask.count]


async def test_a_device_that_refuses_everything_is_asked_for_everything_again(
    slave: RtuSlave, line: RtuBus, samples: Samples
) -> None:
    registers = slave.units[1]
    slave.units[1] = {}

    async with running(poller_on(line, {"meter-1": 1}, samples)):
        await samples.until(lambda s: len(s.flags) == 4)
        slave.units[1] = registers
        sample = await samples.until(whole)

    assert len(sample.values) == 4


async def test_a_round_that_is_refused_as_a_whole_is_told_once_and_left_alone_for_a_while(
    slave: RtuSlave, line: RtuBus, samples: Samples, caplog: pytest.LogCaptureFixture
) -> None:
    """A wrong profile would otherwise take its bus twice as many reads as it has channels."""
    slow = PROFILE.replace("{interval: 50ms}}", "{interval: 50ms}, slow: {interval: 60ms}}")
    slow = slow.replace("address: 500}", "address: 500, group: slow}")
    del slave.units[1][500]

    async with running(poller_on(line, {"meter-1": 1}, samples, slow)):
        while not caplog.messages:
            refused = await samples.until(lambda s: "far" in s.flags)
        asked = len(slave.asked)
        for _ in range(5):
            left_alone = await samples.until(lambda s: "far" in s.flags)
            await samples.until(whole)

    assert refused.flags == left_alone.flags == {"far": ILLEGAL_ADDRESS}
    assert [ask.address for ask in slave.asked[asked:]].count(500) <= 1
    (told,) = caplog.messages
    assert told.startswith("device meter-1 on bus rs485: it refuses all of holding 500 (far): ")


async def test_what_a_gateway_says_of_a_device_that_is_gone_is_no_reply_for_every_channel(
    slave: RtuSlave, line: RtuBus, samples: Samples
) -> None:
    target_failed_to_respond = instead(framed(bytes([1, 0x83, 11])))
    slave.script.extend([target_failed_to_respond] * 40)
    poller = poller_on(line, {"meter-1": 1}, samples)

    async with running(poller):
        flags = [(await samples.until(lambda _: True)).flags for _ in range(3)]

    assert flags == [dict.fromkeys(("a", "b", "c", "far"), NO_REPLY)] * 3


async def test_a_bad_reply_flags_its_own_channels(
    slave: RtuSlave, line: RtuBus, samples: Samples
) -> None:
    poller = poller_on(line, {"meter-1": 1}, samples)
    slave.script.append(corrupted)

    async with running(poller):
        sample = await samples.until(lambda s: bool(s.flags))
        await samples.until(whole)

    assert set(sample.flags.values()) == {BAD_REPLY}
    assert sample.values == {"far": 99}
    assert poller.health["meter-1"].counters.bad_replies == 1


async def test_a_dead_device_does_not_keep_the_line_from_the_others(
    line: RtuBus, samples: Samples, caplog: pytest.LogCaptureFixture
) -> None:
    poller = poller_on(line, {"alive": 1, "dead": 9}, samples)

    async with running(poller):
        dead = await samples.until(lambda s: s.device == "dead")
        while poller.health["dead"].silent_since is None:
            await samples.until(lambda s: s.device == "dead")
        asked = poller.health["dead"].counters.requests
        for _ in range(20):
            await samples.until(lambda s: s.device == "alive" and whole(s))

    assert set(dead.flags.values()) == {NO_REPLY}
    assert poller.health["dead"].counters.requests <= asked + 1
    assert poller.health["dead"].counters.skipped > 0
    assert len([text for text in caplog.messages if text.startswith("device dead")]) == 1


async def test_asking_a_dead_device_takes_a_small_part_of_the_lines_time(
    slave: RtuSlave, line: RtuBus, samples: Samples
) -> None:
    """A question takes its deadline and the silence after it, 100 ms each; 5 % is the limit."""
    poller = poller_on(line, {"alive": 1, "dead": 9}, samples)

    async with running(poller):
        while poller.health["dead"].silent_since is None:
            await samples.until(lambda s: s.device == "dead")
        asked = len(slave.asked)
        while not any(ask.unit == 9 for ask in slave.asked[asked:]):
            await samples.until(lambda s: s.device == "alive" and whole(s))

    first, *_, last = [ask.at for ask in slave.asked if ask.unit == 9][-2:]
    served = [ask for ask in slave.asked if ask.unit == 1 and first < ask.at < last]
    assert 0.2 / (last - first) <= 0.05
    assert served


async def test_a_device_that_comes_back_is_read_again(
    slave: RtuSlave, line: RtuBus, samples: Samples
) -> None:
    registers = slave.units.pop(1)
    poller = poller_on(line, {"meter-1": 1}, samples)

    async with running(poller):
        while poller.health["meter-1"].silent_since is None:
            await samples.until(lambda s: NO_REPLY in s.flags.values())
        slave.units[1] = registers
        await samples.until(whole)

    assert poller.health["meter-1"].silent_since is None


async def test_a_read_that_goes_unanswered_does_not_cost_the_others(
    slave: RtuSlave, line: RtuBus, samples: Samples
) -> None:
    slave.script.append(silent)

    async with running(poller_on(line, {"meter-1": 1}, samples)):
        sample = await samples.until(lambda s: bool(s.flags))

    assert sample.flags == dict.fromkeys("abc", NO_REPLY)
    assert sample.values == {"far": 99}


async def test_a_port_that_is_pulled_out_is_flagged_told_once_and_opened_again(
    slave: RtuSlave, line: RtuBus, samples: Samples, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    poller = poller_on(line, {"meter-1": 1}, samples)

    async with running(poller):
        await samples.until(whole)
        slave.pull_out()
        down = await samples.until(lambda s: BUS_DOWN in s.flags.values())
        while poller.down_since is None:  # noqa: ASYNC110 - no event tells it
            await asyncio.sleep(0.01)
        slave.plug_in()
        await samples.until(whole)

    assert down.values == {}
    assert len([text for text in caplog.messages if "is down" in text]) == 1
    assert len([text for text in caplog.messages if "reopened" in text]) == 1


async def test_one_bus_that_is_down_does_not_touch_another(samples: Samples) -> None:
    server = ModbusServer("127.0.0.1", free_port(), no_block=True)
    server.start()
    try:
        up = TcpBus(id="up", transport="modbus-tcp", host="127.0.0.1", port=server.port)
        down = TcpBus(id="down", transport="modbus-tcp", host="127.0.0.1", port=free_port())
        pollers = poller_on(up, {"near": 1}, samples), poller_on(down, {"away": 1}, samples)

        async with running(*pollers):
            away = await samples.until(lambda s: s.device == "away")
            for _ in range(5):
                await samples.until(lambda s: s.device == "near" and whole(s))

        assert set(away.flags.values()) == {BUS_DOWN}
        assert pollers[1].health["away"].silent_since is None, "the bus is to blame"
    finally:
        server.stop()


async def test_a_bus_asked_for_too_much_counts_what_it_skips(
    slave: RtuSlave, line: RtuBus, samples: Samples
) -> None:
    slave.script.extend([lambda reply: iter([(0.08, reply)])] * 40)
    poller = poller_on(line, {"meter-1": 1, "meter-2": 2}, samples)

    async with running(poller):
        for name in ("meter-1", "meter-2") * 3:
            await samples.until(lambda s, name=name: s.device == name)  # type: ignore[misc]

    assert all(health.counters.skipped for health in poller.health.values())


@pytest.mark.parametrize("turns", range(8))
async def test_it_can_be_stopped_in_the_very_moment_of_a_reply(
    samples: Samples, turns: int
) -> None:
    """Python 3.11's wait_for forgets a cancellation that comes together with its result."""
    stopping: list[asyncio.Task[None]] = []
    left = asyncio.Event()

    async def stop() -> None:
        for _ in range(turns):
            await asyncio.sleep(0)
        run.cancel()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionResetError):
            while True:
                head, _, count = struct.unpack(">8sHH", await reader.readexactly(12))
                data = struct.pack(">HBBB", 3 + 2 * count, 1, 3, 2 * count) + bytes(2 * count)
                writer.write(head[:4] + data)
                if not stopping:
                    stopping.append(asyncio.create_task(stop()))
        writer.close()
        left.set()

    async with await asyncio.start_server(serve, "127.0.0.1", port := free_port()):
        bus = TcpBus(id="net", transport="modbus-tcp", host="127.0.0.1", port=port)
        run = asyncio.create_task(poller_on(bus, {"meter-1": 1}, samples).run())
        done, _ = await asyncio.wait({run}, timeout=WITHIN)
        await left.wait()

    assert done
    assert run.cancelled()
