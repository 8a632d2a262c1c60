"""What this machine knows of a serial port: who holds it, its lasting name, what slows it down."""

from __future__ import annotations

import contextlib
import grp
import os
from pathlib import Path

BY_ID, BY_PATH = Path("/dev/serial/by-id"), Path("/dev/serial/by-path")
"""udev's links: by the adapter's serial number, and by the socket that it is plugged into."""

PROCESSES = Path("/proc")
USB_SERIAL = Path("/sys/bus/usb-serial/devices")

PROMPT = 1
"""Milliseconds of a latency timer that cost nothing noticeable."""


def holders(port: Path, processes: Path = PROCESSES) -> list[str]:
    """The processes that have it open, as `edge-agent (pid 812)`; root sees everybody's."""
    device = os.path.realpath(port)
    return [
        f"{_name(process)} (pid {process.name})"
        for process in sorted(processes.glob("[0-9]*"), key=lambda path: int(path.name))
        if process.name != str(os.getpid()) and _has_open(process, device)
    ]


def stable_name(port: Path, directories: tuple[Path, ...] = (BY_ID, BY_PATH)) -> Path | None:
    """The name that stays when adapters are plugged in another order, if it has one."""
    device = os.path.realpath(port)
    for directory in directories:
        with contextlib.suppress(OSError):
            for link in sorted(directory.iterdir()):
                if os.path.realpath(link) == device:
                    return link
    return None


def latency_hint(port: Path, devices: Path = USB_SERIAL) -> str | None:
    """What to do about a USB adapter that holds replies back; None if it does not."""
    name = Path(os.path.realpath(port)).name
    timer = devices / name / "latency_timer"
    try:
        held = int(timer.read_text())
    except (OSError, ValueError):
        return None
    if held <= PROMPT:
        return None
    return f"the USB adapter holds each reply back for up to {held} ms: echo {PROMPT} > {timer}"


def may_not(port: Path) -> str:
    """How a user that may not open it comes to be one who may."""
    with contextlib.suppress(OSError, KeyError):
        group = grp.getgrgid(port.stat().st_gid).gr_name
        return f"permission denied: usermod -aG {group} USER, then log in anew"
    return "permission denied: only its owner and group may open it"


def _has_open(process: Path, device: str) -> bool:
    with contextlib.suppress(OSError):
        for descriptor in (process / "fd").iterdir():
            with contextlib.suppress(OSError):
                if descriptor.readlink() == Path(device):
                    return True
    return False


def _name(process: Path) -> str:
    try:
        return (process / "comm").read_text().strip()
    except OSError:
        return "a process"
