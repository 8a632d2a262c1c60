"""`collector query`: stored values as a table, CSV or JSON."""

import csv
import io
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any

import typer

from collector.cli import moments, online
from collector.cli.exits import told
from collector.cli.options import ConfigFile, Language, TokenFile, Url
from collector.cli.table import table
from collector.cli.texts import Text, say
from collector.stores.query import Aggregate, Wanted
from telemetry import quantities
from telemetry.language import Lang

EXAMPLES = """\b
Examples:
  collector query                            # what is stored
  collector query gw-1 meter-1 voltage_l1    # the last hour
  collector query gw-1 meter-1 --last 1d --agg mean --every 1h
  collector query gw-1 meter-1 --from 2026-11-22T07:00 --format csv > morning.csv
"""


class Form(StrEnum):
    """How the answer looks."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"


def query(  # noqa: PLR0913 - each is one option
    config_file: ConfigFile,
    lang: Language,
    *,
    agent: Annotated[str | None, typer.Argument(help="Without one, what is stored.")] = None,
    device: Annotated[str | None, typer.Argument(help="As the stored list names it.")] = None,
    channels: Annotated[list[str] | None, typer.Argument(help="None means all.")] = None,
    last: Annotated[str, typer.Option(help="Until now, from so long ago.")] = "1h",
    start: Annotated[
        str | None,
        typer.Option("--from", help="Instead of --last: 2026-11-22T13:00, in this machine's zone."),
    ] = None,
    end: Annotated[str | None, typer.Option("--to", help="Unless given, now.")] = None,
    agg: Annotated[Aggregate | None, typer.Option(help="One value a bucket.")] = None,
    every: Annotated[str | None, typer.Option(help="A bucket's width: 15min, 1h.")] = None,
    quality: Annotated[Wanted, typer.Option(help="Good values, or all.")] = Wanted.GOOD,
    limit: Annotated[int | None, typer.Option(help="Most points a channel.")] = None,
    form: Annotated[Form, typer.Option("--format", help="How the answer looks.")] = Form.TABLE,
    as_json: Annotated[bool, typer.Option("--json", help="Same as --format json.")] = False,
    url: Url = None,
    token_file: TokenFile = None,
) -> None:
    """Show stored values: of the last hour, unless told otherwise."""
    form = Form.JSON if as_json else form
    with told():
        collector = online.find(config_file, url, token_file)
    if agent is None or device is None:
        _show_catalogue(collector.get("/v1/catalogue"), agent, form, lang)
        return
    until = moments.parse(end) if end else datetime.now(UTC).isoformat()
    found = collector.get(
        "/v1/series",
        agent=agent,
        device=device,
        channel=channels,
        **{"from": moments.parse(start) if start else _ago(last), "to": until},
        agg=agg,
        every=every or (last if agg and not start else None),
        quality=quality,
        limit=limit,
    )
    _show_series(found, form, lang)


def _ago(text: str) -> str:
    try:
        seconds = quantities.seconds(text)
    except ValueError as error:
        raise typer.BadParameter(f"--last {text}: {error}") from error
    assert isinstance(seconds, int | float)  # noqa: S101 - what it returns for a text
    return (datetime.now(UTC) - timedelta(seconds=seconds)).isoformat()


def _show_catalogue(
    entries: list[dict[str, Any]], agent: str | None, form: Form, lang: Lang
) -> None:
    entries = [entry for entry in entries if agent in (None, entry["agent"])]
    rows = [
        (entry["agent"], entry["device"], entry["profile"], " ".join(entry["channels"]))
        for entry in entries
    ]
    headings = ["AGENT", say(Text.DEVICE, lang), "PROFILE", say(Text.CHANNEL, lang)]
    _print(entries, headings, rows, form)


def _show_series(found: list[dict[str, Any]], form: Form, lang: Lang) -> None:
    rows = sorted(
        (
            point["at"] if form is Form.CSV else moments.show(point["at"]),
            one["channel"],
            "" if point["value"] is None else str(point["value"]),
            one["unit"] or "",
            str(point["count"]),
            point["flag"] or "",
        )
        for one in found
        for point in one["points"]
    )
    if form is Form.TABLE and not rows:
        typer.echo(say(Text.NO_VALUES, lang))
        return
    headings = [
        *(say(text, lang) for text in (Text.TIME, Text.CHANNEL, Text.VALUE)),
        "",
        *(say(text, lang) for text in (Text.COUNT, Text.FLAG)),
    ]
    if form is Form.CSV:
        headings = ["time", "channel", "value", "unit", "count", "flag"]
    _print(found, headings, rows, form)


def _print(
    document: object, headings: list[str], rows: Sequence[Sequence[str]], form: Form
) -> None:
    match form:
        case Form.JSON:
            typer.echo(json.dumps(document, ensure_ascii=False))
        case Form.CSV:
            text = io.StringIO()
            csv.writer(text, lineterminator="\n").writerows([headings, *rows])
            typer.echo(text.getvalue(), nl=False)
        case Form.TABLE:
            typer.echo(table(headings, rows))
