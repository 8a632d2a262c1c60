"""Promise: a simulated line behaves as a real one: it has a speed, takes time, and talkers talk."""

from __future__ import annotations

import asyncio
import contextlib
import termios
from typing import TYPE_CHECKING

from device_profiles.loader import find
from device_profiles.model import FieldProfile
from edge_agent.protocols.sds011 import ANYBODY, query
from edge_agent.simulate.line import serve_line
from edge_agent.simulate.scenario import Event, Lapses, SerialBus, Window
from edge_agent.simulate.script import Script
from edge_agent.simulate.signal import Constant, Total
from edge_agent.simulate.speaker import Speaker
from parts.port import Port
from parts.simulated import running_clock

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    import pytest

QUERY = query(ANYBODY)
FRAME = bytes.fromhex("aac0 5100 7800 a160 caab")
"""8.1 and 12.0 ug/m3."""
DUST = {"pm25": Constant(8.1), "pm10": Constant(12.0)}


def bus(link: Path, **settings: object) -> SerialBus:
    devices = [{"id": "dust-1", "profile": "nova-sds011"}]
    return SerialBus.model_validate(
        {"id": "kerb", "kind": "serial", "link": link, "devices": devices} | settings
    )


def profile() -> FieldProfile:
    found = find("nova-sds011")
    assert isinstance(found, FieldProfile)
    return found


def sensor(
    address: str = "query", lapses: Lapses | None = None, events: tuple[Event, ...] = ()
) -> Speaker:
    return Speaker(profile(), Script(DUST, events), lapses or Lapses(), address)


@contextlib.asynccontextmanager
async def port_of(bus: SerialBus, *speakers: Speaker) -> AsyncIterator[Port]:
    async with serve_line(bus, speakers, running_clock()) as place:
        port = Port(place)
        try:
            yield port
        finally:
            port.close()


async def test_who_is_asked_answers_and_others_on_the_line_do_not(tmp_path: Path) -> None:
    async with port_of(bus(tmp_path / "tty"), sensor("58d9"), sensor("a160")) as port:
        port.write(query(bytes.fromhex("a160")))

        assert await port.read(len(FRAME)) == FRAME


async def test_who_speaks_by_itself_does_so_once_a_second(tmp_path: Path) -> None:
    clock = running_clock()
    async with port_of(bus(tmp_path / "tty"), sensor("active")) as port:
        frames = [await port.read(len(FRAME)) for _ in range(2)]
        took = clock()

    assert frames == [FRAME, FRAME]
    assert took > 1.99


async def test_it_says_what_its_channels_say_at_that_second(tmp_path: Path) -> None:
    later = Event.model_validate({"at": "1500ms", "set": {"pm25": 57}})

    async with port_of(bus(tmp_path / "tty"), sensor("active", events=(later,))) as port:
        frames = [await port.read(len(FRAME)) for _ in range(2)]

    assert [frame[2] for frame in frames] == [81, 570 & 0xFF]


async def test_a_silent_device_leaves_the_line_to_others(tmp_path: Path) -> None:
    mute = sensor("58d9", Lapses(silent=(Window(),)))

    async with port_of(bus(tmp_path / "tty"), mute, sensor("a160")) as port:
        port.write(QUERY)

        assert await port.read(len(FRAME)) == FRAME


async def test_an_answer_takes_the_time_of_its_wire_and_the_devices_own(tmp_path: Path) -> None:
    seconds = (len(QUERY) + len(FRAME)) * 10 / 1200 + 0.05
    slow = bus(tmp_path / "tty", baud=1200)

    async with port_of(slow, sensor(lapses=Lapses(delay="50 ms"))) as port:
        port.set_speed(termios.B1200)
        clock = running_clock()
        port.write(QUERY)
        frame = await port.read(len(FRAME))
        took = clock()

    assert frame == FRAME
    assert took > seconds - 0.001


async def test_at_another_speed_it_is_garbage(tmp_path: Path) -> None:
    async with port_of(bus(tmp_path / "tty", baud=9600), sensor("active")) as port:
        port.set_speed(termios.B2400)
        garbage = await port.read(1)
        port.set_speed(termios.B9600)
        heard = b""
        async with asyncio.timeout(20):
            while FRAME not in heard:
                heard += await port.read(1)

    assert garbage != FRAME[:1]


def test_a_value_that_no_frame_can_hold_is_told_once_and_is_silence(
    caplog: pytest.LogCaptureFixture,
) -> None:
    rising = {"pm25": Total(Constant(1.0), factor=1e6, start=8.1, wrap=None)}
    speaker = Speaker(profile(), Script(rising), Lapses(), "query")

    said = [speaker.reply(QUERY, at) for at in (0, 1, 2, 0)]

    assert [bool(each) for each in said] == [True, False, False, True]
    (line,) = caplog.messages
    assert line == "field 'pm25' cannot say 10000081: it says 0 to 65535; is silent"
