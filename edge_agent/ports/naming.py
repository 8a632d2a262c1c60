"""By which name a port stays found when adapters are plugged in anew.

ttyUSB numbers follow the order of plugging in. udev's /dev/serial/by-id names the adapter, and
by-path the socket it is in; two adapters without a serial number have the same id, and then only
the socket tells them apart.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from edge_agent.ports import kernel
from edge_agent.ports.kernel import HERE

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from edge_agent.ports.kernel import Adapter, Machine


class Naming(StrEnum):
    """Why a port should be configured by its name."""

    BY_ID = "by-id"
    """The adapter has a name of its own."""
    SAME_ID = "same-id"
    """Two adapters have the same id; the socket tells them apart."""
    NO_SERIAL = "no-serial"
    """By id; a second adapter of this kind would have the same one."""
    BY_PATH = "by-path"
    """There is no id, but the socket has a name."""
    NUMBERED = "numbered"
    """There is no stable name; the number may change when things are plugged in anew."""
    FIXED = "fixed"
    """Part of the board, so the name stays."""
    CONFIGURED = "configured"
    """The configuration names it; it is no port of this machine's own, or not there."""


Adapters = dict["Path", "Adapter | None"]
"""The ports of a machine, each with its adapter."""


def adapters(on: Machine = HERE) -> Adapters:
    """All there are."""
    return {device: kernel.adapter(device, on) for device in kernel.devices(on)}


def stable_name(port: Path, on: Machine = HERE) -> Path:
    """What to call a port in the configuration."""
    known = adapters(on)
    device = next((device for device in known if kernel.is_same(device, port)), None)
    return port if device is None else named(device, known, on)[0]


def named(
    device: Path, known: Mapping[Path, Adapter | None], on: Machine = HERE
) -> tuple[Path, Naming]:
    """What to configure, and why."""
    if device not in known:
        return device, Naming.CONFIGURED
    adapter = known[device]
    if adapter is None:
        return device, Naming.FIXED
    by_id, by_path = (_link(on.dev / "serial" / kind, device) for kind in ("by-id", "by-path"))
    shares = _has_twin(device, known, on)
    if by_path is not None and (by_id is None or shares):
        return by_path, Naming.SAME_ID if shares else Naming.BY_PATH
    if by_id is not None and not shares:
        return by_id, Naming.BY_ID if adapter.serial else Naming.NO_SERIAL
    return device, Naming.NUMBERED


def _has_twin(device: Path, known: Mapping[Path, Adapter | None], on: Machine) -> bool:
    """Whether another adapter says the same of itself; one adapter may have several ports."""
    alike = (other for other, adapter in known.items() if adapter == known[device])
    return len({kernel.socket(other, on) for other in alike}) > 1


def _link(directory: Path, device: Path) -> Path | None:
    links = sorted(directory.iterdir()) if directory.is_dir() else []
    return next((link for link in links if kernel.is_same(link, device)), None)
