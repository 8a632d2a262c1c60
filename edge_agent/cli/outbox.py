"""`edge-agent outbox`: what waits in it, and for how long there is room."""

from __future__ import annotations

import contextlib
import math
import sqlite3
import time
from typing import TYPE_CHECKING, Any

import typer

from edge_agent.cli.options import Config, Json, Language, echo_json, fail, load_site
from edge_agent.cli.picture import DELIVERED, DROPPED, REFUSED, WAITING, batches, samples
from edge_agent.exits import Exit
from telemetry.language import Phrase
from telemetry.layout import labelled

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from edge_agent.site.site import Site
    from telemetry.language import Lang

EXAMPLES = """\b
Examples:
  edge-agent outbox
  edge-agent outbox --json | jq .days_left

The days left are those until the oldest batches would have to give way, if no receipt came.
"""

BYTES_A_VALUE = 10.0
"""What a value takes in a deflated envelope of some hundred, until the outbox shows its own."""

FILE = Phrase(en="file", vi="tệp")
OLDEST = Phrase(en="oldest", vi="cũ nhất")
SIZE = Phrase(en="size", vi="dung lượng")
OF = Phrase(en="{taken:.1f} of {most:.0f} MB", vi="{taken:.1f} trên {most:.0f} MB")
DAYS = Phrase(en="days left", vi="còn chứa")
DAYS_LEFT = Phrase(en="{days} at {samples} a day", vi="{days} ngày, với {samples} mỗi ngày")


def outbox(config: Config = None, *, lang: Language, as_json: Json = False) -> None:
    """Show how much waits to be sent, and how long there is room."""
    site = load_site(config, lang)
    path = site.config.outbox_path
    try:
        document = contents(path)
    except sqlite3.Error as error:
        fail(f"{path}: {error}; has the agent run with this configuration?", code=Exit.NOT_WORKING)
    document |= _room(site, document)
    if as_json:
        echo_json(document)
    else:
        typer.echo("\n".join(_lines(path, document, lang)))


def _lines(path: Path, document: Mapping[str, Any], lang: Lang) -> Iterator[str]:
    oldest, days = document["oldest_at"], document["days_left"]
    waiting = (batches(document["batches"], lang), samples(document["samples"], lang))
    size = OF(lang, taken=document["bytes"] / 1e6, most=document["max_size"] / 1e6)
    a_day = samples(document["samples_a_day"], lang)
    for phrase, said in (
        (FILE, str(path)),
        (WAITING, ", ".join(waiting)),
        (OLDEST, "-" if oldest is None else _date(oldest / 1000)),
        (SIZE, size),
        (DELIVERED, samples(document["delivered"], lang)),
        (REFUSED, batches(document["refused"], lang)),
        (DROPPED, samples(document["dropped"], lang)),
        (DAYS, DAYS_LEFT(lang, days="-" if days is None else days, samples=a_day)),
    ):
        yield labelled(phrase(lang), said, width=12)


def contents(path: Path) -> dict[str, Any]:
    """Totals of the file, read beside the agent that writes it."""
    with contextlib.closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as db:
        names = ("batches", "samples", "bytes", "delivered", "refused", "dropped_samples")
        row = db.execute(f"SELECT {', '.join(names)} FROM meta").fetchone()  # noqa: S608 - constants
        oldest = db.execute("SELECT first_at FROM batches ORDER BY seq LIMIT 1").fetchone()
    document = dict(zip(names, row, strict=True))
    document["dropped"] = document.pop("dropped_samples")
    return document | {"oldest_at": oldest[0] if oldest else None}


def _room(site: Site, contents: dict[str, Any]) -> dict[str, Any]:
    """Days until the outbox is full at the configured rates."""
    rounds = [each for d in site.devices for each in d.rounds if math.isfinite(each.interval)]
    samples = sum(86_400 / each.interval for each in rounds)
    values = sum(len(each.channels) * 86_400 / each.interval for each in rounds)
    if contents["samples"]:
        a_day = samples * contents["bytes"] / contents["samples"]
    else:
        a_day = values * BYTES_A_VALUE
    left = site.config.outbox.max_size - contents["bytes"]
    return {
        "max_size": site.config.outbox.max_size,
        "samples_a_day": round(samples),
        "days_left": round(left / a_day, 1) if a_day else None,
    }


def _date(at: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at))
