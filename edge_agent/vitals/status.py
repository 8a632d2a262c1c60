"""The running agent's state as a small file, for `edge-agent status`, `test` and for scripts.

Replaced as a whole each few seconds, and a last time at the end; a reader never sees half of it.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from edge_agent.bus.health import Health
    from edge_agent.bus.poller import Poller
    from edge_agent.vitals.latest import Latest
    from telemetry.sample import Sample

FILE = "status.json"
STALE_AFTER = 30.0
"""Seconds without a new version after which the agent does not run, or hangs."""


class NoStatus(Exception):
    """No agent has left its state in this directory."""


def write(directory: Path, document: dict[str, object]) -> None:
    """Replace the file, which holds values: it is for the owner and the group.

    It is no loss if that fails: the outbox is what must be kept.
    """
    fresh = directory / (FILE + ".new")
    created = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o640)
    with os.fdopen(created, "w", encoding="utf-8") as file:
        file.write(json.dumps(document))
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


def is_running(document: dict[str, Any], now: float) -> bool:
    """Whether the agent of this state is at work: its process lives, and has told so of late."""
    lives = Path("/proc", str(document.get("pid"))).exists()
    return lives and now - float(document["at"]) < STALE_AFTER


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


def device_documents(
    pollers: Iterable[Poller],
    now: float,
    latest: Latest,
    stored: Callable[[str], tuple[int, int] | None],
) -> list[dict[str, object]]:
    """How each device stands, and what it said last; `now` is the monotonic clock's.

    `stored` gives the times between which the collector has stored all that a device said.
    """
    return [
        {
            "id": name,
            "bus": poller.name,
            **_health_document(health, now),
            "stored": stored(name),
            "samples": [_sample_document(sample) for sample in latest.of(name)],
        }
        for poller in pollers
        for name, health in poller.health.items()
    ]


def _sample_document(sample: Sample) -> dict[str, object]:
    return {
        "at": sample.at,
        "values": dict(sample.values),
        "flags": {channel: str(flag) for channel, flag in sample.flags.items()},
    }


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
