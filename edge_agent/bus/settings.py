"""The `buses` of an agent's configuration: what each transport needs to be told."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from edge_agent.bus.wire import Wire
from edge_agent.delivery.settings import TlsSettings
from edge_agent.ids import Name
from telemetry.quantities import Seconds
from telemetry.settings import Settings

NetworkPort = Annotated[int, Field(ge=1, le=65_535)]

Pause = Annotated[Seconds, Field(ge=0, le=0.1)]
"""Seconds (the kernel's own limit is 100 ms)."""


class Bus(Settings):
    """What buses share.

    Attributes:
        timeout: longest wait for the first byte of a reply, instead of what profiles say.
        connect_timeout: longest wait for the port or connection.
    """

    id: Name
    timeout: Annotated[Seconds, Field(gt=0, le=60)] | None = None
    connect_timeout: Annotated[Seconds, Field(gt=0, le=60)] = 3.0


class Line(Bus):
    """A bus with a serial line in it, here or behind a converter.

    9600 8N1 is how most meters leave the factory.
    """

    baud: Annotated[int, Field(ge=300, le=4_000_000)] = 9600
    data_bits: Literal[7, 8] = 8
    parity: Literal["N", "E", "O"] = "N"
    stop_bits: Literal[1, 2] = 1

    @property
    def wire(self) -> Wire:
        """Its times."""
        bits = 1 + self.data_bits + (self.parity != "N") + self.stop_bits
        return Wire(baud=self.baud, bits=bits)

    @property
    def pace(self) -> str:
        """How characters go over it, as technicians write it: `9600 8N1`."""
        return f"{self.baud} {self.data_bits}{self.parity}{self.stop_bits}"


class Rs485(Settings):
    """How the kernel's driver switches an RS-485 transceiver by RTS; few USB drivers can.

    Attributes:
        rts_on_send: level of RTS while sending.
        rts_after_send: its level afterwards.
        delay_before_send: from RTS to the first bit.
        delay_after_send: from the last bit to RTS.
        rx_during_send: whether our own bytes are received.
        terminate: switch the termination resistor on, where there is one.
    """

    rts_on_send: bool = True
    rts_after_send: bool = False
    delay_before_send: Pause = 0.0
    delay_after_send: Pause = 0.0
    rx_during_send: bool = False
    terminate: bool = False


class PortBus(Line):
    """A serial port of this machine.

    Attributes:
        echo: whether our own bytes come back first, as many two-wire adapters have it.
    """

    port: Path
    rs485: Rs485 | None = None
    echo: bool | Literal["auto"] = "auto"

    @property
    def place(self) -> str:
        """What a technician calls it."""
        return f"{self.port} {self.pace}"


class RtuBus(PortBus):
    """Modbus RTU."""

    transport: Literal["modbus-rtu"]


class AsciiBus(PortBus):
    """Modbus ASCII; 7E1 is the standard's own (Modbus over Serial Line V1.02, §2.5.2)."""

    transport: Literal["modbus-ascii"]
    data_bits: Literal[7, 8] = 7
    parity: Literal["N", "E", "O"] = "E"


class SerialBus(PortBus):
    """Any other protocol; some devices say by themselves what a request says, hence no `auto`."""

    transport: Literal["serial"]
    echo: bool | Literal["auto"] = False


class _Host(Settings):
    """Something with an address in the network."""

    host: Annotated[str, Field(min_length=1)]
    port: NetworkPort

    @property
    def place(self) -> str:
        """What a technician calls it."""
        return f"{self.host}:{self.port}"


class TcpBus(_Host, Bus):
    """A Modbus TCP device, or a gateway with several units behind it."""

    transport: Literal["modbus-tcp"]
    port: NetworkPort = 502


class UdpBus(_Host, Bus):
    """The same, a datagram a frame."""

    transport: Literal["modbus-udp"]
    port: NetworkPort = 502


class TlsBus(_Host, Bus):
    """Modbus/TCP Security.

    Attributes:
        server_name: the name in the device's certificate, if it is not `host`.
    """

    transport: Literal["modbus-tls"]
    port: NetworkPort = 802
    tls: TlsSettings
    server_name: Annotated[str, Field(min_length=1)] | None = None


class RtuOverTcpBus(_Host, Line):
    """A serial server that passes RTU frames on; `baud` and so on are its line's."""

    transport: Literal["modbus-rtu-over-tcp"]


class SerialOverTcpBus(_Host, Line):
    """A serial server, for any other protocol."""

    transport: Literal["serial-over-tcp"]


ModbusBus = RtuBus | AsciiBus | TcpBus | RtuOverTcpBus | UdpBus | TlsBus
"""A bus on which Modbus is spoken."""

FieldBus = SerialBus | SerialOverTcpBus
"""A bus for every other protocol."""

AnyBus = ModbusBus | FieldBus
