"""This machine: the outbox's directory and its room, and the clock."""

from __future__ import annotations

import os
import shutil
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from edge_agent.checks.finding import fail, ok, warn
from edge_agent.clock import clock_state
from telemetry.envelope import Clock
from telemetry.language import Phrase

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from edge_agent.checks.finding import Finding
    from edge_agent.site.site import Site
    from telemetry.language import Lang

NOT_BEFORE = datetime(2026, 1, 1, tzinfo=UTC)
"""This program is younger, so a clock that shows less is wrong."""

NOT_AFTER = datetime(2100, 1, 1, tzinfo=UTC)

OUTBOX = Phrase(en="outbox", vi="hộp gửi (outbox)")
NO_DIRECTORY = Phrase(en="directory {path} does not exist", vi="chưa có thư mục {path}")
MAKE = Phrase(en="`install -d {path}`", vi="tạo bằng `install -d {path}`")
NOT_WRITABLE = Phrase(
    en="directory {path} cannot be written by this user",
    vi="người dùng này không ghi được vào {path}",
)
RUN_AS = Phrase(
    en="it belongs to uid {owner}; run the agent as that user, or `sudo` this check",
    vi="thư mục thuộc uid {owner}; chạy agent bằng người dùng đó, hoặc thêm `sudo`",
)
ROOM = Phrase(
    en="{path}: {free} free, may grow to {most}", vi="{path}: trống {free}, lớn nhất {most}"
)
TOO_SMALL = Phrase(
    en="{path} may grow to {most}, but only {free} are free",
    vi="{path} có thể lớn tới {most} nhưng ổ đĩa chỉ còn trống {free}",
)
LESS = Phrase(
    en="free the disk, or set outbox.max_size below that: a full disk drops the oldest data",
    vi="giải phóng ổ đĩa hoặc giảm outbox.max_size: khi đầy, dữ liệu cũ nhất sẽ mất",
)
CLOCK = Phrase(en="clock", vi="đồng hồ")
SYNCED = Phrase(
    en="{now:%Y-%m-%d %H:%M:%S} UTC, synchronised", vi="{now:%Y-%m-%d %H:%M:%S} UTC, đã đồng bộ"
)
TRUSTED = Phrase(
    en="{now:%Y-%m-%d %H:%M:%S} UTC, trusted by configuration",
    vi="{now:%Y-%m-%d %H:%M:%S} UTC, cấu hình cho là đúng",
)
UNSYNCED = Phrase(
    en="{now:%Y-%m-%d %H:%M:%S} UTC: no time daemon keeps it; samples will say so",
    vi="{now:%Y-%m-%d %H:%M:%S} UTC: chưa được đồng bộ; mẫu dữ liệu sẽ ghi rõ điều này",
)
SYNC = Phrase(
    en="`sudo timedatectl set-ntp true`, and let it reach a time server (UDP 123)",
    vi="`sudo timedatectl set-ntp true`, và cho phép ra máy chủ giờ (UDP 123)",
)
WRONG_YEAR = Phrase(
    en="{now:%Y-%m-%d %H:%M} UTC cannot be: samples and certificates would be refused",
    vi="{now:%Y-%m-%d %H:%M} UTC không thể đúng: mẫu và chứng thư sẽ bị từ chối",
)


def machine(site: Site, lang: Lang) -> Iterator[Finding]:
    """Whether the agent can work here."""
    yield _outbox(site.config.outbox_path, site.config.outbox.max_size, lang)
    trusted = site.config.clock.source == "trusted"
    synced = clock_state(site.config.clock.source) is not Clock.UNKNOWN
    yield clock(datetime.fromtimestamp(time.time(), UTC), lang, synced=synced, trusted=trusted)


def _outbox(path: Path, most: int, lang: Lang) -> Finding:
    about, directory = OUTBOX(lang), path.parent
    if not directory.is_dir():
        return fail(about, NO_DIRECTORY(lang, path=directory), MAKE(lang, path=directory))
    if not os.access(directory, os.W_OK | os.X_OK):
        owner = directory.stat().st_uid
        return fail(about, NOT_WRITABLE(lang, path=directory), RUN_AS(lang, owner=owner))
    free = shutil.disk_usage(directory).free
    taken = path.stat().st_size if path.exists() else 0
    facts = {"path": path, "free": _bytes(free), "most": _bytes(most)}
    if free < most - taken:
        return warn(about, TOO_SMALL(lang, **facts), LESS(lang))
    return ok(about, ROOM(lang, **facts))


def clock(now: datetime, lang: Lang, *, synced: bool, trusted: bool) -> Finding:
    """Whether what this machine takes for the time can be true."""
    if not NOT_BEFORE <= now < NOT_AFTER:
        return fail(CLOCK(lang), WRONG_YEAR(lang, now=now), SYNC(lang))
    if not synced:
        return warn(CLOCK(lang), UNSYNCED(lang, now=now), SYNC(lang))
    return ok(CLOCK(lang), (TRUSTED if trusted else SYNCED)(lang, now=now))


def _bytes(number: int) -> str:
    return f"{number / 1e9:.1f} GB" if number >= 10**9 else f"{number / 1e6:.0f} MB"
