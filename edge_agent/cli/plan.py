"""`edge-agent plan`: which requests read each device, and how much of its bus they take."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from edge_agent.bus.settings import Line
from edge_agent.cli.options import Config, Json, echo_json, echo_table, load_site

if TYPE_CHECKING:
    from edge_agent.bus.settings import AnyBus
    from edge_agent.site import Round, Site, SiteDevice

EXAMPLES = """\b
Examples:
  edge-agent plan
  edge-agent plan --json | jq '.buses[] | {id, share}'

A bus that is asked for more than its time skips polls, and counts them.
"""

CROWDED = 80
"""Percent of a bus's time beyond which retries and slow replies make it skip polls."""


def plan(config: Config = None, *, as_json: Json = False) -> None:
    """Show the requests that read each device, and the share of bus time they take."""
    site = load_site(config)
    buses = [_bus(site, bus) for bus in site.config.buses]
    if as_json:
        echo_json({"buses": buses})
        return
    for bus in buses:
        _show(bus)
    if not buses:
        typer.echo("there are no buses")


def _bus(site: Site, bus: AnyBus) -> dict[str, object]:
    devices = site.on(bus.id)
    rounds = [_round(device, each) for device in devices for each in device.rounds]
    share = sum(_seconds(d, each) / each.interval for d in devices for each in d.rounds) * 100
    return {"id": bus.id, "place": bus.place, "share": round(share, 1), "rounds": rounds} | (
        {"estimated": "turnaround and wire time"}
        if isinstance(bus, Line)
        else {"estimated": "10 ms a request"}
    )


def _round(device: SiteDevice, each: Round) -> dict[str, object]:
    return {
        "device": device.id,
        "unit": device.settings.unit,
        "interval": each.interval,
        "seconds": round(_seconds(device, each), 4),
        "channels": len(each.channels),
        "requests": [
            {
                "table": request.table.value,
                "address": request.address,
                "count": request.count,
                "channels": [channel.id for channel in request.channels],
            }
            for request in each.requests
        ],
    }


def _seconds(device: SiteDevice, each: Round) -> float:
    return sum(device.cost.seconds(request) for request in each.requests)


def _show(bus: dict[str, object]) -> None:
    rounds = bus["rounds"]
    assert isinstance(rounds, list)  # noqa: S101 - made above
    typer.echo(f"bus {bus['id']}: {bus['place']}, {bus['share']} % busy ({bus['estimated']})")
    rows = [
        (
            each["device"],
            each["unit"],
            f"{each['interval']:g} s",
            request["table"],
            request["address"],
            request["count"],
            len(request["channels"]),
            f"{each['seconds'] * 1000:.0f} ms" if index == 0 else "",
        )
        for each in rounds
        for index, request in enumerate(each["requests"])
    ]
    head = ("device", "unit", "every", "table", "address", "count", "channels", "round")
    echo_table(head, rows)
    share = bus["share"]
    if isinstance(share, float) and share > CROWDED:
        typer.echo(f"warn: more than {CROWDED} % busy; polls will be skipped, and counted")
    typer.echo("")
