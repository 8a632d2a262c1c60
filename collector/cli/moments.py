"""Times on a terminal: in the terminal's own zone, in and out."""

from __future__ import annotations

from datetime import datetime

import typer


def parse(text: str) -> str:
    """`text` with an offset: a time without one is meant in this machine's zone.

    Raises:
        typer.BadParameter: if it is no time.
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter(
            f"{text!r} is no time such as 2026-11-22T13:00 or 2026-11-22T13:00:00+07:00"
        ) from error
    return moment.astimezone().isoformat()


def show(text: str) -> str:
    """A time of the API's, as people read it here."""
    return datetime.fromisoformat(text).astimezone().strftime("%Y-%m-%d %H:%M:%S")
