"""Modbus slaves that are not ours, one a transport: pymodbus's servers, and libmodbus's in C.

Each is unit 1, whose holding register n says 1000 + n.
"""

from __future__ import annotations

import contextlib
import ssl
from typing import TYPE_CHECKING, Any

from pymodbus import FramerType, ModbusDeviceIdentification
from pymodbus.server import (
    ModbusSerialServer,
    ModbusTcpServer,
    ModbusTlsServer,
    ModbusUdpServer,
)
from pymodbus.simulator import DataType, SimData, SimDevice

from edge_agent.bus.settings import (
    AsciiBus,
    RtuBus,
    RtuOverTcpBus,
    TcpBus,
    TlsBus,
    UdpBus,
)
from parts.certificates import certificate, make_authority
from parts.libmodbus_server import libmodbus_server
from parts.null_modem import null_modem
from parts.processes import free_port

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from edge_agent.bus.settings import ModbusBus

    Slave = Callable[[Path], AbstractAsyncContextManager[ModbusBus]]

HOST = "127.0.0.1"
WHO = ModbusDeviceIdentification(  # type: ignore[no-untyped-call]
    info_name={"VendorName": "Acme", "ProductCode": "EM3", "MajorMinorRevision": "1.0"}
)


def device() -> SimDevice:
    """Unit 1: register n says 1000 + n."""
    registers = SimData(0, values=list(range(1000, 1200)), datatype=DataType.REGISTERS)
    return SimDevice(1, simdata=[registers])


@contextlib.asynccontextmanager
async def serving(server: Any) -> AsyncIterator[None]:  # noqa: ANN401 - untyped
    await server.serve_forever(background=True)
    try:
        yield
    finally:
        await server.shutdown()


@contextlib.asynccontextmanager
async def tcp(_directory: Path) -> AsyncIterator[ModbusBus]:
    port = free_port()
    async with serving(ModbusTcpServer(device(), identity=WHO, address=(HOST, port))):
        yield TcpBus(id="b", transport="modbus-tcp", host=HOST, port=port)


@contextlib.asynccontextmanager
async def udp(_directory: Path) -> AsyncIterator[ModbusBus]:
    port = free_port()
    async with serving(ModbusUdpServer(device(), identity=WHO, address=(HOST, port))):
        yield UdpBus(id="b", transport="modbus-udp", host=HOST, port=port)


@contextlib.asynccontextmanager
async def tls(directory: Path) -> AsyncIterator[ModbusBus]:
    """It speaks only with who has a certificate of the authority."""
    port = free_port()
    make_authority(directory)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate(directory, "meter.example"))
    context.load_verify_locations(directory / "ca.crt")
    context.verify_mode = ssl.CERT_REQUIRED
    server = ModbusTlsServer(
        device(), identity=WHO, framer=FramerType.SOCKET, address=(HOST, port), sslctx=context
    )
    async with serving(server):
        ours, key = certificate(directory, "gw-1")
        files = {"ca": directory / "ca.crt", "certificate": ours, "key": key}
        yield TlsBus.model_validate(
            {
                "id": "b",
                "transport": "modbus-tls",
                "host": HOST,
                "port": port,
                "tls": files,
                "server_name": "meter.example",
            }
        )


@contextlib.asynccontextmanager
async def rtu_over_tcp(_directory: Path) -> AsyncIterator[ModbusBus]:
    port = free_port()
    async with serving(
        ModbusTcpServer(device(), identity=WHO, framer=FramerType.RTU, address=(HOST, port))
    ):
        yield RtuOverTcpBus(id="b", transport="modbus-rtu-over-tcp", host=HOST, port=port)


@contextlib.asynccontextmanager
async def ascii_(_directory: Path) -> AsyncIterator[ModbusBus]:
    with null_modem() as (near, far):
        server = ModbusSerialServer(device(), identity=WHO, framer=FramerType.ASCII, port=str(far))
        async with serving(server):
            yield AsciiBus(id="b", transport="modbus-ascii", port=near, baud=115_200)


@contextlib.asynccontextmanager
async def libmodbus_tcp(directory: Path) -> AsyncIterator[ModbusBus]:
    port = free_port()
    with libmodbus_server(directory, "tcp", port):
        yield TcpBus(id="b", transport="modbus-tcp", host=HOST, port=port)


@contextlib.asynccontextmanager
async def libmodbus_rtu(directory: Path) -> AsyncIterator[ModbusBus]:
    with null_modem() as (near, far), libmodbus_server(directory, "rtu", far, 115_200, "N"):
        yield RtuBus(id="b", transport="modbus-rtu", port=near, baud=115_200)
