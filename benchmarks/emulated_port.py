"""The emulated line in real time, on a pty in a process of its own that a master opens.

Where it may, the process takes real-time priority, as hardware waits for nobody: it sleeps until
shortly before a byte is due, then looks at the clock until it is.
"""

from __future__ import annotations

import contextlib
import gc
import multiprocessing
import os
import select
import time
import tty
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.connection import Connection

    from benchmarks.emulated_wire import Exchange, Slaves

GRAIN = 0.2e-3
"""Seconds before a byte is due in which the process does not sleep any more."""


@dataclass(frozen=True)
class Port:
    """What a master opens."""

    path: Path
    _pipe: Connection

    def silence(self, *units: int) -> None:
        """These units answer no more."""
        self._pipe.send(frozenset(units))
        self._pipe.recv()

    def served(self) -> list[Exchange]:
        """What has been served since this was asked last."""
        self._pipe.send(None)
        served: list[Exchange] = self._pipe.recv()
        return served


@contextlib.contextmanager
def port(slaves: Slaves) -> Iterator[Port]:
    """A line, plugged in for as long as the context lasts."""
    ours, theirs = multiprocessing.get_context("spawn").Pipe()
    process = multiprocessing.get_context("spawn").Process(
        target=_play, args=(slaves, theirs), daemon=True
    )
    process.start()
    try:
        yield Port(Path(ours.recv()), ours)
    finally:
        process.terminate()
        process.join()


def _play(slaves: Slaves, pipe: Connection) -> None:
    with contextlib.suppress(PermissionError):
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    gc.disable()
    master, slave = os.openpty()
    tty.setraw(slave)
    pipe.send(os.ttyname(slave))
    while True:
        readable, _, _ = select.select([master, pipe.fileno()], [], [], _sleep(slaves.due))
        if master in readable:
            slaves.hear(os.read(master, 4096), time.monotonic())
        if piece := slaves.take(time.monotonic()):
            os.write(master, piece)
        if pipe.fileno() in readable:
            _obey(slaves, pipe)


def _sleep(due: float | None) -> float | None:
    """Seconds to sleep; None is until something comes."""
    return None if due is None else max(0.0, due - time.monotonic() - GRAIN)


def _obey(slaves: Slaves, pipe: Connection) -> None:
    match pipe.recv():
        case frozenset() as units:
            slaves.dead = units
            pipe.send(None)
        case _:
            pipe.send(slaves.served)
            slaves.served = []
