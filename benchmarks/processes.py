"""Start what a benchmark needs on loopback, look at it through /proc, and end it by its pid."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

READY_WITHIN = 30.0
"""Seconds that a server may take to open its port."""


def free_port() -> int:
    """A loopback port that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def find(name: str) -> str | None:
    """A program's path; Debian puts servers where users do not look."""
    return shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin")


def ours(name: str) -> str:
    """A program of this project, installed beside the interpreter."""
    return str(Path(sys.executable).with_name(name))


@contextlib.contextmanager
def background(target: Callable[..., None], *arguments: object) -> Iterator[None]:
    """A function in a process of its own that is ended afterwards."""
    process = multiprocessing.get_context("spawn").Process(
        target=target, args=arguments, daemon=True
    )
    process.start()
    try:
        yield
    finally:
        process.terminate()
        process.join()


@contextlib.contextmanager
def program(*command: str | Path, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A program that is ended afterwards; what it says goes to `log`."""
    with log.open("ab") as said:
        process = subprocess.Popen(command, stdout=said, stderr=said)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(30)


@contextlib.contextmanager
def mosquitto(directory: Path) -> Iterator[int]:
    """The port of a broker that keeps nothing."""
    path, port = find("mosquitto"), free_port()
    if path is None:
        sys.exit("mosquitto is not installed")
    config = directory / "mosquitto.conf"
    config.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\nuser root\n")
    with program(path, "-c", config, log=directory / "mosquitto.log"):
        wait_for_port(port)
        yield port


def wait_for_port(port: int) -> None:
    """Until something listens there."""
    deadline = time.monotonic() + READY_WITHIN
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    sys.exit(f"nothing listens on port {port}")


def cpu_seconds(pid: int) -> float:
    """Processor time that a process has had, in user and kernel."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_mb(pid: int) -> float:
    """Memory that a process has in RAM (`VmRSS`), shared libraries included."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


def waited_seconds() -> float:
    """How long this thread was ready to run and did not, as Linux tells; elsewhere never."""
    try:
        return int(Path("/proc/thread-self/schedstat").read_text().split()[1]) / 1e9
    except FileNotFoundError:
        return 0.0
