"""Tell systemd that we are ready and alive (sd_notify(3)); nothing without NOTIFY_SOCKET."""

from __future__ import annotations

import os
import socket


def notify(*states: str) -> None:
    """Send states such as `READY=1`, `WATCHDOG=1`, `STOPPING=1` or `STATUS=…`."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    if address.startswith("@"):
        address = "\0" + address[1:]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
        channel.connect(address)
        channel.sendall("\n".join(states).encode())


def watchdog_interval() -> float | None:
    """Seconds between signs of life: half of what systemd allows, or None if it does not watch."""
    allowed = os.environ.get("WATCHDOG_USEC")
    return int(allowed) / 2_000_000 if allowed else None
