"""Every serial port of this machine, with all that a technician needs to know of it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge_agent.ports import kernel
from edge_agent.ports.holders import holders
from edge_agent.ports.kernel import HERE
from edge_agent.ports.naming import adapters, named

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from edge_agent.ports.holders import Holders
    from edge_agent.ports.kernel import Adapter, Machine
    from edge_agent.ports.naming import Adapters, Naming


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


def ports(configured: Sequence[tuple[str, Path]] = (), on: Machine = HERE) -> list[Port]:
    """Every port that is there or that a bus names, given as (bus, port)."""
    known = adapters(on)
    found = sorted(known, key=lambda device: _natural(device.name))
    named_only = (
        port for _, port in configured if not any(kernel.is_same(port, each) for each in found)
    )
    return [_port(device, known, configured, on) for device in (*found, *dict.fromkeys(named_only))]


def _port(
    device: Path, known: Adapters, configured: Sequence[tuple[str, Path]], on: Machine
) -> Port:
    name, naming = named(device, known, on)
    exists = device.exists()
    return Port(
        device=device,
        name=name,
        naming=naming,
        driver=kernel.driver(device, on),
        adapter=known.get(device),
        latency=kernel.latency(device, on),
        exists=exists,
        permitted=exists and os.access(device, os.R_OK | os.W_OK),
        group=kernel.group(device) if exists else "",
        held_by=holders(device, on.proc),
        buses=tuple(bus for bus, port in configured if kernel.is_same(port, device)),
    )


def _natural(name: str) -> tuple[str, int]:
    """ttyUSB2 before ttyUSB10."""
    stem = name.rstrip("0123456789")
    return stem, int(name[len(stem) :] or 0)
