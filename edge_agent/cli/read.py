"""`edge-agent read`: one device, once, as a technician at the cabinet wants to see it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from edge_agent.bus.failures import BusDown
from edge_agent.bus.link import link_for
from edge_agent.bus.poller import Poller
from edge_agent.cli.options import (
    Config,
    Json,
    device_named,
    echo_json,
    echo_table,
    fail,
    load_site,
)
from edge_agent.exits import Exit
from edge_agent.stamp import Stamps

if TYPE_CHECKING:
    from collections.abc import Mapping

    from edge_agent.bus.settings import AnyBus
    from edge_agent.site import SiteDevice
    from telemetry.sample import Flag, Sample, Value

EXAMPLES = """\b
Examples:
  edge-agent read meter-1
  edge-agent read meter-1 --json | jq .channels.voltage.value

A serial port belongs to one process: stop the running agent first.
Exits with 1 when the device gave no value.
"""


def read(
    device: Annotated[str, typer.Argument(help="The device's id in the configuration.")],
    config: Config = None,
    *,
    as_json: Json = False,
) -> None:
    """Read every channel of one device once."""
    site = load_site(config)
    found = device_named(device, site.devices)
    bus = next(bus for bus in site.config.buses if bus.id == found.settings.bus)
    try:
        samples = asyncio.run(_read(bus, found))
    except BusDown as reason:
        fail(f"bus {bus.id}: {bus.place} is down: {reason}", code=Exit.NOT_WORKING)
    values = {name: value for sample in samples for name, value in sample.values.items()}
    flags = {name: flag for sample in samples for name, flag in sample.flags.items()}
    if as_json:
        echo_json(_document(found, values, flags))
    else:
        _show(found, values, flags)
    if not values:
        raise typer.Exit(Exit.NOT_WORKING)


async def _read(bus: AnyBus, device: SiteDevice) -> list[Sample]:
    samples: list[Sample] = []
    link = link_for(bus)
    poller = Poller(
        name=bus.id,
        place=bus.place,
        link=link,
        devices=[device],
        phases=dict.fromkeys(device.rounds, 0.0),
        put=samples.append,
        stamps=Stamps(),
    )
    await link.open()
    try:
        for each in device.rounds:
            await poller.poll(each)
    finally:
        link.close()
    return samples


def _document(
    device: SiteDevice, values: Mapping[str, Value], flags: Mapping[str, Flag]
) -> dict[str, object]:
    channels = {
        channel.id: {
            "value": values.get(channel.id),
            "unit": channel.unit,
            "flag": str(flags[channel.id]) if channel.id in flags else None,
        }
        for channel in device.profile.channels
    }
    return {"device": device.id, "profile": device.profile.id, "channels": channels}


def _show(device: SiteDevice, values: Mapping[str, Value], flags: Mapping[str, Flag]) -> None:
    rows = [
        (c.id, _spelled(values.get(c.id)), c.unit, flags.get(c.id), c.label)
        for c in device.profile.channels
    ]
    echo_table(("channel", "value", "unit", "flag", "label"), rows)


def _spelled(value: Value | None) -> str:
    """As wide as it is true: a float of 32 bits has seven digits."""
    return f"{value:.7g}" if isinstance(value, float) else "" if value is None else str(value)
