"""`edge-agent read`: a device's channels, or the bare registers of a unit, as they are now."""

from __future__ import annotations

import asyncio
import os
import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from device_profiles.registers import ADDRESS_MAX, MAX_BITS, MAX_REGISTERS, Parity, Table
from edge_agent.bus.failures import BusDown, DeviceException, ReadFailed
from edge_agent.bus.modbus import ModbusLink
from edge_agent.bus.request import Request
from edge_agent.bus.settings import Line
from edge_agent.cli import block, channels
from edge_agent.cli.down import down
from edge_agent.cli.options import (
    Config,
    Json,
    Language,
    echo_json,
    fail,
)
from edge_agent.cli.target import find_bus, modbus_only, optional_config, set_line
from edge_agent.exits import Exit
from edge_agent.scan.readings import readings
from edge_agent.scan.scope import ALL_UNITS
from telemetry.language import Phrase
from telemetry.layout import folded

if TYPE_CHECKING:
    from edge_agent.bus.settings import ModbusBus
    from telemetry.language import Lang

EXAMPLES = """\b
Examples:
  edge-agent read meter-1                       # the channels of its profile
  edge-agent read meter-1 --json | jq .channels.voltage.value
  edge-agent read rs485 --unit 7 --address 0x10 # bare registers
  edge-agent read /dev/ttyUSB0 --baud 9600 --unit 7 --table input --count 8
  edge-agent read 192.0.2.10 --unit 1 --address 3027 --count 2 --plausible

With --unit it reads one block of registers, shows it as every type and byte order, and marks
what could be a measured value by its size. Addresses are those on the wire: register 40001 or
"1" of many manuals is address 0 of table holding.
A serial port belongs to one process: stop the running agent first.
Exits with 1 when the device gave no value.
"""

PATIENCE = 1.0
"""Seconds for a unit without a profile to begin to answer."""

Where = Annotated[
    str,
    typer.Argument(
        help="A device's id; with --unit a bus's id, a port or host[:port].", metavar="DEVICE"
    ),
]
Unit = Annotated[
    int | None,
    typer.Option("--unit", min=0, max=255, help="Read bare registers of this Modbus address."),
]
AddressText = Annotated[
    str, typer.Option("--address", help="The first one, such as 16 or 0x10.", metavar="ADDRESS")
]
Count = Annotated[
    int, typer.Option("--count", min=1, max=MAX_BITS, help="How many registers, or bits.")
]
Baud = Annotated[int | None, typer.Option("--baud", min=50, help="The line's speed.")]
LineParity = Annotated[
    Parity | None, typer.Option("--parity", case_sensitive=False, help="The line's parity.")
]
Plausible = Annotated[bool, typer.Option("--plausible", help="Only what is marked.")]

BLOCK = Phrase(
    en="{table} {first} to {last} of unit {unit} at {place}",
    vi="{table} {first} đến {last} của địa chỉ {unit} tại {place}",
)
REFUSED = Phrase(
    en="unit {unit} at {place} refuses {table} {first} to {last}: exception {code}{meaning}",
    vi="địa chỉ {unit} tại {place} từ chối {table} {first} đến {last}: mã lỗi {code}{meaning}",
)
MEANINGS = {
    1: Phrase(en=", it does not know this table", vi=", thiết bị không có bảng này"),
    2: Phrase(en=", it has no such address", vi=", thiết bị không có địa chỉ này"),
    3: Phrase(en=", it does not like the count", vi=", thiết bị không nhận số lượng này"),
    11: Phrase(en=", the device behind it is silent", vi=", thiết bị phía sau không trả lời"),
}
"""What exceptions say (Modbus Application Protocol V1.1b3, §7)."""
NO_UNIT = Phrase(
    en="--unit: {unit} is no device on a line; 0 would address every one, so 1 to 247",
    vi="--unit: {unit} không phải thiết bị trên đường truyền; từ 1 đến 247, 0 là gọi mọi thiết bị",
)
NO_NUMBER = Phrase(
    en="--address: {given!r} is no number such as 16 or 0x10",
    vi="--address: {given!r} không phải số như 16 hay 0x10",
)
TOO_MANY = Phrase(
    en="--count: one read takes {most} of table {table} at the most",
    vi="--count: mỗi lần đọc tối đa {most} từ bảng {table}",
)
BEYOND = Phrase(
    en="--address: {count} from {first} are not within 0 and {last}",
    vi="--address: {count} thanh ghi từ {first} vượt ngoài khoảng 0 đến {last}",
)
SILENT = Phrase(
    en="unit {unit} at {place} does not answer: {reason}",
    vi="địa chỉ {unit} tại {place} không trả lời: {reason}",
)


def read(  # noqa: PLR0913 - a command's options
    device: Where,
    config: Config = None,
    *,
    unit: Unit = None,
    table: Annotated[Table, typer.Option("--table", help="Where they are.")] = Table.HOLDING,
    address: AddressText = "0",
    count: Count = 4,
    baud: Baud = None,
    parity: LineParity = None,
    plausible: Plausible = False,
    lang: Language,
    as_json: Json = False,
) -> None:
    """Read one device once; or bare registers, as every type."""
    if unit is None:
        channels.show(config, device, lang, as_json=as_json)
        return
    found_bus = find_bus(device, optional_config(config, lang), lang)
    bus = set_line(modbus_only(found_bus, lang), baud, parity, lang)
    if isinstance(bus, Line) and unit not in ALL_UNITS:
        fail(folded(NO_UNIT(lang, unit=unit)))
    request = _request(table, address, count, lang)
    words = _words(bus, unit, request, lang)
    found = [] if table.is_bits else readings(request.address, words, year=time.gmtime().tm_year)
    if as_json:
        asked = {"bus": bus.place, "unit": unit, "table": table, "address": request.address}
        echo_json(asked | {"words": words, "readings": [asdict(each) for each in found]})
        return
    typer.echo(folded(BLOCK(lang, place=bus.place, unit=unit, **_extent(request))))
    if table.is_bits:
        lines = block.bits(request.address, words)
    elif plausible:
        lines = block.plausible(found, lang)
    else:
        lines = block.block(request.address, words, found, lang)
    plain = "NO_COLOR" in os.environ
    for line in lines:
        typer.echo(line if plain else block.coloured(line))


def _request(table: Table, address: str, count: int, lang: Lang) -> Request:
    """What to read; exit when it is no block of a table."""
    try:
        first = int(address, 0)
    except ValueError:
        fail(NO_NUMBER(lang, given=address))
    most = MAX_BITS if table.is_bits else MAX_REGISTERS
    if count > most:
        fail(TOO_MANY(lang, most=most, table=table))
    if not 0 <= first <= ADDRESS_MAX + 1 - count:
        fail(BEYOND(lang, count=count, first=first, last=ADDRESS_MAX))
    return Request(table, first, count, ())


def _words(bus: ModbusBus, unit: int, request: Request, lang: Lang) -> list[int]:
    """What the unit answers; exit when it does not, with the reason."""
    who = {"unit": unit, "place": bus.place}
    try:
        words = asyncio.run(_asked(bus, unit, request))
    except BusDown as reason:
        _give_up(down(bus, reason, lang))
    except DeviceException as refusal:
        meaning = MEANINGS[refusal.code](lang) if refusal.code in MEANINGS else ""
        asked = who | _extent(request)
        _give_up(folded(REFUSED(lang, code=refusal.code, meaning=meaning, **asked)))
    except ReadFailed as reason:
        _give_up(folded(SILENT(lang, reason=reason, **who)))
    return words


def _give_up(reason: str) -> NoReturn:
    fail(reason, code=Exit.NOT_WORKING)


async def _asked(bus: ModbusBus, unit: int, request: Request) -> list[int]:
    link = ModbusLink(bus)
    await link.open()
    try:
        return await link.read(unit, request, start_within=bus.timeout or PATIENCE)
    finally:
        link.close()


def _extent(request: Request) -> dict[str, object]:
    return {"table": request.table, "first": request.address, "last": request.end - 1}
