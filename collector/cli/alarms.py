"""`collector alarms`: what is open, its history, and taking note of it."""

import json
import re
from typing import Annotated, Any

import typer

from collector.alarms.acknowledging import AlarmState
from collector.alarms.rules import Priority
from collector.cli import moments, online
from collector.cli.exits import Exit, leave, told
from collector.cli.options import ConfigFile, Json, Language, TokenFile, Url
from collector.cli.texts import Text, say
from telemetry.language import Lang, Phrase
from telemetry.layout import folded, table

app = typer.Typer(no_args_is_help=True, help="Open alarms, and taking note of them.")

Occurrence = Annotated[str, typer.Argument(help="As `collector alarms list` shows it.")]


NO_OCCURRENCE = Phrase(
    en="{given!r} is no occurrence: those are 16 hex digits, as in `alarms list`",
    vi="{given!r} không phải mã cảnh báo: mã gồm 16 chữ số hex, xem `alarms list`",
)

LIST_EXAMPLES = """\b
Examples:
  collector alarms list
  collector alarms list --priority high --state unacked-active --lang vi
"""


@app.command("list", epilog=LIST_EXAMPLES)
def list_alarms(  # noqa: PLR0913 - each is one option
    config_file: ConfigFile,
    lang: Language,
    *,
    state: Annotated[list[AlarmState] | None, typer.Option(help="Any of these.")] = None,
    priority: Annotated[list[Priority] | None, typer.Option(help="Any of these.")] = None,
    as_json: Json = False,
    url: Url = None,
    token_file: TokenFile = None,
) -> None:
    """List open alarms. Those to be acknowledged come first, the most urgent first."""
    with told():
        collector = online.find(config_file, url, token_file, lang)
    found = collector.get("/v1/alarms", state=state or None, priority=priority or None)
    if as_json:
        typer.echo(json.dumps(found, ensure_ascii=False))
    elif not found:
        typer.echo(say(Text.NO_ALARMS, lang))
    else:
        typer.echo(_table(found, lang))


@app.command("show")
def show(  # noqa: PLR0913 - each is one option
    occurrence: Occurrence,
    config_file: ConfigFile,
    lang: Language,
    *,
    as_json: Json = False,
    url: Url = None,
    token_file: TokenFile = None,
) -> None:
    """Show one occurrence and every step of it.

    Example: collector alarms show 9f86d081884c7d65
    """
    with told():
        collector = online.find(config_file, url, token_file, lang)
    document = collector.get(_path(occurrence, lang))
    if as_json:
        typer.echo(json.dumps(document, ensure_ascii=False))
        return
    if document["alarm"]:
        alarm = document["alarm"]
        typer.echo(folded(f"{alarm['title']}: {_state(alarm, lang)}", "", "  "))
        typer.echo(folded(f"{say(Text.ACTION, lang)}: {alarm['action']}", "", "  "))
    for step in document["transitions"]:
        typer.echo(folded(_step(step, lang), "", "  "))


@app.command("ack")
def acknowledge(  # noqa: PLR0913 - each is one option
    occurrence: Occurrence,
    config_file: ConfigFile,
    lang: Language,
    *,
    comment: Annotated[str, typer.Option("--comment", "-m", help="What is being done.")] = "",
    url: Url = None,
    token_file: TokenFile = None,
) -> None:
    """Acknowledge an occurrence: somebody has taken note of it.

    Needs an operator's token.

    Example: collector alarms ack 9f86d081884c7d65 -m "crew is on its way"
    """
    with told():
        collector = online.find(config_file, url, token_file, lang)
    collector.post(f"{_path(occurrence, lang)}/ack", {"comment": comment})
    typer.echo(f"{occurrence}: {say(Text.ACKNOWLEDGED, lang)}")


def _path(occurrence: str, lang: Lang) -> str:
    if not re.fullmatch(r"[0-9a-f]{16}", occurrence):
        leave(NO_OCCURRENCE(lang, given=occurrence), Exit.WRONG_INPUT)
    return f"/v1/alarms/{occurrence}"


def _table(found: list[dict[str, Any]], lang: Lang) -> str:
    """Some lines an alarm, because a terminal has 80 columns."""
    headings = (Text.PRIORITY, Text.STATE, Text.SINCE, Text.OCCURRENCE)
    rows = [
        (
            say(alarm["priority"], lang),
            _state(alarm, lang),
            moments.show(alarm["active_at"]),
            alarm["occurrence"],
        )
        for alarm in found
    ]
    first, *lines = table([say(heading, lang) for heading in headings], rows)
    shown = [first]
    for line, alarm in zip(lines, found, strict=True):
        what = folded(f"{_series(alarm)}  {alarm['title']}", "  ", "    ")
        do = folded(f"{say(Text.ACTION, lang)}: {alarm['action']}", "  ", "    ")
        shown += [line, what, do]
    return "\n".join(shown)


def _series(alarm: dict[str, Any]) -> str:
    return f"{alarm['agent']}/{alarm['device']}/{alarm['channel']}"


def _state(alarm: dict[str, Any], lang: Lang) -> str:
    return say(alarm["state"], lang)


def _step(step: dict[str, Any], lang: Lang) -> str:
    said = " ".join(part for part in (step["who"], step["comment"]) if part)
    value = "" if step["value"] is None else f"  {step['value']}"
    return f"{moments.show(step['at'])}  {say(step['kind'], lang)}{value}  {said}".rstrip()
