"""An acceptance sheet: what was tested, by whom, how each channel came out, and a checksum.

The checksum is the SHA-256 of the sheet as JSON (`FILE.json` holds these very bytes), so that it
is the same in every format and language, and a changed copy shows.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

from edge_agent.acceptance.point import Finding

if TYPE_CHECKING:
    from edge_agent.acceptance.point import Point

FORMAT = "acceptance-sheet/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceSheet:
    """A device: its model as the profile titles it, and what nobody has confirmed of that."""

    id: str
    label: str
    model: str
    profile: str
    revision: int
    bus: str
    address: str
    unverified: tuple[str, ...]
    points: tuple[Point, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """The whole of it.

    Attributes:
        at: when the test ended, ms since the epoch.
        offset: minutes by which the site's clock is ahead of UTC.
        config: hash of the configuration.
        clock: what the agent knew of its clock: synced, held, unknown.
        broker: its address.
        collector: of which the values were read back; nothing if it was not asked.
        refused: batches that the collector refused meanwhile.
        dropped: samples that were lost meanwhile.
    """

    at: int
    offset: int
    site: str
    agent: str
    version: str
    config: str
    clock: str
    broker: str
    collector: str
    technician: str
    note: str
    refused: int
    dropped: int
    devices: tuple[DeviceSheet, ...]

    @property
    def findings(self) -> list[tuple[DeviceSheet, Point]]:
        """What stands against acceptance, channel by channel."""
        return [(d, p) for d in self.devices for p in d.points if not p.finding.passes]

    @property
    def accepted(self) -> bool:
        """Whether all is proven; nothing to prove is no proof."""
        some = any(device.points for device in self.devices)
        return some and not (self.findings or self.refused or self.dropped)

    @property
    def passed(self) -> int:
        """Channels that are proven, or waived."""
        return self.total - len(self.findings)

    @property
    def total(self) -> int:
        """Channels in all."""
        return sum(len(device.points) for device in self.devices)

    @property
    def waived(self) -> int:
        """Channels that need not work."""
        return sum(p.finding is Finding.WAIVED for d in self.devices for p in d.points)

    @property
    def digest(self) -> str:
        """SHA-256 over the sheet's content, in hexadecimal."""
        return hashlib.sha256(spell(self)).hexdigest()

    def local(self, at: int) -> datetime:
        """A time (ms since the epoch) as the site's clock shows it."""
        zone = timezone(timedelta(minutes=self.offset))
        return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=at)).astimezone(zone)


def spell(sheet: Sheet) -> bytes:
    """The sheet as JSON: the bytes that the checksum is of."""
    names = (*Sheet.__dataclass_fields__,)
    document: dict[str, Any] = {"schema": FORMAT, "accepted": sheet.accepted}
    document |= {name: getattr(sheet, name) for name in names if name != "devices"}
    document["devices"] = [_device(device) for device in sheet.devices]
    return json.dumps(document, ensure_ascii=False, indent=1).encode() + b"\n"


def _device(device: DeviceSheet) -> dict[str, Any]:
    names = [name for name in DeviceSheet.__dataclass_fields__ if name != "points"]
    document: dict[str, Any] = {name: getattr(device, name) for name in names}
    return document | {"points": [_point(point) for point in device.points]}


def _point(point: Point) -> dict[str, Any]:
    reading, reference = point.reading, point.reference
    return {
        "channel": point.channel,
        "label": point.label,
        "unit": point.unit,
        "value": reading and reading.value,
        "flag": reading and reading.flag and str(reading.flag),
        "read_at": reading and reading.at,
        "stored": bool(reading and reading.stored),
        "read_back": point.read_back and point.read_back.value,
        "reference": reference and reference.value,
        "tolerance": reference and reference.tolerance,
        "waived": point.waived,
        "finding": point.finding.value,
    }
