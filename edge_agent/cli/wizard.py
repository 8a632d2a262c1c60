"""The questions of `edge-agent init`: the gateway, its buses, and the devices on them.

A bus may be scanned at once; what is found is then named, and its model confirmed.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from device_profiles import loader
from edge_agent.cli import suggestions
from edge_agent.cli.asking import (
    LONGEST,
    NAME_MAX,
    agent_check,
    asked,
    baud_check,
    name_check,
    parity_check,
    unit_check,
)
from edge_agent.cli.taking_over import found_on
from edge_agent.ports.ports import ports
from edge_agent.scan.scope import Scope
from edge_agent.setup import drafting
from telemetry.language import Phrase
from telemetry.layout import labelled
from telemetry.names import is_agent

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from device_profiles.model import Profile
    from edge_agent.cli.taking_over import Taken
    from edge_agent.ports.ports import Port
    from edge_agent.setup.drafting import Draft, Entry
    from telemetry.language import Lang

HERE = "127.0.0.1"

AGENT = Phrase(en="Id of this gateway (a-z, 0-9, -)", vi="Mã của gateway này (a-z, 0-9, -)")
SITE = Phrase(
    en="Id of its site, such as market-hall (may be empty)",
    vi="Mã địa điểm, ví dụ market-hall (có thể bỏ trống)",
)
BROKER = Phrase(en="Host of the broker", vi="Máy chủ broker")
PORTS = Phrase(en="Serial ports here:", vi="Các cổng nối tiếp trên máy này:")
BUS = Phrase(
    en="Bus: a number above, a port or host[:port] (empty: no more)",
    vi="Bus: số ở trên, tên cổng hoặc host[:cổng] (bỏ trống: hết)",
)
BAUD = Phrase(en="Speed (baud)", vi="Tốc độ (baud)")
PARITY = Phrase(en="Parity (N, E or O)", vi="Chẵn lẻ (N, E hoặc O)")
SCAN = Phrase(en="Scan it now for devices? It only reads", vi="Quét tìm thiết bị ngay? Chỉ đọc")
KNOWN_BAUD = Phrase(
    en="Its speed, if known (empty: try the usual ones, 2 minutes)",
    vi="Tốc độ, nếu biết (bỏ trống: thử các tốc độ thường dùng, 2 phút)",
)
DEVICE = Phrase(
    en="Id of a device, such as meter-1 (empty: no more)",
    vi="Mã thiết bị, ví dụ meter-1 (bỏ trống: hết)",
)
ANOTHER = Phrase(en="Id of one more device (empty: no more)", vi="Mã thiết bị khác (bỏ trống: hết)")
FOUND = Phrase(
    en="Id of the {profile} at {unit}", vi="Mã của thiết bị {profile} tại địa chỉ {unit}"
)
WHICH = Phrase(en="Its profile; these fit too: {others}", vi="Hồ sơ của nó; cũng phù hợp: {others}")
PROFILE = Phrase(
    en="Its profile: an id, a word to search for, or ? for all classes",
    vi="Hồ sơ thiết bị: mã, từ cần tìm, hoặc ? để xem các loại",
)
WHICH_BUS = Phrase(en="Its bus ({known})", vi="Bus của thiết bị ({known})")
UNIT = Phrase(en="Its Modbus address (1-247)", vi="Địa chỉ Modbus (1-247)")
LABEL = Phrase(en="Where it is, for people (may be empty)", vi="Vị trí, ghi chú (có thể bỏ trống)")
WRITE = Phrase(en="Write {path}?", vi="Ghi tệp {path}?")
NOTHING_FOUND = Phrase(en="nothing was found", vi="không tìm thấy thiết bị nào")

NO_PORT = Phrase(
    en="there is no {port}; is the adapter plugged in?", vi="không có {port}; đã cắm chưa?"
)
NO_PLACE = Phrase(
    en="that is no number above, no port and no host[:port]",
    vi="không phải số ở trên, tên cổng hay host[:cổng]",
)
NOT_BUS = Phrase(
    en="there is no bus {name}; known are {known}", vi="không có bus {name}; hiện có {known}"
)


def ask(draft: Draft, lang: Lang) -> Draft:
    """What was not given, asked."""
    agent = draft.agent if is_agent(draft.agent) else asked(AGENT(lang), agent_check(lang))
    site = draft.site or asked(SITE(lang), name_check(lang, (), NAME_MAX), default="")
    broker = draft.broker or asked(BROKER(lang), default=HERE)
    draft = replace(draft, agent=agent, site=site, broker=broker)
    if not draft.buses:
        draft = _ask_buses(draft, lang)
    return _ask_devices(draft, lang) if draft.buses else draft


def agrees(text: str, output: Path, lang: Lang) -> bool:
    """Whether the file, which is shown, is to be written."""
    typer.echo(f"\n{text}")
    return typer.confirm(WRITE(lang, path=output), default=True)


# Buses --------------------------------------------------------------------------------------


def _ask_buses(draft: Draft, lang: Lang) -> Draft:
    here = ports()
    if here:
        typer.echo(PORTS(lang))
    for number, port in enumerate(here, 1):
        typer.echo(labelled(f"{number}", str(port.name), indent=2, width=3))
    while answer := asked(BUS(lang), lambda text: _place_problem(text, here, lang), default=""):
        draft = _with_bus(draft, _place(answer, here), lang)
    return draft


def _with_bus(draft: Draft, given: Entry, lang: Lang) -> Draft:
    made = drafting.bus(given, [str(each["id"]) for each in draft.buses])
    if typer.confirm(SCAN(lang), default=True):
        taken = [str(each["id"]) for each in draft.devices]
        speed = "" if "host" in made else asked(KNOWN_BAUD(lang), baud_check(lang), default="")
        scope = Scope(bauds=(int(speed),) if speed else ())
        found = found_on(made, scope, taken, lang)
        if found.devices:
            draft = replace(draft, buses=[*draft.buses, *found.buses])
            return _with_found(draft, found, lang)
        typer.echo(NOTHING_FOUND(lang))
    if "host" not in made:
        made["baud"] = int(asked(BAUD(lang), baud_check(lang), default="9600"))
        made["parity"] = asked(PARITY(lang), parity_check(lang), default="N").upper()
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


def _catalogue() -> dict[str, Profile]:
    return {name: loader.load(path) for name, path in loader.catalogue().items()}


def _with_found(draft: Draft, found: Taken, lang: Lang) -> Draft:
    """The devices that a scan found, with a name each and the profile that is right."""
    titles = _catalogue()
    for given in found.devices:
        taken = [str(each["id"]) for each in draft.devices]
        device = _named(given, found.rivals.get(given["unit"], ()), taken, titles, lang)
        draft = replace(draft, devices=[*draft.devices, device])
    return draft


def _named(
    given: Entry,
    rivals: Sequence[str],
    taken: Sequence[str],
    titles: Mapping[str, Profile],
    lang: Lang,
) -> Entry:
    id_check = name_check(lang, taken, LONGEST)
    device = given | {"id": asked(FOUND(lang, **given), id_check, default=str(given["id"]))}
    if rivals:
        question = WHICH(lang, others=", ".join(rivals))
        which = suggestions.check(titles, lang)
        device["profile"] = asked(question, which, default=str(given["profile"]))
    if device["profile"] != given["profile"]:
        device.pop("offset", None)  # it was where the other model begins
    label = asked(LABEL(lang), default="")
    return device | ({"label": label} if label else {})


def _ask_devices(draft: Draft, lang: Lang) -> Draft:
    titles = _catalogue()
    while True:
        taken = [str(each["id"]) for each in draft.devices]
        question = (ANOTHER if taken else DEVICE)(lang)
        name = asked(question, name_check(lang, taken, LONGEST), default="")
        if not name:
            return draft
        profile = titles[asked(PROFILE(lang), suggestions.check(titles, lang))]
        device: Entry = {"id": name, "bus": _ask_bus(draft, lang), "profile": profile.id}
        draft = _fitted(draft, device, profile)
        if profile.protocol == "modbus":
            usual = str(getattr(profile, "unit", 1))
            device["unit"] = int(asked(UNIT(lang), unit_check(lang), default=usual))
        if label := asked(LABEL(lang), default=""):
            device["label"] = label
        draft = replace(draft, devices=[*draft.devices, device])


def _ask_bus(draft: Draft, lang: Lang) -> str:
    known = [str(each["id"]) for each in draft.buses]
    if len(known) == 1:
        return known[0]

    def check(text: str) -> str | None:
        listed = ", ".join(known)
        return None if text in known else NOT_BUS(lang, name=text, known=listed)

    return asked(WHICH_BUS(lang, known=", ".join(known)), check)


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
