"""What was found as lines of a configuration, ready to be pasted.

A line has one speed. Devices that were found at another one are written down as comments: they
must be set to the bus's speed first.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from edge_agent.bus.settings import PortBus, TcpBus

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from pathlib import Path

    from edge_agent.bus.settings import ModbusBus
    from edge_agent.scan.pace import Pace
    from edge_agent.scan.scanner import Found

LONGEST = 33
"""Characters of a device's id: 40 with `-health`, which its counters' id ends in."""


def configuration(
    bus: ModbusBus,
    found: Sequence[Found],
    *,
    port: Path | None = None,
    is_configured: bool = False,
    taken: Collection[str] = (),
) -> str:
    """YAML of the bus, unless it `is_configured`, and of its devices; empty if none was found.

    Args:
        bus: that was scanned.
        found: on it.
        port: its stable name, if it is a serial one.
        is_configured: whether the bus is in the configuration, with its pace.
        taken: ids of devices that the configuration has.
    """
    if not found:
        return ""
    pace = _pace(bus, found, is_configured=is_configured)
    lines = [] if is_configured else ["buses:", *_bus(bus, pace, port)]
    lines.append("devices:")
    used = set(taken)
    for each in found:
        lines += _device(bus, each, used, fits=each.pace == pace)
    return "\n".join(lines) + "\n"


def _pace(bus: ModbusBus, found: Sequence[Found], *, is_configured: bool) -> Pace | None:
    """The pace of the bus: its own, or that of most devices on it."""
    if is_configured and isinstance(bus, PortBus):
        return next((each.pace for each in found if str(each.pace) == bus.pace), found[0].pace)
    return Counter(each.pace for each in found).most_common(1)[0][0]


def _bus(bus: ModbusBus, pace: Pace | None, port: Path | None) -> Iterator[str]:
    yield f"  - id: {bus.id}"
    yield f"    transport: {bus.transport}"
    if isinstance(bus, PortBus):
        yield f"    port: {port or bus.port}"
    elif isinstance(bus, TcpBus):
        yield f"    host: {bus.host}"
        yield f"    port: {bus.port}"
    if pace is not None:
        yield f"    baud: {pace.baud}"
        yield f"    parity: {pace.parity}"


def _device(bus: ModbusBus, found: Found, used: set[str], *, fits: bool) -> Iterator[str]:
    profile = found.candidates[0].profile.id if found.candidates else None
    name = _free(f"{profile or 'unknown'}-{found.unit}", used)
    entry = [f"  - id: {name}", f"    bus: {bus.id}", f"    unit: {found.unit}"]
    entry.append(f"    profile: {profile or 'TO BE FOUND'}")
    if found.candidates and found.candidates[0].offset:
        entry.append(f"    offset: {found.candidates[0].offset}")
    if not fits:
        yield f"  # speaks at {found.pace}: set it to the speed of the bus first"
    elif profile is None:
        yield "  # no profile of the catalogue fits; see `edge-agent read` and docs/add-a-device.md"
    elif found.others:
        others = ", ".join(candidate.profile.id for candidate in found.others)
        yield f"  # or {others}"
    is_ready = fits and profile is not None
    yield from (line if is_ready else f"  # {line[2:]}" for line in entry)


def _free(name: str, used: set[str]) -> str:
    """The name, or the next one that nobody has, short enough to be an id."""
    head, _, unit = name.rpartition("-")
    stem = f"{head[: LONGEST - len(unit) - 3]}-{unit}"
    free = next(each for each in _numbered(stem) if each not in used)
    used.add(free)
    return free


def _numbered(stem: str) -> Iterator[str]:
    yield stem
    number = 2
    while True:
        yield f"{stem}-{number}"
        number += 1
