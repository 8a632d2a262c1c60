"""One configured device, read once by its profile, as a technician at the cabinet wants it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import typer

from edge_agent.bus.failures import BusDown
from edge_agent.bus.link import link_for
from edge_agent.bus.poller import Poller
from edge_agent.cli.down import down
from edge_agent.cli.options import device_named, echo_json, fail, load_site
from edge_agent.exits import Exit
from edge_agent.stamp import Stamps
from telemetry import units
from telemetry.language import Phrase
from telemetry.layout import fitted, spelled

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from edge_agent.bus.settings import AnyBus
    from edge_agent.site.site import SiteDevice
    from telemetry.language import Lang
    from telemetry.sample import Flag, Sample, Value


HEADINGS = (
    Phrase(en="channel", vi="kênh"),
    Phrase(en="value", vi="giá trị"),
    Phrase(en="unit", vi="đơn vị"),
    Phrase(en="flag", vi="chất lượng"),
    Phrase(en="label", vi="ghi chú"),
)


def show(config: Path | None, name: str, lang: Lang, *, as_json: bool) -> None:
    """Read a device once and show it; exit when the bus is down or it gives no value."""
    site = load_site(config, lang)
    found = device_named(name, site.devices, lang)
    bus = next(bus for bus in site.config.buses if bus.id == found.settings.bus)
    try:
        samples = asyncio.run(_polled(bus, found))
    except BusDown as reason:
        fail(down(bus, reason, lang), code=Exit.NOT_WORKING)
    values = {name: value for sample in samples for name, value in sample.values.items()}
    flags = {name: flag for sample in samples for name, flag in sample.flags.items()}
    if as_json:
        echo_json(_document(found, values, flags))
    else:
        _show(found, values, flags, lang)
    if not values:
        raise typer.Exit(Exit.NOT_WORKING)


async def _polled(bus: AnyBus, device: SiteDevice) -> list[Sample]:
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


def _show(
    device: SiteDevice, values: Mapping[str, Value], flags: Mapping[str, Flag], lang: Lang
) -> None:
    rows = [
        (c.id, spelled(values.get(c.id)), units.label(c.unit), str(flags.get(c.id, "")), c.label)
        for c in device.profile.channels
    ]
    for line in fitted([heading(lang) for heading in HEADINGS], rows):
        typer.echo(line)
