"""`edge-agent test`: every channel proven from the device to the store and back, and signed off."""

from __future__ import annotations

from math import isfinite
from pathlib import Path  # noqa: TC003 - typer reads it
from typing import TYPE_CHECKING, Annotated

import typer

from edge_agent.acceptance import text as sheet_text
from edge_agent.acceptance.point import NoReference, Reference
from edge_agent.acceptance.sheet import Sheet, spell
from edge_agent.cli import sheets
from edge_agent.cli.centre import Centre
from edge_agent.cli.options import (
    Config,
    Json,
    Language,
    config_path,
    device_named,
    fail,
    load_site,
)
from edge_agent.cli.proving import Order, now, prove
from edge_agent.exits import Exit
from edge_agent.site.site import version
from telemetry.language import Phrase
from telemetry.quantities import seconds
from telemetry.settings import SettingsError, read_secret

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edge_agent.acceptance.trial import Key
    from edge_agent.cli.proving import Seen
    from edge_agent.site.site import SiteDevice

EXAMPLES = """\b
Examples:
  edge-agent test
  edge-agent test --expect meter-1.voltage=230+-2 --sheet acceptance.html
  edge-agent test --collector http://centre:8420 --token-file viewer.token \\
      --technician "Tran Van An" --sheet acceptance.html --sheet acceptance.csv

It looks at the agent that runs, or starts one until the test is over. Ctrl-C
ends the waiting; what was seen by then is judged. A sheet in .json holds the
very bytes that the SHA-256 on the others is of: sha256sum shows whether one
was changed.

Exits with 1 when a channel is not proven.
"""

SETTLE = 60.0
"""Seconds beyond the longest interval: for the batch, the way, the store and the receipt."""

LONGEST = 900.0
"""Seconds that a test lasts unless more is asked: who reads hourly says how long to wait."""

WROTE = Phrase(en="wrote {path}", vi="đã ghi {path}")


def point_to_point(  # noqa: PLR0913 - a command's options
    config: Config = None,
    *,
    device: Annotated[
        list[str] | None, typer.Option(help="Only this one; repeat it.", metavar="ID")
    ] = None,
    expect: Annotated[
        list[str] | None,
        typer.Option(
            help="What your own instrument says, such as meter-1.voltage=230+-2 or =230+-1%; "
            "repeat it.",
            metavar="ID.CHANNEL=VALUE+-OFF",
        ),
    ] = None,
    waive: Annotated[
        list[str] | None,
        typer.Option(
            help="A channel that need not work, and why; repeat it.", metavar="ID.CHANNEL=WHY"
        ),
    ] = None,
    sheet: Annotated[
        list[Path] | None,
        typer.Option(help="Write an acceptance sheet: .html, .csv, .txt or .json; repeat it."),
    ] = None,
    technician: Annotated[str, typer.Option(help="Who tests.")] = "",
    note: Annotated[str, typer.Option(help="A remark for the sheet.")] = "",
    collector: Annotated[
        str, typer.Option(help="Read the values back from this collector's API.", metavar="URL")
    ] = "",
    token_file: Annotated[
        Path | None, typer.Option(help="A viewer's token for it (`collector tokens add`).")
    ] = None,
    within: Annotated[
        str,
        typer.Option(help="Longest wait, such as 5min.", show_default="the longest interval + 60s"),
    ] = "",
    lang: Language,
    as_json: Json = False,
) -> None:
    """Prove every channel from the device to the store and back; write an acceptance sheet."""
    path = config_path(config)
    site = load_site(path)
    devices = tuple(device_named(name, site.devices) for name in device or ()) or site.devices
    files = [_sheet_file(file) for file in sheet or ()]
    order = Order(
        path=path,
        site=site,
        devices=devices,
        references=dict(_reference(each, devices) for each in expect or ()),
        waived=dict(_waiver(each, devices) for each in waive or ()),
        within=_seconds(within) if within else _patience(devices),
        centre=_centre(collector, token_file),
        lang=lang,
    )
    made = _sheet(order, prove(order), technician, note)
    if as_json:
        typer.echo(spell(made).decode(), nl=False)
    else:
        typer.echo("\n".join(sheet_text.body(made, lang)))
    for file in files:
        try:
            sheets.write(file, made, lang)
        except sheets.NotWritten as error:
            fail(str(error))
        typer.echo(WROTE(lang, path=file), err=True)
    if not made.accepted:
        raise typer.Exit(Exit.NOT_WORKING)


def _sheet(order: Order, seen: Seen, technician: str, note: str) -> Sheet:
    at, identity = now(), order.site.config.agent
    return Sheet(
        at=at,
        offset=sheets.utc_offset(at),
        site=identity.site or "",
        agent=identity.id,
        version=version(),
        config=order.site.digest,
        clock=seen.last["clock"] if seen.last else "unknown",
        broker=order.site.config.uplink.address,
        collector=order.centre.url if order.centre else "",
        technician=technician,
        note=note,
        devices=sheets.device_sheets(order.site, seen.points),
        refused=seen.more("refused"),
        dropped=seen.more("dropped"),
    )


def _sheet_file(path: Path) -> Path:
    if path.suffix not in sheets.FORMATS:
        fail(f"--sheet {path} should end with {', '.join(sheets.FORMATS)}")
    return path


def _reference(text: str, devices: Sequence[SiteDevice]) -> tuple[Key, Reference]:
    try:
        point, reference = Reference.parse(text)
    except NoReference as error:
        fail(f"--expect {error}")
    return _key("--expect", point, devices), reference


def _waiver(text: str, devices: Sequence[SiteDevice]) -> tuple[Key, str]:
    point, _, why = text.partition("=")
    if not why.strip():
        fail(f"--waive {text!r} should be such as 'meter-1.voltage_l2=single phase'")
    return _key("--waive", point.strip(), devices), why.strip()


def _key(option: str, point: str, devices: Sequence[SiteDevice]) -> Key:
    name, _, channel = point.partition(".")
    found = device_named(name, devices)
    channels = [c.id for each in found.rounds for c in each.channels]
    if channel not in channels:
        fail(f"{option} {point}: {name} has no channel {channel!r}; it has {', '.join(channels)}")
    return name, channel


def _seconds(text: str) -> float:
    try:
        found = seconds(text)
    except ValueError as error:
        fail(f"--within {text}: {error}")
    if not isinstance(found, float) or found <= 0:
        fail(f"--within {text} should be such as 90s or 5min")
    return found


def _patience(devices: Sequence[SiteDevice]) -> float:
    intervals = [each.interval for device in devices for each in device.rounds]
    return min(LONGEST, SETTLE + max(filter(isfinite, intervals), default=0.0))


def _centre(url: str, token_file: Path | None) -> Centre | None:
    if not url:
        return None
    if token_file is None:
        fail("--collector needs --token-file")
    try:
        return Centre(url, read_secret(token_file))
    except SettingsError as error:
        fail(*error.problems)
