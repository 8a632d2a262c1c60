"""The running agent's state as a small file, for `edge-agent status` and for scripts.

Replaced as a whole each few seconds, and a last time at the end; a reader never sees half of it.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from edge_agent.bus.health import Health
    from edge_agent.bus.poller import Poller

FILE = "status.json"
STALE_AFTER = 30.0
"""Seconds without a new version after which the agent does not run, or hangs."""


class NoStatus(Exception):
    """No agent has left its state in this directory."""


def write(directory: Path, document: dict[str, object]) -> None:
    """Replace the file. It is no loss if that fails: the outbox is what must be kept."""
    fresh = directory / (FILE + ".new")
    fresh.write_text(json.dumps(document), encoding="utf-8")
    fresh.replace(directory / FILE)


def read(directory: Path) -> dict[str, Any]:
    """The last state.

    Raises:
        NoStatus: if there is none that can be read.
    """
    path = directory / FILE
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "is damaged"
        raise NoStatus(f"{path}: {reason}; has the agent run with this data_dir?") from error
    if not isinstance(document, dict):
        raise NoStatus(f"{path}: is damaged")
    return document


def bus_document(poller: Poller, now: float) -> dict[str, object]:
    """How a bus stands; idle until something is asked. `now` is the monotonic clock's."""
    down = poller.down_since
    return {
        "id": poller.name,
        "place": poller.place,
        "state": "up" if poller.link.is_open else "idle" if down is None else "down",
        "down_for": None if down is None else round(now - down, 1),
        "late_replies": poller.link.late_replies,
    }


def device_documents(pollers: Iterable[Poller], now: float) -> list[dict[str, object]]:
    """How each device stands; `now` is the monotonic clock's."""
    return [
        {"id": name, "bus": poller.name, **_health_document(health, now)}
        for poller in pollers
        for name, health in poller.health.items()
    ]


def _health_document(health: Health, now: float) -> dict[str, object]:
    counters = health.counters
    return {
        "state": _state(health),
        "last_reply_age": None if health.last_reply is None else round(now - health.last_reply, 1),
        "requests": counters.requests,
        "replies": counters.replies,
        "timeouts": counters.timeouts,
        "bad_replies": counters.bad_replies,
        "skipped": counters.skipped,
        "exceptions": {str(code): count for code, count in sorted(counters.exceptions.items())},
    }


def _state(health: Health) -> str:
    if health.silent_since is not None:
        return "silent"
    return "not yet" if health.last_reply is None else "answering"
