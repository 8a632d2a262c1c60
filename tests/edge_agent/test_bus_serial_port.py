"""A serial port is ours alone, is found again, and says in plain words what is wrong with it."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import struct
import sys
import termios
import tty
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from edge_agent.bus import rs485
from edge_agent.bus.failures import BusDown
from edge_agent.bus.serial_port import SerialPort
from edge_agent.bus.settings import Rs485, SerialBus

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

WITHIN = 20.0
"""Seconds, however slow the machine is."""

TCGETS2, BOTHER_SPEED = 0x802C542A, 10
"""Linux: what tells a custom speed, and in which of its words."""


class Pty:
    """A pty, the far end of which is the device's."""

    def __init__(self) -> None:
        self.far, self._near = os.openpty()
        tty.setraw(self._near)
        self.port = Path(os.ttyname(self._near))

    def speed(self) -> int:
        """Which was set."""
        words = fcntl.ioctl(self._near, TCGETS2, bytes(64))
        return int(struct.unpack_from("=11I", words)[BOTHER_SPEED])

    def pull_out(self) -> None:
        """As when a USB adapter goes."""
        os.close(self.far)
        os.close(self._near)


@pytest.fixture
def pty() -> Iterator[Pty]:
    ends = Pty()
    yield ends
    with contextlib.suppress(OSError):
        ends.pull_out()


def bus(port: Path, **settings: object) -> SerialBus:
    return SerialBus.model_validate(
        {"id": "b", "transport": "serial", "port": port} | settings, strict=False
    )


@pytest.fixture
async def port(pty: Pty) -> AsyncIterator[SerialPort]:
    ours = SerialPort(bus(pty.port))
    await ours.open()
    yield ours
    ours.close()


async def heard(port: SerialPort, count: int) -> bytes:
    data = b""
    async with asyncio.timeout(WITHIN):
        while len(data) < count:
            data += await port.receive()
    return data


async def test_bytes_go_both_ways(pty: Pty, port: SerialPort) -> None:
    port.write(b"question")
    os.write(pty.far, b"answer")

    assert os.read(pty.far, 100) == b"question"
    assert await heard(port, 6) == b"answer"


async def test_what_has_come_is_known_before_the_event_loop_is_told(
    pty: Pty, port: SerialPort
) -> None:
    os.write(pty.far, b"late")

    came = b""
    while not came:  # without giving the event loop a turn
        came = port.pending()

    assert came == b"late"
    assert port.pending() == b""


async def test_a_port_that_is_pulled_out_says_so_at_once(pty: Pty, port: SerialPort) -> None:
    waiting = asyncio.create_task(port.receive())
    await asyncio.sleep(0)

    pty.pull_out()

    with pytest.raises(BusDown, match="still plugged in"):
        await asyncio.wait_for(waiting, WITHIN)
    assert not port.is_open
    with pytest.raises(BusDown, match="still plugged in"):
        port.write(b"x")


async def test_it_is_found_again_behind_its_link(tmp_path: Path, pty: Pty) -> None:
    link, other = tmp_path / "usb-Acme_1234", Pty()
    link.symlink_to(pty.port)
    port = SerialPort(bus(link))
    await port.open()
    link.unlink()
    link.symlink_to(other.port)

    await port.open()
    os.write(other.far, b"moved")

    assert await heard(port, 5) == b"moved"
    port.close()
    other.pull_out()


async def test_nobody_else_may_open_it_not_even_without_asking_for_a_lock(
    pty: Pty, port: SerialPort
) -> None:
    assert port.is_open
    descriptor = os.open(pty.port, os.O_RDWR | os.O_NOCTTY)  # as root; others get EBUSY
    exclusive = fcntl.ioctl(descriptor, 0x80045440, bytes(4))  # TIOCGEXCL
    os.close(descriptor)

    assert int.from_bytes(exclusive, sys.byteorder) == 1


async def test_who_holds_it_is_told(pty: Pty) -> None:
    script = (
        "import serial, sys; port = serial.Serial(sys.argv[1], exclusive=True); "
        "print(flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", script, str(pty.port)]
    pipe = asyncio.subprocess.PIPE
    holder = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe)
    assert holder.stdout is not None
    await holder.stdout.readline()

    with pytest.raises(BusDown, match=rf"has it open: .*\(pid {holder.pid}\)"):
        await SerialPort(bus(pty.port)).open()

    await holder.communicate(b"")


async def test_a_custom_baud_rate_can_be_had_and_changed(pty: Pty) -> None:
    port = SerialPort(bus(pty.port, baud=76_800))
    await port.open()
    assert pty.speed() == 76_800

    port.set_line(300, "E", 7, 1)

    assert pty.speed() == 300
    os.write(pty.far, b"slow")
    assert await heard(port, 4) == b"slow"
    port.close()


async def test_the_echo_of_a_two_wire_adapter_is_cut_off(pty: Pty) -> None:
    port = SerialPort(bus(pty.port, echo=True))
    await port.open()

    port.write(b"question")
    os.write(pty.far, os.read(pty.far, 100) + b"answer")

    assert await heard(port, 6) == b"answer"
    port.close()


@pytest.mark.parametrize(
    ("place", "reason"),
    [
        ("/dev/does-not-exist", "there is no such port; is the adapter plugged in"),
        ("/dev/null", "this is no serial port"),
        ("/etc/hostname", "this is no serial port"),
    ],
)
async def test_what_is_wrong_is_said_in_plain_words(place: str, reason: str) -> None:
    with pytest.raises(BusDown, match=reason):
        await SerialPort(bus(Path(place))).open()


async def test_a_driver_without_rs485_is_told_of(pty: Pty) -> None:
    port = SerialPort(bus(pty.port, rs485={}))

    with pytest.raises(BusDown, match="no RS-485 mode"):
        await port.open()

    assert not port.is_open


def test_rs485_is_asked_for_as_the_kernel_has_it() -> None:
    wanted = Rs485.model_validate(
        {"rts_on_send": False, "rts_after_send": True, "delay_before_send": "2ms"}
    )

    assert struct.unpack("=8I", rs485.packed(wanted)) == (1 | 4, 2, 0, 0, 0, 0, 0, 0)
    assert struct.unpack("=8I", rs485.packed(Rs485()))[0] == 1 | 2


async def test_a_port_that_takes_no_more_is_down(port: SerialPort) -> None:
    def write_on() -> None:
        for _ in range(1000):
            port.write(bytes(1000))

    with pytest.raises(BusDown, match="flow control"):
        write_on()

    assert not port.is_open


async def test_closing_lets_others_in(pty: Pty, port: SerialPort) -> None:
    port.close()
    other = SerialPort(bus(pty.port))

    await other.open()

    assert other.is_open
    other.close()


def test_a_pty_hangs_up_like_a_port(pty: Pty) -> None:
    """What the tests above stand on: there is no modem line to ask for."""
    with pytest.raises(OSError, match="ioctl"):
        fcntl.ioctl(pty.far, termios.TIOCMGET, bytes(4))
