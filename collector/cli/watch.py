"""`collector watch`: what happens, as it happens; a picture on a terminal, lines in a pipe."""

import json
import shutil
import sys
import time
from collections.abc import Iterator
from typing import Annotated, Any

import httpx
import typer

from collector.cli import moments, online, picture
from collector.cli.exits import told
from collector.cli.online import Collector, judged
from collector.cli.options import ConfigFile, Json, Language, TokenFile, Url
from collector.cli.texts import Text, say
from telemetry.language import Lang

EXAMPLES = """\b
Examples:
  collector watch --agent gw-1
  collector watch --json | jq .values
"""

RETRY = 2.0
"""Seconds until a lost connection is tried again."""

SILENCE_MAX = 30.0
"""Seconds without even a comment after which the connection counts as lost."""

REDRAW = 0.5
"""Seconds between two pictures: faster than eyes read, slower than samples come."""

CLEAR = "\x1b[H\x1b[2J"

Event = tuple[str, dict[str, Any]]


def watch(  # noqa: PLR0913 - each is one option
    config_file: ConfigFile,
    lang: Language,
    *,
    agent: Annotated[str | None, typer.Option(help="Only this agent.")] = None,
    device: Annotated[str | None, typer.Option(help="Only this device.")] = None,
    as_json: Json = False,
    url: Url = None,
    token_file: TokenFile = None,
) -> None:
    """Watch samples and alarms as they come."""
    with told():
        collector = online.find(config_file, url, token_file, lang)
    filters = {
        name: value for name, value in (("agent", agent), ("device", device)) if value is not None
    }
    view = _Lines(lang, as_json=as_json)
    if sys.stdout.isatty() and not as_json:
        view = _Picture(lang, device=device)
    typer.echo(say(Text.WATCHING, lang), err=True)
    try:
        while True:
            _follow(collector, filters, view)
            typer.echo(say(Text.RECONNECTING, lang), err=True)
            time.sleep(RETRY)
    except KeyboardInterrupt:
        return


def _follow(collector: Collector, filters: dict[str, str], view: "_Lines") -> None:
    """Show events until the connection is lost."""
    headers = {"Authorization": f"Bearer {collector.token}"}
    timeout = httpx.Timeout(SILENCE_MAX, connect=5)
    try:
        with (
            httpx.Client(
                base_url=collector.url, headers=headers, timeout=timeout, verify=collector.verify
            ) as client,
            client.stream("GET", "/v1/stream", params=filters) as response,
        ):
            if not response.is_success:
                judged(response, collector.lang)
            for latest in judged(client.get("/v1/latest", params=filters), collector.lang):
                view.show("sample", latest)
            for name, data in _events(response.iter_lines()):
                view.show(name, data)
    except httpx.TransportError:
        return


def _events(lines: Iterator[str]) -> Iterator[Event]:
    """Events of a server-sent stream; comments are only signs of life."""
    name = ""
    for line in lines:
        field, _, value = line.partition(": ")
        if field == "event":
            name = value
        elif field == "data":
            yield name, json.loads(value)


class _Lines:
    """A line an event."""

    def __init__(self, lang: Lang, *, as_json: bool = False) -> None:
        self._lang = lang
        self._as_json = as_json

    def show(self, name: str, data: dict[str, Any]) -> None:
        """Print one event."""
        line = (
            json.dumps({"event": name, **data}, ensure_ascii=False)
            if self._as_json
            else _line(name, data, self._lang)
        )
        if line:
            print(line, flush=True)  # noqa: T201 - a command speaks to people


class _Picture(_Lines):
    """A row a device, and the last alarms under them; the gateway's own only if asked for."""

    def __init__(self, lang: Lang, *, device: str | None) -> None:
        super().__init__(lang)
        self._device = device
        self._rows: dict[str, picture.Row] = {}
        self._news: list[str] = []
        self._drawn = 0.0

    def show(self, name: str, data: dict[str, Any]) -> None:
        """Take in one event, and draw if the last picture is old enough."""
        if name == "sample":
            if self._device is not None or not picture.is_own(data["device"]):
                self._take(data)
        elif line := _line(name, data, self._lang):
            self._news = [*self._news, line][-picture.NEWS :]
        if time.monotonic() - self._drawn >= REDRAW:
            self._drawn = time.monotonic()
            self._draw()

    def _take(self, data: dict[str, Any]) -> None:
        device = f"{data['agent']}/{data['device']}"
        known = self._rows[device].channels if device in self._rows else {}
        told_of = {channel: f"({flag})" for channel, flag in data["flags"].items()}
        values = {channel: picture.spell(value) for channel, value in data["values"].items()}
        self._rows[device] = picture.Row(
            moments.show(data["at"]).split()[-1], {**known, **told_of, **values}
        )

    def _draw(self) -> None:
        size = picture.Size(*shutil.get_terminal_size())
        drawn = picture.draw(self._rows, self._news, size, say(Text.MORE_DEVICES, self._lang))
        print(CLEAR + drawn, flush=True)  # noqa: T201 - a command speaks to people


def _line(name: str, data: dict[str, Any], lang: Lang) -> str:
    match name:
        case "sample":
            words = [f"{name}={picture.spell(value)}" for name, value in data["values"].items()]
            words += [
                f"{channel}:{flag}"
                for channel, flag in data["flags"].items()
                if channel not in data["values"]
            ]
            return (
                f"{moments.show(data['at'])}  {data['agent']}/{data['device']}  {' '.join(words)}"
            )
        case "alarm":
            series = f"{data['agent']}/{data['device']}/{data['channel']}"
            value = "" if data["value"] is None else f" {picture.spell(data['value'])}"
            kind = say(data["kind"], lang).upper()
            return f"{moments.show(data['at'])}  {kind}  {data['rule']}  {series}{value}"
        case "store":
            return say(Text.STORE_UP if data["state"] == "up" else Text.STORE_DOWN, lang)
        case _:
            return ""
