"""What commands share: where the configuration is, how output looks, how a wrong file is told."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from edge_agent.exits import Exit
from edge_agent.site import site
from telemetry.language import Lang, spoken
from telemetry.settings import SettingsError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edge_agent.site.site import Site, SiteDevice

PLACES = (Path("agent.yaml"), Path("/etc/city-telemetry/agent.yaml"))
"""Where the configuration is looked for, in this order."""

Config = Annotated[
    Path | None,
    typer.Option(
        "--config",
        "-c",
        help=f"The configuration; otherwise {' or '.join(str(place) for place in PLACES)}.",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document, for scripts.")]
Language = Annotated[
    Lang,
    typer.Option(
        "--lang",
        default_factory=lambda: spoken(os.environ),
        show_default="what LC_ALL, LC_MESSAGES or LANG says",
        help="vi or en.",
    ),
]


def config_path(given: Path | None) -> Path:
    """The configuration's file; exit when there is none."""
    if given is not None:
        return given
    found = next((place for place in PLACES if place.exists()), None)
    if found is None:
        searched = " or ".join(str(place) for place in PLACES)
        fail(f"there is no {searched}; write one with `edge-agent init`, or name it with --config")
    return found


def load_site(given: Path | None) -> Site:
    """The configured site; exit with every problem, a line each, when something is wrong."""
    path = config_path(given)
    try:
        return site.load(path)
    except SettingsError as error:
        fail(*error.problems)


def device_named(name: str, among: Sequence[SiteDevice]) -> SiteDevice:
    """The device of that id; exit when there is none."""
    found = next((device for device in among if device.id == name), None)
    if found is None:
        known = ", ".join(device.id for device in among) or "none"
        fail(f"there is no device {name!r}; known are {known}")
    return found


def fail(*problems: str, code: Exit = Exit.WRONG_INPUT) -> NoReturn:
    """Say what is wrong and exit."""
    for problem in problems:
        typer.echo(problem, err=True)
    raise typer.Exit(code)


def echo_json(document: object) -> None:
    """One document, for scripts."""
    typer.echo(json.dumps(document, ensure_ascii=False, indent=2))
