"""What commands share: where the configuration is, how output looks, how a wrong file is told."""

from __future__ import annotations

import difflib
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from edge_agent.exits import Exit
from edge_agent.site import site
from telemetry.language import Lang, Phrase, spoken
from telemetry.layout import folded
from telemetry.settings import SettingsError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edge_agent.site.site import Site, SiteDevice

PLACES = (Path("agent.yaml"), Path("/etc/city-telemetry/agent.yaml"))
"""Where the configuration is looked for, in this order."""

NO_CONFIG = Phrase(
    en="there is no {places}; write one with `edge-agent init`, or name it with --config",
    vi="không có {places}; tạo tệp bằng `edge-agent init` hoặc chỉ ra bằng --config",
)
OR = Phrase(en="{one} or {other}", vi="{one} hoặc {other}")
NO_DEVICE = Phrase(
    en="there is no device {name!r}; known are {known}",
    vi="không có thiết bị {name!r}; đã cấu hình: {known}",
)
MEANT = Phrase(
    en="there is no device {name!r}; did you mean {known}?",
    vi="không có thiết bị {name!r}; ý bạn là {known}?",
)
NONE = Phrase(en="none", vi="chưa có")
MORE = Phrase(en="{names} and {n} more", vi="{names} và {n} tên khác")

LISTED = 12
"""Names in an error: more would hide what it says."""

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


def config_path(given: Path | None, lang: Lang) -> Path:
    """The configuration's file; exit when there is none."""
    if given is not None:
        return given
    found = next((place for place in PLACES if place.exists()), None)
    if found is None:
        one, other = PLACES
        fail(folded(NO_CONFIG(lang, places=OR(lang, one=one, other=other))))
    return found


def load_site(given: Path | None, lang: Lang) -> Site:
    """The configured site; exit with every problem, a line each, when something is wrong."""
    path = config_path(given, lang)
    try:
        return site.load(path)
    except SettingsError as error:
        fail(*error.problems)


def device_named(name: str, among: Sequence[SiteDevice], lang: Lang) -> SiteDevice:
    """The device of that id; exit when there is none."""
    found = next((device for device in among if device.id == name), None)
    if found is None:
        names = [device.id for device in among]
        near = difflib.get_close_matches(name, names) if len(names) > LISTED else []
        phrase = MEANT if near else NO_DEVICE
        fail(folded(phrase(lang, name=name, known=some(near or names, lang))))
    return found


def some(names: Sequence[str], lang: Lang) -> str:
    """The names, as far as a line or two have room for them."""
    listed = ", ".join(names[:LISTED]) or NONE(lang)
    over = len(names) - LISTED
    return MORE(lang, names=listed, n=over) if over > 0 else listed


def fail(*problems: str, code: Exit = Exit.WRONG_INPUT) -> NoReturn:
    """Say what is wrong and exit."""
    for problem in problems:
        typer.echo(problem, err=True)
    raise typer.Exit(code)


def echo_json(document: object) -> None:
    """One document, for scripts."""
    typer.echo(json.dumps(document, ensure_ascii=False, indent=2))
