"""Promise: over hours, whatever one device or one bus does, the others keep their rate and times.

In virtual time: the poller's own loop on a scripted line, whose requests take what they would.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

from device_profiles.model import ModbusProfile
from edge_agent.bus.failures import BusDown, DeviceException, DeviceRefused, NoReply, ReadFailed
from edge_agent.bus.poller import Poller
from edge_agent.bus.request import Request
from edge_agent.bus.rounds import spread
from edge_agent.bus.settings import RtuBus, TcpBus
from edge_agent.config import DeviceSettings
from edge_agent.site.site import SiteDevice, site_device
from edge_agent.stamp import Stamps
from parts.virtual_time import run_virtually
from telemetry import settings
from telemetry.sample import DEVICE_ERROR, ILLEGAL_ADDRESS, NO_REPLY, Flag, Sample

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from edge_agent.bus.planned import Answer, Planned

LINE = RtuBus.model_validate({"id": "line", "transport": "modbus-rtu", "port": "/dev/ttyS0"})
NET = TcpBus.model_validate({"id": "net", "transport": "modbus-tcp", "host": "127.0.0.1"})

PROFILE = """\
schema: device-profile/1
id: meter
revision: 1
title: A meter
class: electricity-meter
measurement: electricity_meter
sources: [{own: for tests}]
timing: {turnaround: 20ms}
groups: {fast: {interval: 1s}, slow: {interval: 60s}, label: {interval: once}}
defaults: {table: holding, type: u16, group: fast}
channels:
  - {id: power, address: 0}
  - {id: energy, address: 2, group: slow}
  - {id: serial, address: 500, group: label}
examples:
  - {table: holding, address: 0, hex: "0001", values: {power: 1}, source: computed}
"""


def devices(
    bus: RtuBus | TcpBus, *names: str, text: str = PROFILE, **more: object
) -> list[SiteDevice]:
    profile = settings.parse(text, ModbusProfile, "meter.yaml")
    told = [{"id": name, "bus": bus.id, "unit": n + 1} for n, name in enumerate(names)]
    entries = [DeviceSettings.model_validate(each | {"profile": "meter"} | more) for each in told]
    return [site_device(entry, bus, profile) for entry in entries]


@dataclass
class ScriptedLine:
    """A `Link` whose requests take their time on the wire, and whose devices do as told."""

    fails: Callable[[str, Request, float], ReadFailed | None] = lambda *_: None
    words: type[list[int]] = list
    late_replies: int = 0
    is_open: bool = False
    asked: list[tuple[float, str, int]] = field(default_factory=list)
    drain: float = 0.0

    async def open(self) -> None:
        """It opens."""
        self.is_open = True

    def close(self) -> None:
        """It closes."""
        self.is_open = False

    async def fetch(self, device: SiteDevice, request: Planned) -> Answer:
        """Words, or what the script says in their place."""
        assert isinstance(request, Request)
        loop = asyncio.get_running_loop()
        drain, self.drain = self.drain, 0.0
        await asyncio.sleep(drain)
        self.asked.append((loop.time(), device.id, request.address))
        failure = self.fails(device.id, request, loop.time())
        if isinstance(failure, NoReply):
            await asyncio.sleep(device.response)
            self.drain = device.profile.timing.response_timeout
            raise failure
        await asyncio.sleep(request.seconds(device.cost))
        if failure is not None:
            raise failure
        return self.words([7] * request.count)


@dataclass
class Street:
    """Some buses that are polled for some time."""

    samples: list[Sample] = field(default_factory=list)
    pollers: list[Poller] = field(default_factory=list)

    def add(self, bus: RtuBus | TcpBus, link: ScriptedLine, on_it: Sequence[SiteDevice]) -> None:
        """A bus with its devices."""
        poller = Poller(
            name=bus.id,
            place=bus.place,
            link=link,
            devices=on_it,
            phases=spread(device.timetable for device in on_it),
            put=self.samples.append,
            stamps=Stamps(),
            clock=_milliseconds,
        )
        self.pollers.append(poller)

    async def pass_time(self, seconds: float) -> None:
        """Poll for so long."""
        tasks = [asyncio.create_task(poller.run()) for poller in self.pollers]
        await asyncio.sleep(seconds)
        for task in tasks:
            task.cancel()
        for task in tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task

    def whole(self, *, since: float = 0.0, until: float = 1e9) -> Counter[str]:
        """Good samples by device, between two times in seconds."""
        between = (s for s in self.samples if since * 1000 <= s.at < until * 1000)
        return Counter(s.device for s in between if s.values)

    def health(self, device: str) -> Counter[str]:
        """A device's counters."""
        counters = next(p.health[device] for p in self.pollers if device in p.health).counters
        return Counter(
            requests=counters.requests, replies=counters.replies, skipped=counters.skipped
        )


def _milliseconds() -> int:
    return round(asyncio.get_running_loop().time() * 1000)


def polled(
    seconds: float, link: ScriptedLine, on_it: Sequence[SiteDevice], bus: RtuBus | TcpBus = LINE
) -> Street:
    street = Street()
    street.add(bus, link, on_it)
    run_virtually(street.pass_time(seconds))
    return street


def dead(*names: str) -> Callable[[str, Request, float], ReadFailed | None]:
    return lambda device, *_: NoReply("dead") if device in names else None


NAMES = [f"meter-{n}" for n in range(8)]


@pytest.mark.parametrize("gone", [1, 3])
def test_dead_devices_leave_the_others_95_percent_of_their_rate(gone: int) -> None:
    """In every minute from the first back-off on; each question to a dead one takes 2 s."""
    names = NAMES[:gone]
    alive = NAMES[gone:]

    street = polled(1800, ScriptedLine(fails=dead(*names)), devices(LINE, *NAMES))
    undisturbed = polled(1800, ScriptedLine(), devices(LINE, *NAMES))

    began = max(s.at for s in street.samples if s.device in names and s.flags) / 1000
    first = min(
        health.silent_since or 0.0
        for poller in street.pollers
        for name, health in poller.health.items()
        if name in names
    )
    assert began > first
    begin = first + 10 * gone
    for minute in range(int(begin), 1740, 60):
        now = street.whole(since=minute, until=minute + 60)
        usual = undisturbed.whole(since=minute, until=minute + 60)
        for name in alive:
            assert now[name] >= 0.95 * usual[name] - 1, (minute, name)
    for name in alive:
        usual_all = undisturbed.whole(since=begin)[name]
        assert street.whole(since=begin)[name] >= 0.95 * usual_all


def test_a_dead_device_alone_on_its_line_is_asked_often() -> None:
    link = ScriptedLine(fails=dead("meter-0"))

    polled(600, link, devices(LINE, "meter-0"))

    asked = [at for at, _, _ in link.asked]
    assert max(after - before for before, after in pairwise(asked)) < 65


def test_a_dead_serial_bus_changes_nothing_on_a_network() -> None:
    async def both(fails: Callable[[str, Request, float], ReadFailed | None]) -> Street:
        street = Street()
        street.add(LINE, ScriptedLine(fails=fails), devices(LINE, *NAMES[:4]))
        street.add(NET, ScriptedLine(), devices(NET, "far-1", "far-2", interval="100ms"))
        await street.pass_time(600)
        return street

    disturbed = run_virtually(both(dead(*NAMES))).whole()
    usual = run_virtually(both(lambda *_: None)).whole()

    for name in ("far-1", "far-2"):
        assert disturbed[name] == pytest.approx(usual[name], rel=0.01)
        assert disturbed[name] > 5900


def test_a_port_that_does_not_open_changes_nothing_on_another() -> None:
    class NoPort(ScriptedLine):
        async def open(self) -> None:
            raise BusDown("no such port")

    async def both() -> Street:
        street = Street()
        street.add(LINE, NoPort(), devices(LINE, *NAMES[:4]))
        street.add(NET, ScriptedLine(), devices(NET, "far"))
        await street.pass_time(600)
        return street

    assert run_virtually(both()).whole()["far"] >= 599


def test_under_overload_everybody_is_served_and_every_skipped_poll_is_counted() -> None:
    crowd = devices(LINE, *NAMES, interval="100ms")

    street = polled(300, ScriptedLine(), crowd)

    served = street.whole()
    assert set(served) == set(NAMES)
    assert max(served.values()) <= 1.5 * min(served.values())
    for name in NAMES:
        slots = 300 / 0.1 + 300 / 60
        assert street.health(name)["skipped"] + served[name] == pytest.approx(slots, abs=8)
    slow = Counter(s.device for s in street.samples if "energy" in s.values)
    assert min(slow.values()) >= 4


class SlowWords(list[int]):
    """Words that take 5 s to decode."""

    def __getitem__(self, index: Any) -> Any:  # noqa: ANN401 - as a list's
        asyncio.get_running_loop()._skipping.passed += 5  # type: ignore[attr-defined]
        return super().__getitem__(index)


def test_a_sample_has_the_time_of_its_last_reply_not_of_decoding_nor_of_asking() -> None:
    on_it = devices(LINE, "meter-0")
    link = ScriptedLine(words=SlowWords)

    street = polled(4, link, on_it)

    first = street.samples[0]
    last_asked = [at for at, _, _ in link.asked if at * 1000 <= first.at][-1]
    wire = 1000 * max(r.seconds(on_it[0].cost) for r in on_it[0].rounds[0].requests)
    assert 1000 * last_asked < first.at <= 1000 * last_asked + wire + 1


def test_a_slow_group_that_meets_a_fast_one_is_one_read_and_one_sample() -> None:
    link = ScriptedLine()

    street = polled(600, link, devices(LINE, *NAMES[:3]))

    with_energy = [s for s in street.samples if "energy" in s.values]
    assert len(with_energy) >= 27
    assert all("power" in s.values for s in with_energy)
    assert not [address for _, _, address in link.asked if address == 2]
    seconds = Counter(s.at // 1000 for s in with_energy)
    assert max(seconds.values()) == 1, "different devices' slow groups are spread"


def test_what_is_read_once_is_read_at_the_start_and_then_no_more() -> None:
    street = polled(600, ScriptedLine(), devices(LINE, *NAMES[:3]))

    told = Counter(s.device for s in street.samples if "serial" in s.values)

    assert told == Counter(NAMES[:3])
    assert max(s.at for s in street.samples if "serial" in s.values) < 2000


def test_what_is_read_once_is_asked_again_until_it_comes() -> None:
    def unwell(_: str, request: Request, at: float) -> ReadFailed | None:
        return DeviceException(6) if request.address == 500 and at < 100 else None

    link = ScriptedLine(fails=unwell)
    street = polled(300, link, devices(LINE, "meter-0"))

    asked = [at for at, _, address in link.asked if address == 500]
    assert len([s for s in street.samples if "serial" in s.values]) == 1
    assert len(asked) <= 100 / 5 + 2
    assert asked[-1] >= 100


HOURLY = PROFILE.replace("slow: {interval: 60s}", "slow: {interval: 1h}")


def test_what_is_read_hourly_is_read_in_the_first_minute_too() -> None:
    street = polled(4000, ScriptedLine(), devices(LINE, *NAMES[:3], text=HOURLY))

    read = {
        name: [s.at / 1000 for s in street.samples if s.device == name and "energy" in s.values]
        for name in NAMES[:3]
    }
    assert all(times[0] < 65 for times in read.values())
    assert [len(times) for times in read.values()] == [2, 2, 2]


def test_what_a_port_that_was_down_has_cost_is_read_when_it_opens() -> None:
    class Late(ScriptedLine):
        async def open(self) -> None:
            if asyncio.get_running_loop().time() < 100:
                raise BusDown("no such port")
            await super().open()

    street = polled(400, Late(), devices(LINE, "meter-0", text=HOURLY))

    (read,) = [s.at / 1000 for s in street.samples if "energy" in s.values]
    (opened,) = [s.at / 1000 for s in street.samples if "serial" in s.values]
    assert 100 <= opened <= read < opened + 2


def test_what_a_port_has_cost_that_went_down_in_the_middle_of_a_round_is_read_when_it_opens() -> (
    None
):
    link = ScriptedLine()

    def pulled_out(_: str, request: Request, at: float) -> ReadFailed | None:
        if request.address <= 2 < request.end and at < 50:
            link.is_open = False
            return BusDown("pulled out")
        return None

    link.fails = pulled_out
    street = polled(400, link, devices(LINE, "meter-0", text=HOURLY))

    (read,) = [s.at / 1000 for s in street.samples if "energy" in s.values]
    assert 50 <= read < 100


def test_a_port_that_opens_and_breaks_at_once_is_left_alone_and_told_like_one_that_does_not_open(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """As a gateway does whose connections are all taken."""
    caplog.set_level("INFO")
    opened = []

    class Full(ScriptedLine):
        async def open(self) -> None:
            opened.append(asyncio.get_running_loop().time())
            await super().open()

    link = Full()

    def hung_up(_: str, _request: Request, at: float) -> ReadFailed | None:
        if at >= 600:
            return None
        link.is_open = False
        return BusDown("the connection broke")

    link.fails = hung_up
    street = polled(900, link, devices(LINE, *NAMES[:3]))

    assert len(opened) <= 600 / 30 + 6
    assert len([s for s in street.samples if s.at < 600_000]) <= 3 * 3 * 600 / 60 + len(opened)
    assert sum(street.whole(since=640).values()) >= 3 * 255
    assert [line.split(":")[1].split(" after")[0] for line in caplog.messages] == [
        " /dev/ttyS0 9600 8N1 is down",
        " reopened",
    ]


def test_what_a_devices_silence_has_cost_is_read_when_it_is_back() -> None:
    def away(device: str, _request: Request, at: float) -> ReadFailed | None:
        return NoReply("away") if device == "meter-0" and at < 200 else None

    street = polled(600, ScriptedLine(fails=away), devices(LINE, *NAMES[:3], text=HOURLY))

    back = next(s.at for s in street.samples if s.device == "meter-0" and "power" in s.values)
    (read,) = [s.at for s in street.samples if s.device == "meter-0" and "energy" in s.values]
    assert 0 <= read - back < 1000


@pytest.mark.parametrize(
    ("failure", "flag"),
    [
        (DeviceException(2), ILLEGAL_ADDRESS),
        (DeviceException(4), DEVICE_ERROR),
        (DeviceRefused("the records are encrypted"), DEVICE_ERROR),
    ],
)
def test_a_round_of_which_nothing_is_answered_is_told_once_with_the_devices_word_and_asked_seldom(
    failure: ReadFailed, flag: Flag, caplog: pytest.LogCaptureFixture
) -> None:
    link = ScriptedLine(fails=lambda _, request, __: failure if request.address == 0 else None)

    street = polled(600, link, devices(LINE, "meter-0"))

    asked = [at for at, _, address in link.asked if address == 0]
    assert len(asked) < 30
    (told,) = [text for text in caplog.messages if "refuses all of" in text]
    assert told.startswith(
        f"device meter-0 on bus line: it refuses all of holding 0 (power): {failure}; "
    )
    assert {s.flags.get("power") for s in street.samples} - {None} == {flag}
    flagged = [s.at for s in street.samples if "power" in s.flags]
    assert max(after - before for before, after in pairwise(flagged)) < 65_000
    assert any("energy" in s.values for s in street.samples)


def test_what_is_read_once_is_read_again_when_the_device_is_back() -> None:
    def away(_device: str, _request: Request, at: float) -> ReadFailed | None:
        return NoReply("away") if 100 < at < 200 else None

    street = polled(400, ScriptedLine(fails=away), devices(LINE, "meter-0"))

    told = [s.at / 1000 for s in street.samples if "serial" in s.values]
    assert len(told) == 2
    assert told[0] < 2
    assert 200 < told[1] < 270


def test_a_device_that_is_away_at_the_start_tells_it_when_it_comes() -> None:
    def away(_device: str, _request: Request, at: float) -> ReadFailed | None:
        return NoReply("away") if at < 200 else None

    street = polled(400, ScriptedLine(fails=away), devices(LINE, "meter-0", "meter-1"))

    for name in ("meter-0", "meter-1"):
        assert [s for s in street.samples if s.device == name and "serial" in s.values]


def test_a_silent_device_is_flagged_every_minute_however_seldom_it_is_asked() -> None:
    link = ScriptedLine(fails=dead(*NAMES[:6]))

    street = polled(1200, link, devices(LINE, *NAMES))

    flagged = [s.at / 1000 for s in street.samples if NO_REPLY in s.flags.values()]
    of_one = [s.at / 1000 for s in street.samples if s.device == NAMES[0] and s.flags]
    assert flagged
    assert max(b - a for a, b in pairwise(of_one)) <= 62
