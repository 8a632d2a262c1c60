"""Start a real server for a test, wait until it answers, and end it by its pid."""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
import socket
import subprocess
import time
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

WORKERS, PORTS_EACH = 6, 2000

READY_WITHIN = 30.0
"""Seconds that a server may take to open its port; generous, because machines are shared."""


def _candidates() -> Iterator[int]:
    """Ports below those that the kernel gives to whoever connects, and another worker's own."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    first, count = 20_000 + worker % WORKERS * PORTS_EACH, PORTS_EACH
    return itertools.cycle(range(first, first + count))


_ports = _candidates()


def free_port() -> int:
    """A loopback TCP port that nobody uses now, nor will before the server that it is for."""
    while True:
        port = next(_ports)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def require_program(name: str) -> str:
    """The path of a program.

    Without it the test is skipped with the reason, or fails where all parts must be there (CI).
    """
    path = shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin")
    if path is None:
        missing(f"{name} is not installed")
    assert path is not None
    return path


def missing(reason: str) -> None:
    """Skip the test for want of a part; fail it where REQUIRE_ALL_PARTS says that none may lack."""
    if os.environ.get("REQUIRE_ALL_PARTS"):
        pytest.fail(reason)
    pytest.skip(reason)


def wait_for_port(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    """Until something accepts connections on `port`; fail with the server's log if it ends."""
    deadline = time.monotonic() + READY_WITHIN
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.02)
    pytest.fail(f"{process.args!r} did not open port {port}:\n{log.read_text()[-2000:]}")


@contextlib.contextmanager
def running(
    command: list[str], *, port: int, log: Path, env: dict[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """`command` as a process that listens on `port`, ended afterwards."""
    with log.open("ab") as output:
        process = subprocess.Popen(
            command, stdout=output, stderr=output, env=None if env is None else os.environ | env
        )
    try:
        wait_for_port(port, process, log)
        yield process
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
