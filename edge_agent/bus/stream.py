"""A way to and from devices, whatever it is made of, and how each bus gets its own.

Bytes come as they come: in pieces, too many, damaged. What they mean is for others to say.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from edge_agent.bus.serial_port import SerialPort
from edge_agent.bus.settings import PortBus, UdpBus
from edge_agent.bus.tcp import TcpStream
from edge_agent.bus.udp import UdpStream

if TYPE_CHECKING:
    from edge_agent.bus.settings import AnyBus


class ByteStream(Protocol):
    """One port or connection."""

    @property
    def is_open(self) -> bool:
        """Whether it can be written to."""
        ...

    @property
    def heard_at(self) -> float:
        """When the last byte came, in the event loop's seconds.

        Where the wire allows, it is the time at which that byte ended on the line, not the later
        one at which we were told.
        """
        ...

    async def open(self) -> None:
        """Open it anew.

        Raises:
            BusDown: if that fails, with a reason that a technician understands.
        """
        ...

    def close(self) -> None:
        """Let it go; harmless if it is not open."""
        ...

    def write(self, data: bytes) -> None:
        """Send.

        Raises:
            BusDown: if it is not open, or takes nothing any more.
        """
        ...

    async def receive(self) -> bytes:
        """The next bytes; if it is cancelled, nothing is lost.

        Raises:
            BusDown: as soon as the port or connection breaks.
        """
        ...

    def pending(self) -> bytes:
        """What has come already."""
        ...

    def set_line(self, baud: int, parity: str, data_bits: int, stop_bits: int) -> None:
        """Change how characters go over an open serial port; elsewhere nothing happens.

        Raises:
            BusDown: if the port cannot do that.
        """
        ...


def stream_for(bus: AnyBus) -> ByteStream:
    """The bus's own, not open yet."""
    match bus:
        case PortBus():
            return SerialPort(bus)
        case UdpBus():
            return UdpStream(bus)
        case _:
            return TcpStream(bus)
