"""A Modbus port over any transport: what a read brings, or why it brought nothing.

    ModbusLink ── LineTalk ──── RtuFrames | AsciiFrames ──┐
               └─ NetworkTalk ─ TcpFrames ────────────────┴─ ByteStream (serial, TCP, TLS, UDP)

pymodbus writes and reads the PDUs (`pdu`); frames, the line's manners and the transports are ours,
because a late reply, a wrong count or two bytes of noise would otherwise pass, or cost a reading.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge_agent.bus import pdu
from edge_agent.bus.failures import BadReply, BusDown, DeviceException
from edge_agent.bus.frames import AsciiFrames, RtuFrames
from edge_agent.bus.line import LineTalk
from edge_agent.bus.network import NetworkTalk
from edge_agent.bus.owed import is_refusal
from edge_agent.bus.settings import AsciiBus, RtuBus, RtuOverTcpBus, UdpBus
from edge_agent.bus.stream import stream_for

if TYPE_CHECKING:
    from edge_agent.bus.request import Request
    from edge_agent.bus.settings import ModbusBus
    from edge_agent.bus.stream import ByteStream

MOST_PARTS = 16
"""Replies that an identification may take: 256 objects, most of them in parts of their own."""


class ModbusLink:
    """One port. Only one task may use it, and asks one thing at a time.

    Args:
        bus: how it is reached.
        stream: the way there, if there is one already; the caller opens it or this does.
    """

    def __init__(self, bus: ModbusBus, stream: ByteStream | None = None) -> None:
        self._stream = stream_for(bus) if stream is None else stream
        self._talk = _talk(bus, self._stream)

    @property
    def is_open(self) -> bool:
        """Whether something can be asked."""
        return self._stream.is_open

    @property
    def late_replies(self) -> int:
        """Replies, or what remained of them, that came after their deadline and were dropped."""
        return self._talk.late_replies

    async def open(self) -> None:
        """Open the port or connection anew.

        Raises:
            BusDown: if that fails, with the reason.
        """
        await self._stream.open()
        self._talk.begin()

    def close(self) -> None:
        """Let the port go."""
        self._stream.close()

    async def read(
        self,
        unit: int,
        request: Request,
        *,
        start_within: float,
        late_within: float = 0.0,
        pause: float = 0.0,
    ) -> list[int]:
        """The words (or bits, as 0 and 1) that a device answers.

        Args:
            unit: the device's Modbus address.
            request: what to read of it.
            start_within: seconds for it to begin to answer.
            late_within: seconds in which it may answer after all; a line is kept quiet for as
                long after a miss, so that its answer does not run into another's.
            pause: seconds of silence that it needs afterwards, if more than the line does.

        Raises:
            NoReply: if nothing came in time.
            BadReply: if something came that is no answer to this request.
            DeviceException: if the device refused.
            BusDown: if the port or connection is gone, or is never silent.
        """
        ask = pdu.read(request.table, request.address, request.count)
        reply = await self._ask(
            unit,
            ask,
            wider=pdu.wider(request),
            otherwise=pdu.harmless(request),
            start_within=start_within,
            late_within=late_within,
            pause=pause,
        )
        return pdu.words(request.table, reply)[: request.count]

    async def identify(self, unit: int, *, start_within: float) -> dict[int, str]:
        """What a device says of itself (Read Device Identification, basic), by object's id.

        0 is the vendor, 1 the product's code, 2 its revision.

        Raises:
            ReadFailed: as `read`; most devices refuse, or do not know the question.
        """
        objects: dict[int, str] = {}
        first = 0
        otherwise = (pdu.identification(access=pdu.ONE_OBJECT),)
        for _ in range(MOST_PARTS):
            ask = pdu.identification(first)
            reply = await self._ask(
                unit,
                ask,
                wider=(),
                otherwise=otherwise,
                start_within=start_within,
                late_within=0.0,
                pause=0.0,
            )
            part, more = pdu.identity(reply)
            objects |= part
            if more is None:
                return objects
            first = more
        raise BadReply(f"an identification of more than {MOST_PARTS} parts")

    async def _ask(  # noqa: PLR0913 - these are what a request consists of
        self,
        unit: int,
        ask: pdu.Ask,
        *,
        wider: tuple[pdu.Ask, ...],
        otherwise: tuple[pdu.Ask, ...],
        start_within: float,
        late_within: float,
        pause: float,
    ) -> bytes:
        if not self._stream.is_open:
            raise BusDown("not open")
        match self._talk:
            case LineTalk() as line:
                reply = await line.ask(
                    unit,
                    ask,
                    wider=wider,
                    otherwise=otherwise,
                    start_within=start_within,
                    late_within=late_within,
                    pause=pause,
                )
            case NetworkTalk() as network:
                reply = await network.ask(unit, ask, start_within=start_within, pause=pause)
        if is_refusal(reply):
            raise DeviceException(reply[1])
        return reply


def _talk(bus: ModbusBus, stream: ByteStream) -> LineTalk | NetworkTalk:
    match bus:
        case RtuBus() | RtuOverTcpBus():
            over_network = isinstance(bus, RtuOverTcpBus)
            return LineTalk(stream, RtuFrames(), bus.wire, over_network=over_network)
        case AsciiBus():
            return LineTalk(stream, AsciiFrames(), bus.wire)
        case _:
            return NetworkTalk(stream, datagrams=isinstance(bus, UdpBus))
