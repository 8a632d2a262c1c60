"""A serial port as a stream of bytes: pyserial sets it up, the event loop reads it.

It is ours alone: a lock tells other careful programs, TIOCEXCL keeps out the careless ones. Each
opening goes by the configured name, so that a link of udev's finds the adapter wherever it is now.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import fcntl
import logging
import os
import stat
import termios
from functools import partial
from typing import TYPE_CHECKING, Any

import serial

from edge_agent.bus import rs485
from edge_agent.bus.echo import Echo
from edge_agent.bus.failures import BusDown
from edge_agent.bus.hearing import Hearing
from edge_agent.bus.inbox import Inbox
from edge_agent.bus.wire import Wire
from edge_agent.ports import advice, kernel
from edge_agent.ports.holders import holders
from telemetry.language import Lang, Phrase

if TYPE_CHECKING:
    from pathlib import Path

    from edge_agent.bus.failures import Reason
    from edge_agent.bus.settings import PortBus

logger = logging.getLogger(__name__)

UNPLUGGED = Phrase(
    en="the port is gone; is the adapter still plugged in?",
    vi="mất cổng nối tiếp; bộ chuyển đổi còn cắm không?",
)
ABSENT = Phrase(
    en="there is no such port; is the adapter plugged in?",
    vi="không có cổng này; đã cắm bộ chuyển đổi chưa?",
)
NO_PORT = Phrase(en="this is no serial port", vi="đây không phải cổng nối tiếp")
HELD = Phrase(en="another process has it open: {who}", vi="tiến trình khác đang mở: {who}")
HELD_UNSEEN = Phrase(
    en="another process has it open: is it the running agent?",
    vi="tiến trình khác đang mở: có phải agent đang chạy không?",
)

PSEUDO = range(136, 144)
"""Major numbers of pseudo terminals (Linux, Documentation/admin-guide/devices.txt)."""

_TOLD: set[str] = set()
"""What was logged of ports, once in the life of the process."""


class SerialPort:
    """One port; `is_open` and so on as a `ByteStream` has them."""

    def __init__(self, bus: PortBus) -> None:
        self._bus = bus
        self._port: serial.Serial | None = None
        self._inbox = Inbox()
        self._echo = Echo(bus.echo)
        self._hearing = Hearing(bus.wire.character, 0.0)

    @property
    def is_open(self) -> bool:
        """Whether it can be written to."""
        return self._port is not None

    @property
    def heard_at(self) -> float:
        """When the last byte ended on the line, own echo included (`hearing` tells how)."""
        return self._hearing.at

    async def open(self) -> None:
        """Open it anew, by its configured name.

        Raises:
            BusDown: if that fails.
        """
        self.close()
        loop = asyncio.get_running_loop()
        self._port = self._opened()
        self._inbox = Inbox()
        self._echo = Echo(self._bus.echo)
        self._hearing = Hearing(self._bus.wire.character, loop.time())
        loop.add_reader(self._port.fileno(), self._on_readable)
        self._tell()

    def close(self) -> None:
        """Let it go, at once: what is not sent yet is not waited for."""
        if self._port is None:
            return
        port, self._port = self._port, None
        descriptor = port.fileno()
        asyncio.get_running_loop().remove_reader(descriptor)
        self._inbox.close("not open")
        with contextlib.suppress(OSError, termios.error):
            fcntl.ioctl(descriptor, termios.TIOCNXCL)
            termios.tcflush(descriptor, termios.TCIOFLUSH)
        port.close()

    def write(self, data: bytes) -> None:
        """Send.

        Raises:
            BusDown: if the port is gone, or takes nothing more.
        """
        if self._port is None:
            raise BusDown(self._inbox.broken or "not open")
        self._echo.sent(data)
        self._hearing.begin()
        try:
            taken = os.write(self._port.fileno(), data)
        except BlockingIOError:
            taken = 0
        except OSError as error:
            self._lose()
            raise BusDown(UNPLUGGED) from error
        if taken < len(data):
            self.close()
            raise BusDown("the port takes no more bytes; is hardware flow control on?")

    async def receive(self) -> bytes:
        """The next bytes.

        Raises:
            BusDown: as soon as the port is gone.
        """
        return await self._inbox.receive()

    def pending(self) -> bytes:
        """What has come already, even if the event loop has not been told yet."""
        self._on_readable()
        return self._inbox.take() + self._echo.release()

    def set_line(self, baud: int, parity: str, data_bits: int, stop_bits: int) -> None:
        """Change how characters go over the open port.

        Raises:
            BusDown: if it is not open, or cannot do that.
        """
        if self._port is None:
            raise BusDown("not open")
        try:
            self._port.apply_settings(_line(self._bus.port, baud, parity, data_bits, stop_bits))
        except (OSError, ValueError, termios.error) as error:
            raise BusDown(f"it cannot do {baud} {data_bits}{parity}{stop_bits}: {error}") from error
        bits = 1 + data_bits + (parity != "N") + stop_bits
        self._hearing = Hearing(Wire(baud=baud, bits=bits).character, self._hearing.at)

    def _on_readable(self) -> None:
        if self._port is None:
            return
        try:
            data = os.read(self._port.fileno(), 4096)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._lose()
            return
        self._hearing.heard(len(data), asyncio.get_running_loop().time())
        if left := self._echo.strip(data):
            self._inbox.put(left)

    def _lose(self) -> None:
        """A port that was pulled out is closed at once, or it would come back by another name."""
        self._inbox.close(UNPLUGGED(Lang.EN))
        self.close()

    def _opened(self) -> serial.Serial:
        bus = self._bus
        try:
            if not stat.S_ISCHR(bus.port.stat().st_mode):
                raise BusDown(NO_PORT)
            # An inter-byte time-out of 0 lets a read without bytes fail, in place of bringing none:
            # so does a port that is gone, and only that.
            line = _line(bus.port, bus.baud, bus.parity, bus.data_bits, bus.stop_bits)
            port = serial.Serial(str(bus.port), **line, exclusive=True, inter_byte_timeout=0)
        except (OSError, ValueError, termios.error) as error:
            raise BusDown(self._reason(error)) from error
        try:
            fcntl.ioctl(port.fileno(), termios.TIOCEXCL)
            if bus.rs485 is not None:
                rs485.switch_on(port.fileno(), bus.rs485)
        except (OSError, termios.error) as error:
            port.close()
            raise BusDown(self._reason(error)) from error
        except BusDown:
            port.close()
            raise
        with contextlib.suppress(ValueError):  # ptys, and drivers that have no such thing
            port.set_low_latency_mode(True)
        return port

    def _reason(self, error: Exception) -> Reason:
        cause = error.__context__  # pyserial tells of termios's errors as text alone
        number = cause.args[0] if isinstance(cause, termios.error) else None
        match getattr(error, "errno", None) or number:
            case errno.ENOENT:
                return ABSENT
            case errno.EACCES | errno.EPERM:
                port = self._bus.port
                return lambda lang: str(advice.permission(port, kernel.group(port), lang))
            case errno.EAGAIN | errno.EBUSY:
                known = holders(self._bus.port).known
                who = ", ".join(f"{each.program} (pid {each.pid})" for each in known)
                return partial(HELD, who=who) if who else HELD_UNSEEN
            case errno.ENXIO | errno.ENODEV | errno.EIO:
                return UNPLUGGED
            case errno.ENOTTY:
                return NO_PORT
        return str(error)

    def _tell(self) -> None:
        for each in advice.better(self._bus.port, Lang.EN):
            _once(f"port {self._bus.port}: {each}")


def _line(port: Path, baud: int, parity: str, data_bits: int, stop_bits: int) -> dict[str, Any]:
    """As pyserial calls it; a pseudo terminal has neither parity nor seven bits."""
    if os.major(port.stat().st_rdev) in PSEUDO:
        parity, data_bits = "N", 8
    return {"baudrate": baud, "parity": parity, "bytesize": data_bits, "stopbits": stop_bits}


def _once(message: str) -> None:
    if message not in _TOLD:
        _TOLD.add(message)
        logger.warning("%s", message)
