"""From a site and what a test found to its acceptance sheet, and to the files it is written to."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from edge_agent.acceptance.page import page
from edge_agent.acceptance.point import Point
from edge_agent.acceptance.sheet import DeviceSheet, spell
from edge_agent.acceptance.spreadsheet import spreadsheet
from edge_agent.acceptance.text import text
from edge_agent.acceptance.trial import Wanted

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from edge_agent.acceptance.point import Reference
    from edge_agent.acceptance.sheet import Sheet
    from edge_agent.acceptance.trial import Key
    from edge_agent.site.site import Site, SiteDevice
    from telemetry.language import Lang

FORMATS = (".txt", ".csv", ".html", ".json")
"""What a sheet's file may end with, and so is."""


class NotWritten(Exception):
    """A sheet's file could not be written."""


def wanted(
    devices: tuple[SiteDevice, ...],
    references: Mapping[Key, Reference],
    waived: Mapping[Key, str],
) -> dict[Key, Wanted]:
    """Every channel to prove."""
    found: dict[Key, Wanted] = {}
    for device in devices:
        for each in device.rounds:
            for channel in each.channels:
                key = (device.id, channel.id)
                point = Point(
                    channel=channel.id,
                    unit=channel.unit,
                    label=channel.label,
                    reference=references.get(key),
                    waived=waived.get(key, ""),
                )
                found[key] = Wanted(point, each.interval, device.heartbeat)
    return found


def device_sheets(site: Site, points: Mapping[Key, Point]) -> tuple[DeviceSheet, ...]:
    """Each device with its points; one without is left out."""
    names = dict.fromkeys(device for device, _ in points)
    return tuple(
        _device_sheet(
            device, site, tuple(p for (name, _), p in points.items() if name == device.id)
        )
        for device in site.devices
        if device.id in names
    )


def _device_sheet(device: SiteDevice, site: Site, points: tuple[Point, ...]) -> DeviceSheet:
    bus = next(bus for bus in site.config.buses if bus.id == device.settings.bus)
    return DeviceSheet(
        id=device.id,
        label=device.settings.label,
        model=device.profile.title,
        profile=device.profile.id,
        revision=device.profile.revision,
        bus=f"{bus.id} ({bus.place})",
        address=device.address,
        unverified=device.profile.verify,
        points=points,
    )


def utc_offset(at: int) -> int:
    """Minutes by which this machine's time zone is ahead of UTC at `at` (ms since epoch)."""
    offset = datetime.fromtimestamp(at / 1000, UTC).astimezone().utcoffset()
    return 0 if offset is None else round(offset.total_seconds() / 60)


def write(path: Path, sheet: Sheet, lang: Lang) -> None:
    """The sheet, as the file's ending says.

    Raises:
        NotWritten: if that fails.
    """
    match path.suffix:
        case ".csv":
            data = spreadsheet(sheet, lang).encode()
        case ".html":
            data = page(sheet, lang).encode()
        case ".json":
            data = spell(sheet)
        case _:
            data = text(sheet, lang).encode()
    try:
        path.write_bytes(data)
    except OSError as error:
        raise NotWritten(f"{path}: {error.strerror}") from error
