"""`edge-agent profiles`: the catalogue, one profile, and whether a file of one's own is right."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from device_profiles import loader
from edge_agent import examples
from edge_agent.cli import profile_texts as texts
from edge_agent.cli.options import Json, Language, echo_json, fail
from edge_agent.cli.profile_sheet import sheet
from edge_agent.exits import Exit
from telemetry import settings
from telemetry.layout import labelled
from telemetry.settings import SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from device_profiles.model import AnyProfile
    from telemetry.settings import Place

LIST_EXAMPLES = """\b
Examples:
  edge-agent profiles list
  edge-agent profiles list meter
  edge-agent profiles list --dir profiles --json | jq -r '.[].id'
"""

SHOW_EXAMPLES = """\b
Examples:
  edge-agent profiles show eastron-sdm630
  edge-agent profiles show my-meter --dir profiles
"""

CHECK_EXAMPLES = """\b
Examples:
  edge-agent profiles check my-meter.yaml
  edge-agent profiles check profiles/*.yaml --json

Exits with 2 when a file is wrong.
"""

SCHEMA_EXAMPLES = """\b
Examples:
  edge-agent profiles schema > device-profile-1.schema.json
"""

app = typer.Typer(
    help="Look at device profiles, and check files of your own.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
Directory = Annotated[
    Path | None, typer.Option("--dir", help="A directory with profiles of your own.")
]


@app.command("list", epilog=LIST_EXAMPLES)
def list_profiles(
    word: Annotated[
        str, typer.Argument(help="Only those with this word in id, title, class or protocol.")
    ] = "",
    directory: Directory = None,
    *,
    as_json: Json = False,
    lang: Language,
) -> None:
    """List the profiles that a configuration can name, by class."""
    found = [profile for profile in _all(directory) if _speaks_of(profile, word)]
    if as_json:
        echo_json([_summary(profile) for profile in found])
        return
    if not found:
        fail(texts.NONE_FOUND(lang, word=word), code=Exit.NOT_WORKING)
    for device_class, members in groupby(found, key=lambda profile: profile.device_class):
        typer.echo(device_class)
        for profile in members:
            mark = "*" if profile.unverified else " "
            typer.echo(labelled(f"{mark} {profile.id}", profile.title, width=24))
    if any(profile.unverified for profile in found):
        typer.echo(f"\n{texts.MARK(lang)}")


@app.command(epilog=SHOW_EXAMPLES)
def show(
    name: Annotated[str, typer.Argument(help="The profile's id.")],
    directory: Directory = None,
    *,
    as_json: Json = False,
    lang: Language,
) -> None:
    """Show how to set a device, its channels, and what is unverified."""
    profile = _found(name, directory)
    if as_json:
        echo_json(profile.model_dump(mode="json", by_alias=True, exclude_defaults=True))
        return
    for line in sheet(profile, lang):
        typer.echo(line)


@app.command(epilog=CHECK_EXAMPLES)
def check(
    files: Annotated[list[Path], typer.Argument(help="Profile files.")],
    *,
    as_json: Json = False,
    lang: Language,
) -> None:
    """Check profile files, and what their examples decode to."""
    results = {path: _checked(path) for path in files}
    wrong = sum(bool(problems) for problems, _ in results.values())
    if as_json:
        echo_json(
            [
                {"file": str(path), "problems": problems, "unproven": list(unproven)}
                for path, (problems, unproven) in results.items()
            ]
        )
    else:
        for path, (problems, unproven) in results.items():
            for problem in problems:
                typer.echo(problem, err=True)
            if unproven:
                typer.echo(texts.UNPROVEN(lang, file=path))
                typer.echo(labelled("", ", ".join(unproven), width=1))
        typer.echo(texts.CHECKED(lang, good=len(results) - wrong, wrong=wrong))
    if wrong:
        raise typer.Exit(Exit.WRONG_INPUT)


@app.command(epilog=SCHEMA_EXAMPLES)
def schema() -> None:
    """Print the JSON schema, by which an editor checks a profile."""
    # only here: what makes schemas takes memory that the running agent does not have
    from device_profiles.schema import json_schema  # noqa: PLC0415 - see above

    echo_json(json_schema())


def _checked(path: Path) -> tuple[list[str], Sequence[str]]:
    """What is wrong with a file, and the channels of which no example speaks."""
    try:
        profile = loader.load(path)
        _, lines = settings.read_yaml(settings.read(path), str(path))
    except SettingsError as error:
        return error.problems, ()
    problems = [
        f"{path}:{lines.get(place, 1)}: {settings.spell(place)} — {problem}"
        for place, problem in (*examples.problems(profile), *_other_types(profile))
    ]
    return problems, examples.unproven(profile)


def _other_types(profile: AnyProfile) -> Iterator[tuple[Place, str]]:
    """Channels of another type than in the catalogue: their series would refuse every value."""
    published = loader.catalogue().get(profile.id)
    if published is None:
        return
    stored = {channel.id: channel.stored for channel in loader.load(published).channels}
    for channel in profile.channels:
        before = stored.get(channel.id, channel.stored)
        if before != channel.stored:
            yield ("channels",), f"{channel.id!r} is {before} for ever, and here {channel.stored}"


def _summary(profile: AnyProfile) -> dict[str, object]:
    return {
        "id": profile.id,
        "revision": profile.revision,
        "class": profile.device_class,
        "protocol": profile.protocol,
        "channels": len(profile.channels),
        "title": profile.title,
        "unverified": list(profile.unverified),
    }


def _speaks_of(profile: AnyProfile, word: str) -> bool:
    told = (profile.id, profile.title, profile.device_class, profile.protocol)
    return any(word.lower() in text.lower() for text in told)


def _all(directory: Path | None) -> list[AnyProfile]:
    own = {} if directory is None else loader.catalogue(directory)
    found = [_found(name, directory) for name in {**loader.catalogue(), **own}]
    return sorted(found, key=lambda profile: (profile.device_class, profile.id))


def _found(name: str, directory: Path | None) -> AnyProfile:
    try:
        return loader.find(name, [] if directory is None else [directory])
    except loader.UnknownProfile as error:
        fail(str(error))
    except SettingsError as error:
        fail(*error.problems)
