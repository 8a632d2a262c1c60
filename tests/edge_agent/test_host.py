"""The gateway's own values are what Linux tells, and what it does not tell is absent."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest

from edge_agent.vitals.host import Host

if TYPE_CHECKING:
    from pathlib import Path

TOLD = {
    # of 1000 ticks 600 idle and 100 waiting for the disk; the guest's 50 are in user's 200
    "proc/stat": "cpu  200 10 70 600 100 5 10 5 50 0\ncpu0 1 2 3 4 5 6 7 8 9 10\nbtime 1\n",
    "proc/meminfo": "MemTotal: 2000 kB\nMemFree: 1 kB\nMemAvailable: 1250 kB\nHugePages_Total: 0\n",
    "proc/uptime": "93784.21 180000.10\n",
    "proc/self/statm": "5000 1000 300 1 0 900 0\n",
    "sys/class/thermal/thermal_zone0/temp": "48312\n",
    "sys/class/hwmon/hwmon0/temp1_input": "51500\n",
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name, text in TOLD.items():
        write(tmp_path, name, text)
    return tmp_path


def write(root: Path, name: str, text: str) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_every_value_is_what_the_kernels_files_say(root: Path) -> None:
    values = Host(root, root).read()

    assert values["cpu"] == 30.0
    assert values["memory"] == 37.5
    assert values["uptime"] == 93784.21
    assert values["agent_memory"] == 1000 * os.sysconf("SC_PAGE_SIZE")


def test_the_processors_load_is_since_the_last_look(root: Path) -> None:
    host = Host(root, root)
    host.read()
    write(root, "proc/stat", "cpu  210 10 70 690 100 5 10 5 50 0\n")

    assert host.read()["cpu"] == 10.0


def test_two_looks_within_one_tick_tell_no_load(root: Path) -> None:
    host = Host(root, root)
    host.read()

    assert "cpu" not in host.read()


def test_the_temperature_is_the_hottest_sensors(root: Path) -> None:
    write(root, "sys/class/hwmon/hwmon1/temp1_input", "")  # switched off

    assert Host(root, root).read()["temperature"] == 51.5


def test_the_disk_is_the_one_that_df_shows(root: Path) -> None:
    values = Host(root, root).read()

    assert values["disk_free"] == pytest.approx(shutil.disk_usage(root).free, rel=0.2)
    assert 0 <= values["disk"] <= 100  # type: ignore[operator]


def test_what_is_not_told_is_absent(root: Path, tmp_path: Path) -> None:
    (root / "proc/stat").unlink()
    (root / "proc/meminfo").unlink()

    values = Host(tmp_path / "a lost disk", root).read()

    assert values.keys() == {"load_1min", "agent_memory", "uptime", "temperature"}


def test_this_machine_tells_all_but_its_temperature(tmp_path: Path) -> None:
    values = Host(tmp_path).read()

    assert values.keys() - {"temperature"} == {
        "load_1min", "cpu", "memory", "agent_memory", "uptime", "disk", "disk_free",
    }  # fmt: skip
