"""Which processes have a port open, as the kernel shows them under /proc."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

PROC = Path("/proc")

AGENT = b"edge_agent"
"""Stands in the command line of a running agent."""


@dataclass(frozen=True, slots=True)
class Holder:
    """A process that has the port open."""

    pid: int
    program: str
    is_agent: bool


@dataclass(frozen=True, slots=True)
class Holders:
    """All of them; `hidden`: how many processes this user may not look into."""

    known: tuple[Holder, ...]
    hidden: int


def holders(port: Path, proc: Path = PROC) -> Holders:
    """Who holds `port`, but for this process itself."""
    target = os.path.realpath(port)
    known: list[Holder] = []
    hidden = 0
    for process in _processes(proc):
        try:
            if target in _open_files(process):
                known.append(_holder(process))
        except PermissionError:
            hidden += 1
        except OSError:  # it has ended meanwhile
            continue
    return Holders(tuple(known), hidden)


def _processes(proc: Path) -> Iterator[Path]:
    for entry in proc.iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            yield entry


def _open_files(process: Path) -> Iterator[str]:
    for descriptor in (process / "fd").iterdir():
        try:
            yield str(descriptor.readlink())
        except FileNotFoundError:  # closed meanwhile
            continue


def _holder(process: Path) -> Holder:
    command = (process / "cmdline").read_bytes()
    program = (process / "comm").read_text(encoding="utf-8", errors="replace").strip()
    return Holder(int(process.name), program, AGENT in command)
