"""Scanning a bus for the wizard: what is found, as entries of a configuration."""

from __future__ import annotations

import asyncio
import sys
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
from telemetry.layout import folded
from telemetry.settings import read_yaml

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edge_agent.scan.scope import Scope
    from edge_agent.setup.drafting import Entry
    from telemetry.language import Lang


def found_on(
    bus: Entry, scope: Scope, taken: Sequence[str], lang: Lang
) -> tuple[list[Entry], list[Entry]]:
    """The bus as it was found to be set, and its devices; until the end of the scan, or Ctrl-C."""
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
    return said.get("buses") or [], said.get("devices") or []


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
