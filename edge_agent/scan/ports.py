"""The serial ports of this machine: what is plugged in, and by which name it stays found.

ttyUSB numbers follow the order of plugging in. udev's /dev/serial/by-id names the adapter, and
by-path the socket it is in; two adapters without a serial number have the same id, and then only
the socket tells them apart.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from edge_agent.scan.holders import holders

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from edge_agent.scan.holders import Holders

NAMES = ("ttyUSB", "ttyACM", "ttyAMA", "ttyS", "ttyO", "ttymxc", "ttyTHS", "ttySC", "ttyXRUSB")
"""How the kernel calls serial ports: USB adapters, and those of the boards that gateways are."""

NO_UART = "0"
"""The type of a ttyS that the kernel made room for, and that no chip stands behind."""

LAYERS = frozenset({"port", "ctrl"})
"""Drivers of the kernel's own serial layer, which stand between a port and its chip's driver."""

FAST_LATENCY = 1
"""Milliseconds that an FTDI adapter should hold bytes back; 16 are the default."""


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


@dataclass(frozen=True, slots=True)
class Adapter:
    """What a USB adapter says of itself."""

    vendor: str
    product: str
    serial: str
    usb_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Port:
    """A serial port.

    Attributes:
        device: the kernel's name, such as /dev/ttyUSB0.
        name: what to put into the configuration.
        driver: that runs it, if the kernel tells.
        latency: milliseconds that the adapter holds bytes back, where that can be set.
        group: that may use it, if this user may not; empty if not even a group may.
        buses: of the configuration that use it.
    """

    device: Path
    name: Path
    naming: Naming
    driver: str
    adapter: Adapter | None
    latency: int | None
    exists: bool
    permitted: bool
    group: str
    held_by: Holders
    buses: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Machine:
    """Where things are found; another root for tests."""

    dev: Path = Path("/dev")
    sys: Path = Path("/sys")
    proc: Path = Path("/proc")


HERE = Machine()


def ports(configured: Sequence[tuple[str, Path]] = (), on: Machine = HERE) -> list[Port]:
    """Every port that is there or that a bus names, given as (bus, port)."""
    found = sorted(_devices(on), key=lambda device: _natural(device.name))
    extra = dict.fromkeys(port for _, port in configured if _real(port) not in map(_real, found))
    adapters = {device: _adapter(_node(device, on)) for device in found}
    return [_port(device, adapters, configured, on) for device in (*found, *extra)]


def stable_name(device: Path, on: Machine = HERE) -> Path:
    """What to call a port in the configuration."""
    same = (port.name for port in ports(on=on) if _real(port.device) == _real(device))
    return next(same, device)


def _devices(on: Machine) -> Iterator[Path]:
    classes = on.sys / "class" / "tty"
    for entry in classes.iterdir() if classes.is_dir() else ():
        known = entry.name.rstrip("0123456789") in NAMES
        if known and (on.dev / entry.name).exists() and _has_chip(entry):
            yield on.dev / entry.name


def _has_chip(entry: Path) -> bool:
    return (entry / "device").exists() and _text(entry / "type") != NO_UART


def _port(
    device: Path,
    adapters: dict[Path, Adapter | None],
    configured: Sequence[tuple[str, Path]],
    on: Machine,
) -> Port:
    name, naming = _name(device, adapters, on)
    exists = device.exists()
    return Port(
        device=device,
        name=name,
        naming=naming,
        driver=_driver(_node(device, on)),
        adapter=adapters.get(device),
        latency=_latency(_node(device, on)),
        exists=exists,
        permitted=exists and os.access(device, os.R_OK | os.W_OK),
        group=_group(device) if exists else "",
        held_by=holders(device, on.proc),
        buses=tuple(bus for bus, port in configured if _real(port) == _real(device)),
    )


def _name(device: Path, adapters: dict[Path, Adapter | None], on: Machine) -> tuple[Path, Naming]:
    """What to configure, and why."""
    if device not in adapters:
        return device, Naming.CONFIGURED
    adapter = adapters[device]
    if adapter is None:
        return device, Naming.FIXED
    by_id, by_path = (_link(on.dev / "serial" / kind, device) for kind in ("by-id", "by-path"))
    twins = [other for other in adapters.values() if other == adapter]
    shares = len(twins) > 1 and not _is_one_adapter(device, adapters, on)
    if by_path is not None and (by_id is None or shares):
        return by_path, Naming.SAME_ID if shares else Naming.BY_PATH
    if by_id is not None and not shares:
        return by_id, Naming.BY_ID if adapter.serial else Naming.NO_SERIAL
    return device, Naming.NUMBERED


def _is_one_adapter(device: Path, adapters: dict[Path, Adapter | None], on: Machine) -> bool:
    """Whether those of the same description are the ports of one adapter, which has several."""
    twins = [other for other, adapter in adapters.items() if adapter == adapters[device]]
    return len({_usb(_node(other, on)) for other in twins}) == 1


def _link(directory: Path, device: Path) -> Path | None:
    links = sorted(directory.iterdir()) if directory.is_dir() else []
    return next((link for link in links if _real(link) == _real(device)), None)


def _node(device: Path, on: Machine) -> Path:
    """What the kernel shows of a port."""
    return on.sys / "class" / "tty" / Path(os.path.realpath(device)).name / "device"


def _adapter(node: Path) -> Adapter | None:
    usb = _usb(node)
    if usb is None:
        return None
    vendor, product, serial = (_text(usb / key) for key in ("manufacturer", "product", "serial"))
    return Adapter(vendor, product, serial, f"{_text(usb / 'idVendor')}:{_text(usb / 'idProduct')}")


def _usb(node: Path) -> Path | None:
    """The USB device that a port belongs to."""
    return next((place for place in _upwards(node) if (place / "idVendor").exists()), None)


def _driver(node: Path) -> str:
    drivers = (_real(place / "driver") for place in _upwards(node) if (place / "driver").exists())
    return next((Path(each).name for each in drivers if Path(each).name not in LAYERS), "")


def _upwards(node: Path) -> Iterator[Path]:
    if node.exists():
        here = Path(_real(node))
        yield from (here, *here.parents)


def _latency(node: Path) -> int | None:
    text = _text(node / "latency_timer")
    return int(text) if text.isdigit() else None


def _group(device: Path) -> str:
    """The group that may read and write it, or empty."""
    mode = device.stat().st_mode
    return device.group() if mode & 0o060 == 0o060 else ""  # noqa: PLR2004 - rw for the group


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""


def _real(path: Path) -> str:
    return os.path.realpath(path)


def _natural(name: str) -> tuple[str, int]:
    """ttyUSB2 before ttyUSB10."""
    stem = name.rstrip("0123456789")
    return stem, int(name[len(stem) :] or 0)
