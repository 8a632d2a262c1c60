"""Which bus a word on the command line means: a port, a place in the network, or a bus's id."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import typer
from pydantic import ValidationError

from edge_agent.bus.settings import (
    Line,
    ModbusBus,
    PortBus,
    RtuBus,
    SerialBus,
    SerialOverTcpBus,
    TcpBus,
)
from edge_agent.cli.options import PLACES, fail, some
from edge_agent.config import AgentConfig
from telemetry import settings
from telemetry.language import Phrase
from telemetry.layout import folded
from telemetry.settings import SettingsError

if TYPE_CHECKING:
    from pathlib import Path

    from device_profiles.registers import Parity
    from edge_agent.bus.settings import AnyBus
    from telemetry.language import Lang

NEW = "rs485", "cabinet"
"""What a bus is called that no configuration names: a serial one, one in the network."""

TCP = "tcp:"

HOST = re.compile(rf"(?:{TCP})?(\[[0-9a-fA-F:]+\]|[\w.-]+?)(?::(\d+))?")
"""A host with or without its port; an address of IPv6 stands in brackets."""

PORT_OF_MODBUS = 502

LEFT_ASIDE = Phrase(en="{path} is left aside: {problem}", vi="bỏ qua {path}: {problem}")
NO_BUS = Phrase(
    en="{word!r} is no port (/dev/…), no host:port, and no bus; known buses are {known}",
    vi="{word!r} không phải cổng (/dev/…), host:cổng hay bus; các bus hiện có: {known}",
)
NO_MODBUS = Phrase(
    en="bus {bus} speaks no Modbus; `edge-agent read DEVICE` reads what is on it",
    vi="bus {bus} không dùng Modbus; `edge-agent read THIẾT_BỊ` đọc thiết bị trên bus này",
)
NO_LINE = Phrase(en="{place} has no baud or parity", vi="{place} không có tốc độ baud hay chẵn lẻ")


def optional_config(given: Path | None, lang: Lang) -> AgentConfig | None:
    """The configuration, if there is one; a wrong one that nobody named is told and left aside."""
    path = given or next((place for place in PLACES if place.exists()), None)
    if path is None:
        return None
    try:
        return settings.load(path, AgentConfig)
    except SettingsError as error:
        if given is not None:
            fail(*error.problems)
        typer.echo(folded(LEFT_ASIDE(lang, path=path, problem=error.problems[0])), err=True)
        return None


def find_bus(word: str, config: AgentConfig | None, lang: Lang) -> AnyBus:
    """The bus that a word means; exit when it means none."""
    configured = () if config is None else config.buses
    found = next((bus for bus in configured if bus.id == word), None)
    if found is None and "/" in word:
        found = next(
            (b for b in configured if isinstance(b, PortBus) and str(b.port) == word), None
        )
    if found is None:
        found = _unconfigured(word)
    if found is None:
        known = some([bus.id for bus in configured], lang)
        fail(folded(NO_BUS(lang, word=word, known=known)))
    return found


def modbus_only(bus: AnyBus, lang: Lang) -> ModbusBus:
    """The same bus; exit when another protocol is spoken on it."""
    if isinstance(bus, SerialBus | SerialOverTcpBus):
        fail(folded(NO_MODBUS(lang, bus=bus.id)))
    return bus


def _unconfigured(word: str) -> ModbusBus | None:
    """A port or a host, as far as the word looks like one rather than like a misspelt bus."""
    if "/" in word:
        return _checked(RtuBus, {"transport": "modbus-rtu", "id": NEW[0], "port": word})
    host = HOST.fullmatch(word)
    if host is None or not (word.startswith(TCP) or host[2] or "." in word or word == "localhost"):
        return None
    place = {"host": host[1].strip("[]"), "port": int(host[2] or PORT_OF_MODBUS)}
    return _checked(TcpBus, {"transport": "modbus-tcp", "id": NEW[1], **place})


def set_line(bus: ModbusBus, baud: int | None, parity: Parity | None, lang: Lang) -> ModbusBus:
    """The bus with its line set as the options say; exit when it has none."""
    given = {"baud": baud, "parity": parity}
    line = {key: value for key, value in given.items() if value is not None}
    if line and not isinstance(bus, Line):
        fail(NO_LINE(lang, place=bus.place))
    return _checked(type(bus), bus.model_dump() | line) if line else bus


def _checked(kind: type[ModbusBus], fields: dict[str, object]) -> ModbusBus:
    try:
        return kind.model_validate(fields)
    except ValidationError as error:
        fail(*(f"{problem['loc'][0]}: {problem['msg']}" for problem in error.errors()))
