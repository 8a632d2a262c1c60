"""`edge-agent test`: every channel proven from the device to the store and back, and signed off."""

from __future__ import annotations

import os
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
from telemetry.layout import folded
from telemetry.quantities import seconds
from telemetry.settings import SettingsError, read_secret

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edge_agent.acceptance.trial import Key
    from edge_agent.cli.proving import Seen
    from edge_agent.site.site import SiteDevice
    from telemetry.language import Lang

EXAMPLES = """\b
Examples:
  edge-agent test
  edge-agent test --expect meter-1.voltage=230+-2 --sheet acceptance.html
  edge-agent test --collector http://centre:8420 --token-file viewer.token \\
      --technician "Tran Van An" --sheet sheet.html --sheet sheet.csv

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
NO_FORMAT = Phrase(
    en="--sheet {path} should end with {formats}", vi="--sheet {path} phải có đuôi {formats}"
)
NO_PLACE = Phrase(
    en="--sheet {path}: this user cannot write in {directory}, or it does not exist",
    vi="--sheet {path}: không có thư mục {directory} hoặc không được ghi vào đó",
)
NO_WAIVER = Phrase(
    en="--waive {text!r} should be such as 'meter-1.voltage_l2=single phase'",
    vi="--waive {text!r} phải có dạng như 'meter-1.voltage_l2=một pha'",
)
NO_CHANNEL = Phrase(
    en="{given}: {name} has no such channel; it has {known}",
    vi="{given}: {name} không có kênh này; các kênh hiện có: {known}",
)
NO_TIME = Phrase(
    en="--within {text} should be such as 90s or 5min",
    vi="--within {text} phải có dạng như 90s hoặc 5min",
)
NEEDS_TOKEN = Phrase(
    en="--collector needs --token-file", vi="có --collector thì phải có --token-file"
)


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
    """Prove every channel, from the device to the store. Writes acceptance sheets."""
    path = config_path(config, lang)
    site = load_site(path, lang)
    named = tuple(device_named(name, site.devices, lang) for name in device or ())
    devices = named or site.devices
    files = [_sheet_file(file, lang) for file in sheet or ()]
    order = Order(
        path=path,
        site=site,
        devices=devices,
        references=dict(_reference(each, devices, lang) for each in expect or ()),
        waived=dict(_waiver(each, devices, lang) for each in waive or ()),
        within=_seconds(within, lang) if within else _patience(devices),
        centre=_centre(collector, token_file, lang),
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


def _sheet_file(path: Path, lang: Lang) -> Path:
    if path.suffix not in sheets.FORMATS:
        fail(NO_FORMAT(lang, path=path, formats=", ".join(sheets.FORMATS)))
    if not os.access(path.parent, os.W_OK | os.X_OK):
        fail(NO_PLACE(lang, path=path, directory=path.parent))
    return path


def _reference(text: str, devices: Sequence[SiteDevice], lang: Lang) -> tuple[Key, Reference]:
    try:
        point, reference = Reference.parse(text)
    except NoReference as error:
        fail(f"--expect {error}")
    return _key("--expect", point, devices, lang), reference


def _waiver(text: str, devices: Sequence[SiteDevice], lang: Lang) -> tuple[Key, str]:
    point, _, why = text.partition("=")
    if not why.strip():
        fail(NO_WAIVER(lang, text=text))
    return _key("--waive", point.strip(), devices, lang), why.strip()


def _key(option: str, point: str, devices: Sequence[SiteDevice], lang: Lang) -> Key:
    name, _, channel = point.partition(".")
    found = device_named(name, devices, lang)
    channels = [c.id for each in found.rounds for c in each.channels]
    if channel not in channels:
        known = ", ".join(channels)
        fail(folded(NO_CHANNEL(lang, given=f"{option} {point}", name=name, known=known)))
    return name, channel


def _seconds(text: str, lang: Lang) -> float:
    try:
        found = seconds(text)
    except ValueError:
        found = None
    if not isinstance(found, float) or found <= 0:
        fail(NO_TIME(lang, text=text))
    return found


def _patience(devices: Sequence[SiteDevice]) -> float:
    intervals = [each.interval for device in devices for each in device.rounds]
    return min(LONGEST, SETTLE + max(filter(isfinite, intervals), default=0.0))


def _centre(url: str, token_file: Path | None, lang: Lang) -> Centre | None:
    if not url:
        return None
    if token_file is None:
        fail(NEEDS_TOKEN(lang))
    try:
        return Centre(url, read_secret(token_file))
    except SettingsError as error:
        fail(*error.problems)
