"""`edge-agent diag`: one file for support, without secrets."""

from __future__ import annotations

import io
import os
import tarfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edge_agent.bundle.gathering import members, secrets
from edge_agent.bundle.redaction import scrubbed
from edge_agent.cli.options import Config, Json, Language, config_path, echo_json, fail
from telemetry.language import Phrase
from telemetry.layout import labelled

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from edge_agent.bundle.gathering import Member
    from telemetry.language import Lang

EXAMPLES = """\b
Examples:
  edge-agent diag --list          # what it would hold; nothing is written
  edge-agent diag
  edge-agent diag -o /tmp/gw-1.tar.gz

Passwords, tokens and keys are left out: the configuration comes without its
comments, and whatever is a secret here is blotted out of every member.
It works with a wrong configuration, too: then it says what is wrong.
"""

HOLDS = Phrase(en="the bundle holds, without secrets:", vi="gói gồm, không có bí mật nào:")
WROTE = Phrase(en="wrote {path}, {size} kB", vi="đã ghi {path}, {size} kB")


def diag(
    config: Config = None,
    *,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="The file to write.", show_default="diag-TIME.tar.gz"),
    ] = None,
    only_list: Annotated[
        bool, typer.Option("--list", help="Show what it would hold; write nothing.")
    ] = False,
    lang: Language,
    as_json: Json = False,
) -> None:
    """Gather one file for support, without secrets."""
    path = config_path(config, lang)
    held = list(members(path))
    file = output or Path(time.strftime("diag-%Y%m%dT%H%M%S.tar.gz"))
    if as_json:
        echo_json({"file": None if only_list else str(file), "members": [m.name for m in held]})
    else:
        _tell(held, lang)
    if only_list:
        return
    blotted = secrets(path)
    try:
        size = _write(file, {each.name: scrubbed(each.read(), blotted) for each in held})
    except OSError as error:
        fail(f"{file}: {error.strerror}")
    if not as_json:
        typer.echo(WROTE(lang, path=file, size=-(-size // 1000)))


def _tell(held: Sequence[Member], lang: Lang) -> None:
    typer.echo(HOLDS(lang))
    width = max(len(each.name) for each in held)
    for each in held:
        typer.echo(labelled(each.name, each.holds(lang, **each.facts), indent=2, width=width))


def _write(file: Path, texts: Mapping[str, str]) -> int:
    """The bundle, for the eyes of who asked for it; its size in bytes."""
    created = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(created, "wb") as raw, tarfile.open(fileobj=raw, mode="w:gz") as archive:
        for name, text in texts.items():
            data = text.encode()
            entry = tarfile.TarInfo(f"{file.name.removesuffix('.tar.gz')}/{name}")
            entry.size, entry.mtime = len(data), time.time()
            archive.addfile(entry, io.BytesIO(data))
    return file.stat().st_size
