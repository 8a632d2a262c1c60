"""What Linux tells of the machine and of this process.

Read from /proc and /sys: the library for it, psutil, keeps 1 MB of memory for as long as the agent
runs, and needs a compiler on 32-bit ARM.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    from telemetry.sample import Value

THERMOMETERS = ("sys/class/thermal/thermal_zone*/temp", "sys/class/hwmon/hwmon*/temp*_input")
"""Files with thousandths of a degree Celsius."""

IDLE, IOWAIT, GUEST = 3, 4, 8
"""Columns of /proc/stat (proc_stat(5)); what a guest had stands in `user` too."""


class _Ticks(NamedTuple):
    """Time that the processors have had since the start: at work, and in all."""

    busy: int
    all: int


class Host:
    """The machine; how busy it was counts from the last look, and at first from its start.

    Args:
        data_dir: a directory on the disk in question.
        root: where `proc` and `sys` are.
    """

    def __init__(self, data_dir: Path, root: Path = Path("/")) -> None:
        self._data_dir = data_dir
        self._root = root
        self._ticks = _Ticks(0, 0)

    def read(self) -> dict[str, Value]:
        """All of it; what is not told (a thermometer, a lost disk, a hidden /proc) is absent."""
        values: dict[str, Value] = {"load_1min": os.getloadavg()[0]}
        told = (self._processor, self._memory, self._agent, self._uptime, self._disk, self._heat)
        for tell in told:
            with contextlib.suppress(OSError):
                values |= tell()
        return values

    def _processor(self) -> dict[str, Value]:
        """Percent of all processors' time since the last look."""
        line, _, _ = self._text("proc/stat").partition("\n")
        columns = [int(word) for word in line.split()[1:]][:GUEST]
        now = _Ticks(sum(columns) - columns[IDLE] - columns[IOWAIT], sum(columns))
        before, self._ticks = self._ticks, now
        passed = now.all - before.all
        return {"cpu": _percent(now.busy - before.busy, passed)} if passed > 0 else {}

    def _memory(self) -> dict[str, Value]:
        """Percent that is not to be had without swapping."""
        lines = (line.split() for line in self._text("proc/meminfo").splitlines())
        size = {words[0]: int(words[1]) for words in lines}
        total = size["MemTotal:"]
        return {"memory": _percent(total - size["MemAvailable:"], total)}

    def _agent(self) -> dict[str, Value]:
        """Bytes of this process in RAM."""
        pages = int(self._text("proc/self/statm").split()[1])
        return {"agent_memory": pages * os.sysconf("SC_PAGE_SIZE")}

    def _uptime(self) -> dict[str, Value]:
        return {"uptime": float(self._text("proc/uptime").split()[0])}

    def _disk(self) -> dict[str, Value]:
        """As df(1) has it: percent of what is not reserved for root, and bytes free."""
        disk = os.statvfs(self._data_dir)
        used = disk.f_blocks - disk.f_bfree
        return {
            "disk": _percent(used, used + disk.f_bavail),
            "disk_free": disk.f_bavail * disk.f_frsize,
        }

    def _heat(self) -> dict[str, Value]:
        temperatures = list(self._temperatures())
        return {"temperature": max(temperatures)} if temperatures else {}

    def _temperatures(self) -> Iterator[float]:
        for pattern in THERMOMETERS:
            for path in self._root.glob(pattern):
                with contextlib.suppress(OSError, ValueError):  # a sensor that is switched off
                    yield int(path.read_text(encoding="ascii")) / 1000

    def _text(self, path: str) -> str:
        return (self._root / path).read_text(encoding="ascii")


def _percent(part: int, whole: int) -> float:
    return round(100 * part / whole, 1)
