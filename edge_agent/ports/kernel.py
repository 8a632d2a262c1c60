"""What the kernel shows of serial ports: adapter, driver, latency, who may use them."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

NAMES = ("ttyUSB", "ttyACM", "ttyAMA", "ttyS", "ttyO", "ttymxc", "ttyTHS", "ttySC", "ttyXRUSB")
"""How the kernel calls serial ports: USB adapters, and those of the boards that gateways are."""

NO_UART = "0"
"""The type of a ttyS that the kernel made room for, and that no chip stands behind."""

LAYERS = frozenset({"port", "ctrl"})
"""Drivers of the kernel's own serial layer, which stand between a port and its chip's driver."""

FAST_LATENCY = 1
"""Milliseconds that an FTDI adapter should hold bytes back; 16 are the default."""

READ_AND_WRITE = 0o060
"""What a group must be permitted."""


@dataclass(frozen=True, slots=True)
class Adapter:
    """What a USB adapter says of itself."""

    vendor: str
    product: str
    serial: str
    usb_id: str


@dataclass(frozen=True, slots=True)
class Machine:
    """Where things are found; another root for tests."""

    dev: Path = Path("/dev")
    sys: Path = Path("/sys")
    proc: Path = Path("/proc")


HERE = Machine()


def devices(on: Machine = HERE) -> Iterator[Path]:
    """The ports that there are."""
    classes = on.sys / "class" / "tty"
    for entry in classes.iterdir() if classes.is_dir() else ():
        known = entry.name.rstrip("0123456789") in NAMES
        if known and (on.dev / entry.name).exists() and _has_chip(entry):
            yield on.dev / entry.name


def adapter(device: Path, on: Machine = HERE) -> Adapter | None:
    """The adapter that a port belongs to; None for a port of the board."""
    usb = socket(device, on)
    if usb is None:
        return None
    vendor, product, serial = (_text(usb / key) for key in ("manufacturer", "product", "serial"))
    return Adapter(vendor, product, serial, f"{_text(usb / 'idVendor')}:{_text(usb / 'idProduct')}")


def socket(device: Path, on: Machine = HERE) -> Path | None:
    """The USB device that a port belongs to, by the socket that it is in."""
    places = _upwards(_node(device, on))
    return next((place for place in places if (place / "idVendor").exists()), None)


def driver(device: Path, on: Machine = HERE) -> str:
    """What runs it, or empty."""
    links = (place / "driver" for place in _upwards(_node(device, on)))
    drivers = (Path(os.path.realpath(link)).name for link in links if link.exists())
    return next((name for name in drivers if name not in LAYERS), "")


def latency(device: Path, on: Machine = HERE) -> int | None:
    """Milliseconds that the adapter holds bytes back, where that can be set."""
    text = _text(_node(device, on) / "latency_timer")
    return int(text) if text.isdigit() else None


def group(device: Path) -> str:
    """The group that may read and write it, or empty."""
    may = device.stat().st_mode & READ_AND_WRITE == READ_AND_WRITE
    return device.group() if may else ""


def is_same(one: Path, other: Path) -> bool:
    """Whether two names are one port's."""
    return os.path.realpath(one) == os.path.realpath(other)


def _has_chip(entry: Path) -> bool:
    return (entry / "device").exists() and _text(entry / "type") != NO_UART


def _node(device: Path, on: Machine) -> Path:
    return on.sys / "class" / "tty" / Path(os.path.realpath(device)).name / "device"


def _upwards(node: Path) -> Iterator[Path]:
    if node.exists():
        here = Path(os.path.realpath(node))
        yield from (here, *here.parents)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""
