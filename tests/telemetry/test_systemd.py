"""Promise: systemd hears that we are ready and alive; without systemd nothing happens."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING

import pytest

from telemetry.systemd import notify, watchdog_interval

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(params=["path", "abstract"])
def systemd(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[socket.socket]:
    """The socket on which systemd would listen."""
    name = str(tmp_path / "notify") if request.param == "path" else f"@ct-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(name.replace("@", "\0", 1) if name.startswith("@") else name)
        listener.settimeout(10)
        monkeypatch.setenv("NOTIFY_SOCKET", name)
        yield listener


def test_states_arrive_as_lines_of_one_datagram(systemd: socket.socket) -> None:
    notify("READY=1", "STATUS=3 thiết bị")

    assert systemd.recv(1000) == "READY=1\nSTATUS=3 thiết bị".encode()


def test_each_call_is_a_datagram(systemd: socket.socket) -> None:
    notify("READY=1")
    notify("WATCHDOG=1")

    assert [systemd.recv(1000), systemd.recv(1000)] == [b"READY=1", b"WATCHDOG=1"]


def test_nothing_happens_without_systemd(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)

    notify("READY=1")


@pytest.mark.parametrize(("allowed", "expected"), [("30000000", 15.0), ("1", 0.000_000_5)])
def test_signs_of_life_are_due_twice_in_the_time_allowed(
    monkeypatch: pytest.MonkeyPatch, allowed: str, expected: float
) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", allowed)

    assert watchdog_interval() == expected


def test_no_signs_of_life_are_due_when_nobody_watches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WATCHDOG_USEC", raising=False)

    assert watchdog_interval() is None
