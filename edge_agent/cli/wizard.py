"""The questions of `edge-agent init`; each answer is checked at once, a wrong one explained."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from device_profiles import loader
from edge_agent.cli import suggestions
from edge_agent.cli.taking_over import found_on
from edge_agent.ports.ports import ports
from edge_agent.scan.scope import Scope
from edge_agent.setup import drafting
from telemetry.language import Phrase
from telemetry.layout import labelled
from telemetry.names import DEVICE as DEVICE_NAME
from telemetry.names import is_agent, is_name

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from device_profiles.model import Profile
    from edge_agent.ports.ports import Port
    from edge_agent.setup.drafting import Draft, Entry
    from telemetry.language import Lang

    Check = Callable[[str], str | None]

HERE = "127.0.0.1"
LONGEST = 33
"""Characters of a device's id: 40 with `-health`, which its counters' id ends in."""

NAME_MAX = 40
PARITIES = ("N", "E", "O")

AGENT = Phrase(en="Id of this gateway (a-z, 0-9, -)", vi="Mã của gateway này (a-z, 0-9, -)")
SITE = Phrase(
    en="Id of its site, such as market-hall (may be empty)",
    vi="Mã địa điểm, ví dụ market-hall (có thể bỏ trống)",
)
BROKER = Phrase(en="Host of the broker", vi="Máy chủ broker")
PORTS = Phrase(en="Serial ports here:", vi="Các cổng nối tiếp trên máy này:")
BUS = Phrase(
    en="Bus: a number above, a port, or host[:port] of Modbus TCP (empty: no more)",
    vi="Bus: số ở trên, tên cổng, hoặc host[:cổng] của Modbus TCP (bỏ trống: hết)",
)
BAUD = Phrase(en="Speed (baud)", vi="Tốc độ (baud)")
PARITY = Phrase(en="Parity (N, E or O)", vi="Chẵn lẻ (N, E hoặc O)")
SCAN = Phrase(en="Scan it now for devices? It only reads", vi="Quét tìm thiết bị ngay? Chỉ đọc")
KNOWN_BAUD = Phrase(
    en="Its speed, if you know it (empty: try the usual ones, which takes minutes)",
    vi="Tốc độ, nếu biết (bỏ trống: thử các tốc độ thường dùng, mất vài phút)",
)
DEVICE = Phrase(
    en="Id of a device, such as meter-1 (empty: no more)",
    vi="Mã thiết bị, ví dụ meter-1 (bỏ trống: hết)",
)
PROFILE = Phrase(
    en="Its profile: an id, a word to search for, or ? for all classes",
    vi="Hồ sơ thiết bị: mã, từ cần tìm, hoặc ? để xem các loại",
)
WHICH_BUS = Phrase(en="Its bus ({known})", vi="Bus của thiết bị ({known})")
UNIT = Phrase(en="Its Modbus address (1-247)", vi="Địa chỉ Modbus (1-247)")
LABEL = Phrase(en="Where it is, for people (may be empty)", vi="Vị trí, ghi chú (có thể bỏ trống)")
WRITE = Phrase(en="Write {path}?", vi="Ghi tệp {path}?")
TAKEN_OVER = Phrase(en="taken over: {names}", vi="đã lấy vào: {names}")
NOTHING_FOUND = Phrase(en="nothing was found", vi="không tìm thấy thiết bị nào")

NOT_AGENT = Phrase(
    en="should be a-z, 0-9 and -, at most 40, such as gw-district-1",
    vi="chỉ gồm a-z, 0-9 và -, tối đa 40 ký tự, ví dụ gw-district-1",
)
NOT_NAME = Phrase(
    en="should be a-z, 0-9, - and _, at most {longest}, such as meter-1",
    vi="chỉ gồm a-z, 0-9, - và _, tối đa {longest} ký tự, ví dụ meter-1",
)
TAKEN = Phrase(en="{name} is taken already", vi="{name} đã được dùng")
RESERVED = Phrase(
    en="{name} is a name of the agent's own samples", vi="{name} là tên dành riêng cho agent"
)
NO_PORT = Phrase(
    en="there is no {port}; is the adapter plugged in?", vi="không có {port}; đã cắm chưa?"
)
NO_PLACE = Phrase(
    en="that is no number above, no port and no host[:port]",
    vi="không phải số ở trên, tên cổng hay host[:cổng]",
)
NOT_BAUD = Phrase(en="should be such as 9600, 19200", vi="phải là số như 9600, 19200")
NOT_PARITY = Phrase(en="should be N, E or O", vi="phải là N, E hoặc O")
NOT_UNIT = Phrase(en="should be 1 to 247", vi="phải từ 1 đến 247")
NOT_BUS = Phrase(
    en="there is no bus {name}; known are {known}", vi="không có bus {name}; hiện có {known}"
)


def ask(draft: Draft, lang: Lang) -> Draft:
    """What was not given, asked."""
    agent = draft.agent if is_agent(draft.agent) else _asked(AGENT(lang), _agent_check(lang))
    site = draft.site or _asked(SITE(lang), _name_check(lang, (), NAME_MAX), default="")
    broker = draft.broker or _asked(BROKER(lang), default=HERE)
    draft = replace(draft, agent=agent, site=site, broker=broker)
    if not draft.buses:
        draft = _ask_buses(draft, lang)
    return _ask_devices(draft, lang) if draft.buses else draft


def agrees(text: str, output: Path, lang: Lang) -> bool:
    """Whether the file, which is shown, is to be written."""
    typer.echo(f"\n{text}")
    return typer.confirm(WRITE(lang, path=output), default=True)


def _asked(question: str, check: Check | None = None, *, default: str | None = None) -> str:
    """An answer that is right; a wrong one is explained, and asked for again."""
    while True:
        answer = str(
            typer.prompt(
                question, default="" if default is None else default, show_default=bool(default)
            )
        ).strip()
        if not answer and default == "":
            return ""
        reason = check(answer) if check else None
        if answer and reason is None:
            return answer
        typer.echo(labelled("!", reason or question, indent=2, width=1))


# Buses --------------------------------------------------------------------------------------


def _ask_buses(draft: Draft, lang: Lang) -> Draft:
    here = ports()
    if here:
        typer.echo(PORTS(lang))
    for number, port in enumerate(here, 1):
        typer.echo(labelled(f"{number}", str(port.name), indent=2, width=3))
    while answer := _asked(BUS(lang), lambda text: _place_problem(text, here, lang), default=""):
        draft = _with_bus(draft, _place(answer, here), lang)
    return draft


def _with_bus(draft: Draft, given: Entry, lang: Lang) -> Draft:
    made = drafting.bus(given, [str(each["id"]) for each in draft.buses])
    if typer.confirm(SCAN(lang), default=False):
        taken = [str(each["id"]) for each in draft.devices]
        speed = "" if "host" in made else _asked(KNOWN_BAUD(lang), _baud_check(lang), default="")
        scope = Scope(bauds=(int(speed),) if speed else ())
        buses, devices = found_on(made, scope, taken, lang)
        if devices:
            names = ", ".join(str(each["id"]) for each in devices)
            typer.echo(TAKEN_OVER(lang, names=names))
            return replace(draft, buses=[*draft.buses, *buses], devices=[*draft.devices, *devices])
        typer.echo(NOTHING_FOUND(lang))
    if "host" not in made:
        made["baud"] = int(_asked(BAUD(lang), _baud_check(lang), default="9600"))
        made["parity"] = _asked(PARITY(lang), _parity_check(lang), default="N").upper()
    return replace(draft, buses=[*draft.buses, made])


def _place(text: str, here: Sequence[Port]) -> Entry:
    if text.isdecimal():
        return {"port": str(here[int(text) - 1].name)}
    if "/" in text or Path(text).exists():
        return {"port": text}
    host, _, port = text.partition(":")
    return {"host": host} | ({"port": int(port)} if port else {})


def _place_problem(text: str, here: Sequence[Port], lang: Lang) -> str | None:
    if text.isdecimal():
        return None if 1 <= int(text) <= len(here) else NO_PLACE(lang)
    if "/" in text:
        return None if Path(text).exists() else NO_PORT(lang, port=text)
    is_place = Path(text).exists() or re.fullmatch(r"[\w.-]+(:[0-9]{1,5})?", text)
    return None if is_place else NO_PLACE(lang)


# Devices ------------------------------------------------------------------------------------


def _ask_devices(draft: Draft, lang: Lang) -> Draft:
    titles = {name: loader.load(path) for name, path in loader.catalogue().items()}
    while True:
        taken = [str(each["id"]) for each in draft.devices]
        name = _asked(DEVICE(lang), _name_check(lang, taken, LONGEST), default="")
        if not name:
            return draft
        profile = titles[_asked(PROFILE(lang), suggestions.check(titles, lang))]
        device: Entry = {"id": name, "bus": _ask_bus(draft, lang), "profile": profile.id}
        draft = _fitted(draft, device, profile)
        if profile.protocol == "modbus":
            usual = str(getattr(profile, "unit", 1))
            device["unit"] = int(_asked(UNIT(lang), _unit_check(lang), default=usual))
        if label := _asked(LABEL(lang), default=""):
            device["label"] = label
        draft = replace(draft, devices=[*draft.devices, device])


def _ask_bus(draft: Draft, lang: Lang) -> str:
    known = [str(each["id"]) for each in draft.buses]
    if len(known) == 1:
        return known[0]

    def check(text: str) -> str | None:
        listed = ", ".join(known)
        return None if text in known else NOT_BUS(lang, name=text, known=listed)

    return _asked(WHICH_BUS(lang, known=", ".join(known)), check)


def _fitted(draft: Draft, device: Entry, profile: Profile) -> Draft:
    """The bus of a device that speaks no Modbus is one for bytes as they come."""
    if profile.protocol == "modbus":
        return draft
    buses = [
        each | {"transport": "serial-over-tcp" if "host" in each else "serial"}
        if each["id"] == device["bus"]
        else each
        for each in draft.buses
    ]
    return replace(draft, buses=buses)


# What is right ------------------------------------------------------------------------------


def _agent_check(lang: Lang) -> Check:
    return lambda text: None if is_agent(text) else NOT_AGENT(lang)


def _name_check(lang: Lang, taken: Sequence[str], longest: int) -> Check:
    def check(text: str) -> str | None:
        if not is_name(DEVICE_NAME, text) or len(text) > longest:
            return NOT_NAME(lang, longest=longest)
        if text == "gateway" or text.endswith("-health"):
            return RESERVED(lang, name=text)
        return TAKEN(lang, name=text) if text in taken else None

    return check


def _baud_check(lang: Lang) -> Check:
    def check(text: str) -> str | None:
        is_right = text.isdecimal() and 300 <= int(text) <= 4_000_000  # noqa: PLR2004 - as a bus has it
        return None if is_right else NOT_BAUD(lang)

    return check


def _parity_check(lang: Lang) -> Check:
    return lambda text: None if text.upper() in PARITIES else NOT_PARITY(lang)


def _unit_check(lang: Lang) -> Check:
    def check(text: str) -> str | None:
        is_right = text.isdecimal() and 1 <= int(text) <= 247  # noqa: PLR2004 - Modbus over Serial Line V1.02, §2.2
        return None if is_right else NOT_UNIT(lang)

    return check
