"""Promise: `make demo` accounts for every sample, and leaves nothing behind, however it is ended.

It serves fixed ports and keeps its files in var/demo, so one can run at a time.
"""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from demo.town import PORTS
from parts.processes import missing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Killing = Callable[[int, int], None]

pytestmark = pytest.mark.system

WITHIN = 60.0
"""Seconds for what must happen; generous, because machines are shared."""


@pytest.fixture
def ports() -> Iterator[None]:
    """The demonstration's ports, free before and after."""
    busy = [port for port in PORTS if not _is_free(port)]
    if busy:
        missing(f"port {busy[0]} of the demonstration is in use")
    yield
    assert [port for port in PORTS if not _is_free(port)] == []


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def started(seconds: str | None) -> subprocess.Popen[str]:
    """A demonstration in a session of its own, as a terminal would have it."""
    environment = {name: text for name, text in os.environ.items() if name != "DEMO_SECONDS"}
    return subprocess.Popen(
        [sys.executable, "-m", "demo"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environment | ({"DEMO_SECONDS": seconds} if seconds else {}),
        start_new_session=True,
    )


def family(pid: int) -> set[int]:
    """The process's descendants that run now."""
    parents: dict[int, int] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, parent = stat.read_text().rpartition(")")[2].split()[:2]
        except (FileNotFoundError, ProcessLookupError):  # it has just ended
            continue
        if state != "Z":
            parents[int(stat.parent.name)] = int(parent)
    found = {pid}
    while grown := {child for child, parent in parents.items() if parent in found} - found:
        found |= grown
    return found - {pid}


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def account(output: str) -> dict[str, int]:
    """The summary's lines."""
    return {
        name: int(number)
        for name, number in re.findall(r"^([a-z' ]+?) +(\d+)(?:   .*)?$", output, re.MULTILINE)
    }


@pytest.mark.usefixtures("only_demo", "ports")
def test_it_ends_by_itself_and_its_account_balances() -> None:
    demonstration = started("12")
    output, _ = demonstration.communicate(timeout=WITHIN + 12)

    assert demonstration.returncode == 0, output
    told = account(output)
    assert told["lost"] == told["doubled"] == 0
    assert told["stored"] > 0
    assert told["samples read by the agent"] == (
        told["stored"] + told["waiting in the agent's outbox"]
    )
    assert "the broker is dead; samples wait in the agent's outbox" in output
    assert "Traceback" not in output + logs()


@pytest.mark.usefixtures("only_demo", "ports")
@pytest.mark.parametrize("to", [os.kill, os.killpg], ids=["to it alone", "as Ctrl-C does"])
def test_an_interruption_ends_it_with_its_account_and_no_orphans(to: Killing) -> None:
    demonstration = started(None)
    assert demonstration.stdout is not None
    shown = next(line for line in demonstration.stdout if re.search(r"stored [1-9]", line))
    children = family(demonstration.pid)
    assert len(children) == 4

    to(demonstration.pid, signal.SIGINT)
    output, _ = demonstration.communicate(timeout=WITHIN)

    assert demonstration.returncode == 0, shown + output
    assert account(output)["lost"] == 0
    deadline = time.monotonic() + WITHIN
    while orphans := {pid for pid in children if is_alive(pid)}:
        assert time.monotonic() < deadline, orphans
        time.sleep(0.02)
    assert "Traceback" not in output + logs()


def logs() -> str:
    return "".join(path.read_text() for path in Path("var/demo").glob("*.log"))
