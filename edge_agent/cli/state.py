"""`edge-agent status`: how the running agent, its buses and its devices fare; live, if asked."""

from __future__ import annotations

import shutil
import sys
import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from edge_agent.cli.options import Config, Json, Language, echo_json, fail, load_site
from edge_agent.cli.picture import is_working, picture, redrawn, shortened
from edge_agent.exits import Exit
from edge_agent.vitals import status as status_file

if TYPE_CHECKING:
    from pathlib import Path

    from telemetry.language import Lang

EXAMPLES = """\b
Examples:
  edge-agent status
  edge-agent status --watch
  edge-agent status --json | jq '.devices[] | select(.state == "silent")'

What is wrong stands first, after a `!`, with what to do.
Exits with 1 when no agent runs, a bus is down or a device is silent.
"""

REDRAWN_EVERY = 2.0
"""Seconds; the agent tells its state every five, unless status.interval says another time."""


def status(
    config: Config = None,
    *,
    watch: Annotated[
        bool, typer.Option("--watch", help="Keep it on the screen until Ctrl-C.")
    ] = False,
    lang: Language,
    as_json: Json = False,
) -> None:
    """Show how agent, buses and devices fare; what is wrong first."""
    directory = load_site(config, lang).config.status_dir
    if watch:
        _watch(directory, lang)
        return
    state = _state(directory)
    if as_json:
        echo_json(state)
    else:
        typer.echo("\n".join(picture(state, time.time(), lang)))
    if not is_working(state):
        raise typer.Exit(Exit.NOT_WORKING)


def _state(directory: Path) -> dict[str, Any]:
    try:
        state = status_file.read(directory)
    except status_file.NoStatus as error:
        fail(str(error), code=Exit.NOT_WORKING)
    return state | {"running": status_file.is_running(state, time.time())}


def _watch(directory: Path, lang: Lang) -> None:
    """Draw it, and then what changes, as far as the terminal is high."""
    if not sys.stdout.isatty():
        fail("--watch needs a terminal; `edge-agent status --json` is for scripts")
    shown: list[str] = []
    typer.echo("\033[2J", nl=False)
    try:
        while True:
            size = shutil.get_terminal_size()
            lines = shortened(picture(_state(directory), time.time(), lang), size, lang)
            typer.echo(redrawn(shown, lines), nl=False)
            shown = lines
            time.sleep(REDRAWN_EVERY)
    except KeyboardInterrupt:
        typer.echo("")
