"""The broker that runs on a directory: found by its pid file, known by its command line.

Another process asks it to read its users again, and a new life of the collector ends what an
earlier one left behind (our leash sees to that, unless the broker hung). A pid alone proves
nothing, for pids are used again.
"""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

PID_FILE = "nats-server.pid"
CONF_FILE = "nats-server.conf"
ENDS_WITHIN = 10.0
"""Seconds that a broker gets for a clean stop, before it is killed."""

POLL = 0.05
"""Seconds between looks at a process that is not our child."""


def find(directory: Path) -> int | None:
    """The pid of a broker that runs on `directory`, or None."""
    try:
        pid = int((directory / PID_FILE).read_text(encoding="ascii"))
        command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except (OSError, ValueError):
        return None
    return pid if os.fsencode(directory / CONF_FILE) in command else None


async def end(directory: Path) -> int | None:
    """End the broker that runs on `directory`; the pid it had, or None if there was none."""
    orphan = find(directory)
    for demand in (signal.SIGTERM, signal.SIGKILL):
        if find(directory) is None:
            break
        _signal(directory, demand)
        for _ in range(round(ENDS_WITHIN / POLL)):
            if find(directory) is None:
                break
            await asyncio.sleep(POLL)
    return orphan


def reload(directory: Path) -> bool:
    """Have a running broker read its users again; False if none runs."""
    return _signal(directory, signal.SIGHUP)


def _signal(directory: Path, demand: signal.Signals) -> bool:
    pid = find(directory)
    if pid is None:
        return False
    try:
        os.kill(pid, demand)
    except ProcessLookupError:
        return False
    return True
