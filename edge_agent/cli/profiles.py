"""`edge-agent profiles`: the catalogue, one profile, and whether a file of one's own is right."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from device_profiles import loader
from device_profiles.channel import FieldChannel, RegisterChannel
from edge_agent.cli.options import Json, echo_json, echo_table, fail
from edge_agent.examples import mismatches
from telemetry.settings import SettingsError

if TYPE_CHECKING:
    from device_profiles.model import AnyProfile, Channel

EXAMPLES = """\b
Examples:
  edge-agent profiles list
  edge-agent profiles show eastron-sdm630
  edge-agent profiles check my-meter.yaml
"""

app = typer.Typer(
    help="Look at device profiles, and check files of your own.",
    epilog=EXAMPLES,
    no_args_is_help=True,
    rich_markup_mode=None,
)
Directory = Annotated[
    Path | None, typer.Option("--dir", help="A directory with profiles of your own.")
]


@app.command("list")
def list_profiles(directory: Directory = None, *, as_json: Json = False) -> None:
    """List the profiles that a configuration can name."""
    found = [_found(name, directory) for name in _names(directory)]
    rows = [(p.id, p.revision, p.device_class, len(p.channels), p.title) for p in found]
    head = ("id", "revision", "class", "channels", "title")
    if as_json:
        echo_json([dict(zip(head, row, strict=True)) for row in rows])
    else:
        echo_table(head, rows)


@app.command()
def show(
    name: Annotated[str, typer.Argument(help="The profile's id.")],
    directory: Directory = None,
    *,
    as_json: Json = False,
) -> None:
    """Show a profile's channels, and what nobody has confirmed on hardware."""
    profile = _found(name, directory)
    if as_json:
        echo_json(profile.model_dump(mode="json", by_alias=True, exclude_defaults=True))
        return
    typer.echo(f"{profile.id} revision {profile.revision}: {profile.title}")
    groups = ", ".join(f"{name} every {g.interval:g} s" for name, g in profile.groups.items())
    typer.echo(f"class {profile.device_class}, measurement {profile.measurement}; {groups}")
    for line in profile.quirks:
        typer.echo(f"note: {line}")
    if profile.verify:
        typer.echo(f"unverified: {', '.join(profile.verify)}")
    typer.echo("")
    rows = [(c.id, _place(c), c.stored, c.unit, c.group, c.label) for c in profile.channels]
    echo_table(("channel", "place", "stored", "unit", "group", "label"), rows)


def _place(channel: Channel) -> str:
    match channel:
        case RegisterChannel():
            return f"{channel.table} {channel.address} {channel.type}"
        case FieldChannel():
            return channel.field
        case _:
            raise TypeError(channel)


@app.command()
def check(
    files: Annotated[list[Path], typer.Argument(help="Profile files.")],
) -> None:
    """Check profile files: their form, and that their examples decode to what they say."""
    problems = [problem for path in files for problem in _problems(path)]
    if problems:
        fail(*problems)
    typer.echo(f"{len(files)} profiles are right")


def _problems(path: Path) -> list[str]:
    try:
        return [f"{path}: {problem}" for problem in mismatches(loader.load(path))]
    except SettingsError as error:
        return error.problems


def _names(directory: Path | None) -> list[str]:
    own = {} if directory is None else loader.catalogue(directory)
    return sorted({**loader.catalogue(), **own})


def _found(name: str, directory: Path | None) -> AnyProfile:
    try:
        return loader.find(name, [] if directory is None else [directory])
    except loader.UnknownProfile as error:
        fail(str(error))
    except SettingsError as error:
        fail(*error.problems)
