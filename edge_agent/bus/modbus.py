"""A Modbus port, RTU or TCP: pymodbus writes and reads the frames, this keeps the line's manners.

What pymodbus leaves out, and is done here: silence of t3.5 between frames, a deadline a request,
checks of unit, function, count and transaction, and silence after a missing reply, because a late
one would pass for the answer to the next request (pymodbus 3.16.1 returns it as such).
"""

from __future__ import annotations

import asyncio
import errno
import logging
import termios
from typing import TYPE_CHECKING

from pymodbus.client import AsyncModbusSerialClient, AsyncModbusTcpClient
from pymodbus.exceptions import ModbusException

from edge_agent import cancelling
from edge_agent.bus.failures import BadReply, BusDown, DeviceException, NoReply
from edge_agent.bus.frames import READS, RtuFramer, TcpFramer
from edge_agent.bus.plan import Cost
from edge_agent.bus.settings import RtuBus, TcpBus

if TYPE_CHECKING:
    from pymodbus.client.base import ModbusBaseClient
    from pymodbus.pdu import ModbusPDU

    from edge_agent.bus.plan import Request

logging.getLogger("pymodbus.logging").setLevel(logging.CRITICAL)
"""pymodbus logs each lost frame; the agent counts them and logs what changes."""

ADAPTER_MARGIN = 0.03
"""Seconds that a USB adapter may hold a reply back (FTDI's latency timer is 16 ms), both ways."""

DRAIN_MAX = 5.0
"""Seconds after which a line that never falls silent is closed and opened again."""

PATIENCE = 4
"""Missing replies in a row after which a TCP connection counts as half open, and is renewed."""

BABBLE_MAX = 4096
"""Bytes kept of what comes for one request; a frame has 264 at most."""

NEVER = 3600.0
"""pymodbus's own timeout, in seconds; ours end a request long before."""


class ModbusLink:
    """One port. Only one task may use it, and asks one thing at a time."""

    def __init__(self, bus: TcpBus | RtuBus) -> None:
        self.late_replies = 0
        """Replies, or what remained of them, that came after their deadline and were dropped."""
        self._bus = bus
        self._client: ModbusBaseClient | None = None
        self._deadline: asyncio.Timeout | None = None
        self._heard_at = 0.0
        self._heard_bytes = 0
        self._silence = 0.0
        self._drain = 0.0
        self._unanswered = 0

    @property
    def is_open(self) -> bool:
        """Whether something can be asked."""
        return self._client is not None and self._client.connected

    async def open(self) -> None:
        """Open the port or connection anew.

        Raises:
            BusDown: if that fails, with the reason.
        """
        self.close()
        client = self._new_client()
        try:
            async with asyncio.timeout(self._bus.connect_timeout):
                # The client's own connect() keeps the reason of a failure to itself.
                client.ctx.transport, _ = await client.ctx.call_create()
        except TimeoutError as error:
            raise BusDown(f"no connection within {self._bus.connect_timeout:g} s") from error
        except (OSError, ValueError, termios.error) as error:
            raise BusDown(_reason(error)) from error
        self._client = client
        self._unanswered = 0
        self._silence = self._gap
        self._heard_at = asyncio.get_running_loop().time()
        await asyncio.sleep(0)  # a serial port tells its protocol in the loop's next round

    def close(self) -> None:
        """Let the port go."""
        if self._client is not None:
            self._client.close()
            self._client = None

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
                long after a miss, for on a line nothing tells whose answer came.
            pause: seconds of silence that it needs afterwards, if more than the line does.

        Raises:
            NoReply: if nothing came in time.
            BadReply: if something came that is no answer to this request.
            DeviceException: if the device refused.
            BusDown: if the port or connection is gone, or is never silent.
        """
        if self._client is None or not self._client.connected:
            raise BusDown("not open")
        await self._wait_for_silence()
        self._drain = max(start_within, late_within, 2 * self._gap)
        reply = await self._ask(self._client, unit, request, start_within)
        self._unanswered = 0
        self._silence = max(self._gap, pause)
        if reply.isError():
            raise DeviceException(reply.exception_code)
        words = _words(reply)
        if len(words) != _words_expected(request):
            raise self._refuse(f"{len(words)} words for {request.count}")
        return words[: request.count]

    async def _ask(
        self, client: ModbusBaseClient, unit: int, request: Request, start_within: float
    ) -> ModbusPDU:
        kind, _ = READS[request.table]
        ask = kind(dev_id=unit, address=request.address, count=request.count)
        self._heard_bytes = 0
        try:
            async with asyncio.timeout(start_within + self._wire_time(request)) as self._deadline:
                reply: ModbusPDU = await client.execute(no_response_expected=False, request=ask)
        except TimeoutError as error:
            raise self._missed(start_within) from error
        except ModbusException as error:
            raise self._refuse(str(error)) from error
        finally:
            self._deadline = None
            cancelling.obey()
        if reply.transaction_id != ask.transaction_id or reply.dev_id != unit:
            answer = f"transaction {reply.transaction_id} of unit {reply.dev_id}"
            raise self._refuse(answer)
        if reply.function_code & 0x7F != ask.function_code:
            answer = f"function {reply.function_code} for {ask.function_code}"
            raise self._refuse(answer)
        return reply

    def _missed(self, waited: float) -> NoReply | BadReply | BusDown:
        """What a deadline that passed means; a late reply must not meet the next request."""
        if not self.is_open:
            return BusDown("the connection broke")
        self._unanswered += 1
        self._heard_at = asyncio.get_running_loop().time()
        if self._heard_bytes:
            return self._refuse(f"{self._heard_bytes} bytes that are no reply to this")
        if self._gap:
            self._silence = self._drain
        elif self._unanswered >= PATIENCE:
            self.close()
        return NoReply(f"nothing within {waited:g} s")

    def _refuse(self, reason: str) -> BadReply:
        """On a line, keep quiet for as long as a late reply may take; a connection is closed."""
        if self._gap:
            self._silence = self._drain
        else:
            self.close()
        return BadReply(reason)

    async def _wait_for_silence(self) -> None:
        loop = asyncio.get_running_loop()
        give_up = loop.time() + DRAIN_MAX
        self._heard_bytes = 0
        while (left := self._heard_at + self._silence - loop.time()) > 0:
            if loop.time() > give_up:
                self.close()
                raise BusDown(f"the line is never silent: {self._heard_bytes} bytes")
            await asyncio.sleep(left)
        self.late_replies += self._heard_bytes > 0
        self._silence = self._gap

    @property
    def _gap(self) -> float:
        """Seconds between frames; none on TCP, where frames carry their transaction."""
        return self._bus.wire.silence if isinstance(self._bus, RtuBus) else 0.0

    def _wire_time(self, request: Request) -> float:
        if isinstance(self._bus, TcpBus):
            return 0.0
        wire = self._bus.wire
        cost = Cost.serial(wire.baud, char_bits=wire.bits, turnaround=ADAPTER_MARGIN)
        return cost.seconds(request)

    def _on_bytes(self, sending: bool, data: bytes) -> bytes:  # noqa: FBT001 - pymodbus's hook
        if not sending:
            self._heard_at = asyncio.get_running_loop().time()
            self._heard_bytes = len(data)
        return data

    def _on_connect(self, connected: bool) -> None:  # noqa: FBT001 - pymodbus's hook
        """End a request at once when its connection breaks; pymodbus would wait it out."""
        if not connected and self._deadline is not None and not self._deadline.expired():
            self._deadline.reschedule(asyncio.get_running_loop().time())

    def _new_client(self) -> ModbusBaseClient:
        client: ModbusBaseClient
        match self._bus:
            case TcpBus(host=host, port=port):
                client = AsyncModbusTcpClient(
                    host,
                    port=port,
                    timeout=NEVER,
                    retries=0,
                    reconnect_delay=0,
                    trace_packet=self._on_bytes,
                    trace_connect=self._on_connect,
                )
                client.ctx.framer = TcpFramer()
            case RtuBus() as bus:
                client = AsyncModbusSerialClient(
                    str(bus.port),
                    baudrate=bus.baud,
                    bytesize=bus.data_bits,
                    parity=bus.parity,
                    stopbits=bus.stop_bits,
                    timeout=NEVER,
                    retries=0,
                    reconnect_delay=0,
                    trace_packet=self._on_bytes,
                    trace_connect=self._on_connect,
                )
                client.ctx.framer = RtuFramer()
        # Beyond its own limit it would drop what a babbling line says without telling.
        client.ctx.max_buffer_size = BABBLE_MAX
        return client


def _words(reply: ModbusPDU) -> list[int]:
    return [int(bit) for bit in reply.bits] if reply.bits else list(reply.registers)


def _words_expected(request: Request) -> int:
    """Registers, or bits filled up to whole bytes."""
    return -(-request.count // 8) * 8 if request.table.is_bits else request.count


def _reason(error: Exception) -> str:
    if getattr(error, "errno", None) == errno.EAGAIN:
        return "another process has it open; is it the running agent?"
    strerror = getattr(error, "strerror", None)
    return strerror if isinstance(strerror, str) else str(error)
