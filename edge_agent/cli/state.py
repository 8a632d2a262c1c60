"""`edge-agent status` and `edge-agent outbox`: what the agent does, and what waits in it."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from typing import TYPE_CHECKING, Any

import typer

from edge_agent import status as status_file
from edge_agent.cli.options import (
    Config,
    Json,
    echo_json,
    echo_table,
    fail,
    load_site,
)
from edge_agent.exits import Exit

if TYPE_CHECKING:
    from pathlib import Path

    from edge_agent.site import Site

STATUS_EXAMPLES = """\b
Examples:
  edge-agent status
  edge-agent status --json | jq '.devices[] | select(.state == "silent")'

Exits with 1 when no agent runs, a bus is down or a device is silent.
"""

OUTBOX_EXAMPLES = """\b
Examples:
  edge-agent outbox
  edge-agent outbox --json | jq .days_left

The days left are those until the oldest batches would have to give way, if no receipt came.
"""

BYTES_A_VALUE = 10.0
"""What a value takes in a deflated envelope of some hundred, until the outbox shows its own."""


def status(config: Config = None, *, as_json: Json = False) -> None:
    """Show how the running agent, its buses and its devices fare."""
    site = load_site(config)
    try:
        document = status_file.read(site.config.status_dir)
    except status_file.NoStatus as error:
        fail(str(error), code=Exit.NOT_WORKING)
    age = max(0.0, time.time() - float(document["at"]))
    document["running"] = status_file.is_running(document, time.time())
    if as_json:
        echo_json(document)
    else:
        _show_status(document, age)
    if not document["running"] or _is_degraded(document):
        raise typer.Exit(Exit.NOT_WORKING)


def outbox(config: Config = None, *, as_json: Json = False) -> None:
    """Show how much waits for a receipt, and for how many days there is room."""
    site = load_site(config)
    path = site.config.outbox_path
    try:
        document = _contents(path)
    except sqlite3.Error as error:
        fail(f"{path}: {error}; has the agent run with this configuration?", code=Exit.NOT_WORKING)
    document |= _room(site, document)
    if as_json:
        echo_json(document)
        return
    oldest = document["oldest_at"]
    typer.echo(f"outbox       {path}")
    typer.echo(f"waiting      {document['batches']} batches, {document['samples']} samples")
    typer.echo(f"oldest       {'-' if oldest is None else _date(oldest / 1000)}")
    typer.echo(f"size         {document['bytes'] / 1e6:.1f} of {document['max_size'] / 1e6:.0f} MB")
    typer.echo(f"delivered    {document['delivered']} samples")
    typer.echo(f"refused      {document['refused']} batches")
    typer.echo(f"dropped      {document['dropped']} samples")
    days = document["days_left"]
    typer.echo(
        f"days left    {'-' if days is None else days} at {document['samples_a_day']} samples a day"
    )


def _show_status(document: dict[str, Any], age: float) -> None:
    state = "running" if document["running"] else f"not running; last seen {age:.0f} s ago"
    typer.echo(f"agent {document['agent']} {document['version']}: {state}")
    delivery = document["delivery"]
    typer.echo(f"clock      {document['clock']}")
    typer.echo(f"broker     {'connected' if delivery['connected'] else 'away'}")
    typer.echo(f"read       {document['samples_read']} samples since the start")
    typer.echo(f"waiting    {delivery['batches']} batches")
    typer.echo(f"delivered  {delivery['delivered']} samples")
    typer.echo(f"refused    {delivery['refused']} batches")
    typer.echo(f"dropped    {delivery['dropped']} samples")
    typer.echo("")
    buses = [
        (bus["id"], bus["place"], bus["state"], bus["late_replies"]) for bus in document["buses"]
    ]
    echo_table(("bus", "port", "state", "late replies"), buses)
    typer.echo("")
    columns = ("requests", "replies", "timeouts", "bad_replies", "skipped")
    devices = [
        (
            device["id"],
            device["bus"],
            device["state"],
            "-" if device["last_reply_age"] is None else f"{device['last_reply_age']:.0f} s",
            *(device[column] for column in columns),
            ", ".join(f"{code}: {count}" for code, count in device["exceptions"].items()),
        )
        for device in document["devices"]
    ]
    head = ("device", "bus", "state", "last reply", *columns, "exceptions")
    echo_table([name.replace("_", " ") for name in head], devices)


def _is_degraded(document: dict[str, Any]) -> bool:
    down = any(bus["state"] == "down" for bus in document["buses"])
    return down or any(device["state"] == "silent" for device in document["devices"])


def _contents(path: Path) -> dict[str, Any]:
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
    rounds = [each for device in site.devices for each in device.rounds]
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
