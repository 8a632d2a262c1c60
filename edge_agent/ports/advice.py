"""What keeps a port from being used, or from being used well, and what to do about it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge_agent.ports import kernel
from edge_agent.ports.kernel import FAST_LATENCY, HERE
from edge_agent.ports.naming import stable_name
from telemetry.language import Phrase

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from edge_agent.ports.kernel import Machine
    from telemetry.language import Lang

DENIED = Phrase(en="this user may not use it", vi="người dùng này không có quyền")
DENIED_TO_ALL = Phrase(
    en="this user may not use it, nor does a group",
    vi="người dùng này không có quyền, nhóm cũng vậy",
)
JOIN = Phrase(
    en="sudo usermod -aG {group} {user}, then log in anew",
    vi="sudo usermod -aG {group} {user}, rồi đăng nhập lại",
)
PERMIT = Phrase(
    en="sudo chgrp dialout {port} && sudo chmod g+rw {port}",
    vi="sudo chgrp dialout {port} && sudo chmod g+rw {port}",
)
SLOW = Phrase(
    en="it holds bytes back for {latency} ms, which slows polling",
    vi="giữ byte lại {latency} ms, làm chậm việc đọc",
)
SPEED_UP = Phrase(
    en="echo {fast} | sudo tee /sys/bus/usb-serial/devices/{name}/latency_timer",
    vi="echo {fast} | sudo tee /sys/bus/usb-serial/devices/{name}/latency_timer",
)
CHANGING = Phrase(
    en="its name may change when things are plugged in anew", vi="tên cổng có thể đổi khi cắm lại"
)
USE_NAME = Phrase(en="write `port: {name}`", vi="ghi `port: {name}`")


@dataclass(frozen=True, slots=True)
class Advice:
    """What is so, and what to do."""

    says: str
    do: str

    def __str__(self) -> str:
        """Both, in one line."""
        return f"{self.says}: {self.do}"


def permission(port: Path, group: str, lang: Lang) -> Advice:
    """How a user that may not use it comes to be one who may; `group`: that may, or empty."""
    if not group:
        return Advice(DENIED_TO_ALL(lang), PERMIT(lang, port=port))
    user = os.environ.get("USER", "$USER")
    return Advice(DENIED(lang), JOIN(lang, group=group, user=user))


def speed(port: Path, latency: int | None, lang: Lang) -> Iterator[Advice]:
    """How an adapter that holds bytes back, for so many milliseconds, comes to hand them on."""
    if latency is not None and latency > FAST_LATENCY:
        speed_up = SPEED_UP(lang, fast=FAST_LATENCY, name=port.resolve().name)
        yield Advice(SLOW(lang, latency=latency), speed_up)


def better(port: Path, lang: Lang, on: Machine = HERE) -> Iterator[Advice]:
    """What would make a port that works work better, and for longer."""
    yield from speed(port, kernel.latency(port, on), lang)
    stable = stable_name(port, on)
    if port.parent == on.dev and stable != port:
        yield Advice(CHANGING(lang), USE_NAME(lang, name=stable))
