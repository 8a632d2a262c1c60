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
from collector.cli.texts import Text, say
from collector.stores.query import Aggregate, Wanted
from telemetry import quantities
from telemetry.language import Lang, Phrase
from telemetry.layout import folded, table

EXAMPLES = """\b
Examples:
  collector query                            # what is stored
  collector query gw-1 meter-1 voltage_l1    # the last hour
  collector query gw-1 meter-1 --last 1d --agg mean --every 1h
  collector query gw-1 meter-1 --from 2026-11-22T07:00 --format csv > day.csv
"""


NOTHING_STORED = Phrase(en="nothing is stored yet", vi="chưa có dữ liệu nào được lưu")
NONE_OF = Phrase(
    en="nothing is stored of agent {agent}; `collector query` shows of which",
    vi="chưa lưu dữ liệu nào của agent {agent}; xem các agent có dữ liệu bằng `collector query`",
)
UNKNOWN = Phrase(
    en="nothing is stored of {agent}/{device}; `collector query` shows what is",
    vi="chưa lưu dữ liệu nào của {agent}/{device}; xem những gì đã lưu bằng `collector query`",
)


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
        collector = online.find(config_file, url, token_file, lang)
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
    if form is Form.TABLE and not any(one["points"] for one in found):
        typer.echo(_why_none(collector.get("/v1/catalogue"), agent, device, lang))
        return
    _show_series(found, form, lang)


def _why_none(entries: list[dict[str, Any]], agent: str, device: str, lang: Lang) -> str:
    """Whether nothing is known of the device, or only nothing of that time."""
    if any((each["agent"], each["device"]) == (agent, device) for each in entries):
        return say(Text.NO_VALUES, lang)
    return folded(UNKNOWN(lang, agent=agent, device=device))


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
    if form is Form.TABLE and not rows:
        typer.echo(NOTHING_STORED(lang) if agent is None else NONE_OF(lang, agent=agent))
        return
    headings = (Text.AGENT, Text.DEVICE, Text.PROFILE, Text.CHANNEL)
    _print(entries, [say(heading, lang) for heading in headings], rows, form)


def _show_series(found: list[dict[str, Any]], form: Form, lang: Lang) -> None:
    points = sorted(
        (
            point["at"] if form is Form.CSV else moments.show(point["at"]),
            one["channel"],
            _spelled(point["value"], form),
            one["unit"] or "",
            str(point["count"]),
            point["flag"] or "",
        )
        for one in found
        for point in one["points"]
    )
    if form is Form.CSV:
        _print(found, ["time", "channel", "value", "unit", "count", "flag"], points, form)
    else:
        _print(found, *_telling(points, lang), form)


def _spelled(value: Any, form: Form) -> str:  # noqa: ANN401 - any JSON scalar
    """A value; for people without the last digits, which a mean only owes to its arithmetic."""
    if value is None:
        return ""
    return f"{value:.12g}" if isinstance(value, float) and form is Form.TABLE else str(value)


def _telling(points: Sequence[Sequence[str]], lang: Lang) -> tuple[list[str], list[list[str]]]:
    """The columns of a table that tell something: a count where there are buckets, and flags."""
    headings = (Text.TIME, Text.CHANNEL, Text.VALUE, None, Text.COUNT, Text.FLAG)
    silent = {4: "1", 5: ""}
    shown = [
        column
        for column in range(len(headings))
        if column not in silent or any(point[column] != silent[column] for point in points)
    ]
    words = [say(heading, lang) if heading else "" for heading in headings]
    return [words[n] for n in shown], [[point[n] for n in shown] for point in points]


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
            typer.echo("\n".join(table(headings, rows)))
