"""Scanning a bus for the wizard: what is found, as entries of a configuration."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from edge_agent.bus.failures import BusDown
from edge_agent.bus.settings import RtuBus, TcpBus
from edge_agent.cli import found as spelled
from edge_agent.cli.progress import Bar
from edge_agent.cli.scan import modbus_profiles
from edge_agent.scan.proposal import configuration
from edge_agent.scan.scanner import Found, Progress, scan
from edge_agent.scan.scope import plan
from edge_agent.scan.signature import signature
from telemetry.language import Phrase
from telemetry.layout import folded, labelled
from telemetry.settings import read_yaml

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from edge_agent.scan.scope import Scope
    from edge_agent.setup.drafting import Entry
    from telemetry.language import Lang


OTHER_PACE = Phrase(
    en="left out: unit {unit} speaks at {pace}; set it to the speed of its bus, then `edge-agent "
    "add` it",
    vi="chưa lấy vào: địa chỉ {unit} chạy {pace}; chỉnh về tốc độ của bus, rồi `edge-agent add`",
)
NO_PROFILE = Phrase(
    en="left out: unit {unit}, which no profile fits; docs/add-a-device.md tells how to write one",
    vi="chưa lấy vào: địa chỉ {unit}, không có hồ sơ nào khớp; docs/add-a-device.md hướng dẫn thêm",
)


@dataclass(frozen=True, slots=True)
class Taken:
    """What a configuration takes over.

    Attributes:
        buses: the bus as it was found to be set, if it was.
        devices: on it.
        rivals: by their unit, the other profiles that fit; none of a device that told its model.
    """

    buses: list[Entry]
    devices: list[Entry]
    rivals: Mapping[object, Sequence[str]]


def found_on(bus: Entry, scope: Scope, taken: Sequence[str], lang: Lang) -> Taken:
    """What a scan finds until its end, or Ctrl-C; tells what cannot be taken over."""
    target = (TcpBus if "host" in bus else RtuBus).model_validate(bus)
    found: list[Found] = []
    bar = Bar(sys.stderr, lang)
    try:
        asyncio.run(_scan(target, scope, found, bar, lang))
    except KeyboardInterrupt:
        pass
    except BusDown as reason:
        typer.echo(folded(f"{target.place}: {reason.told(lang)}"), err=True)
    bar.clear()
    port = Path(str(bus["port"])) if isinstance(target, RtuBus) else None
    document, _ = read_yaml(configuration(target, found, port=port, taken=taken), "scan")
    said = document or {}
    buses = said.get("buses") or []
    ready = [each for each in found if each.candidates and _fits(each, buses[0])]
    for each in found:
        if each not in ready:
            typer.echo(labelled("!", _left_out(each, lang), indent=2, width=1))
    rivals: dict[object, list[str]] = {
        each.unit: [rival.profile.id for rival in each.others] for each in ready
    }
    return Taken(buses, said.get("devices") or [], rivals)


def _fits(each: Found, bus: Entry) -> bool:
    """Whether it speaks as fast as the bus will."""
    pace = each.pace
    return pace is None or (pace.baud, str(pace.parity)) == (bus["baud"], bus["parity"])


def _left_out(each: Found, lang: Lang) -> str:
    return (OTHER_PACE if each.candidates else NO_PROFILE)(lang, unit=each.unit, pace=each.pace)


async def _scan(
    bus: RtuBus | TcpBus, scope: Scope, found: list[Found], bar: Bar, lang: Lang
) -> None:
    profiles = modbus_profiles(None)
    probes = plan(bus, scope, profiles)
    async for event in scan(bus, probes, [signature(profile) for profile in profiles]):
        match event:
            case Found():
                found.append(event)
                bar.clear()
                typer.echo(spelled.device(event, lang))
            case Progress():
                bar.show(event.done, event.left, bus.place, str(event.probe.unit))
            case _:
                pass
