"""What the agent costs: 50 Modbus TCP devices of 20 registers each second, kept and receipted.

Devices, a broker (mosquitto) and a stand-in for the collector run in processes of their own, and so
do, at the same time, the agent, an idle agent (one device every 10 s) and the sketch that the agent
is held against. Processor time and memory are read from /proc.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import site
from benchmarks.processes import (
    background,
    cpu_seconds,
    mosquitto,
    ours,
    program,
    resident_mb,
)
from benchmarks.report import Report

if TYPE_CHECKING:
    from multiprocessing.sharedctypes import Synchronized

DEVICES = 50
SETTLE, SECONDS = 6.0, 40.0
"""Seconds for connections, the first commits and caches; and seconds of measuring."""

PUBLISHED = (
    ("ThingsBoard Gateway 3.8.5, elsewhere", (11.4, 72.0, 1_000)),
    ("ThingsBoard Gateway 3.8.5, idle, elsewhere", (3.9, 68.0, None)),
    ("Telegraf, custom-built, 99 fields/s, elsewhere", (0.15, 24.0, 99)),
)
"""Measured on two cores of another machine: see README.md."""


def run() -> Report:
    """Measure."""
    with contextlib.ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        broker = stack.enter_context(mosquitto(directory))
        heard, told = multiprocessing.get_context("spawn").Pipe(duplex=False)
        stack.enter_context(background(site.serve_devices, DEVICES, told))
        values: Synchronized[int] = multiprocessing.get_context("spawn").Value("Q", 0)
        stack.enter_context(background(site.collect, broker, "busy", values))
        ports = heard.recv()
        busy = site.write_agent(directory, "busy", ports, broker, "1s")
        idle = site.write_agent(directory, "idle", ports[:1], broker, "10s")
        sketch = [str(number) for number in (directory / "sketch.db", broker, *ports)]
        log = directory / "log"
        agent = [ours("edge-agent"), "run", "--log-level", "warning", "-c"]
        pids = [
            stack.enter_context(program(*command, log=log)).pid
            for command in (
                [*agent, busy],
                [*agent, idle],
                [sys.executable, "-m", "benchmarks.sketch", *sketch],
            )
        ]
        time.sleep(SETTLE)
        began, cpu, before = time.monotonic(), [cpu_seconds(pid) for pid in pids], values.value
        time.sleep(SECONDS)
        passed = time.monotonic() - began
        used = [
            (cpu_seconds(pid) - start) / passed * 100 for pid, start in zip(pids, cpu, strict=True)
        ]
        rss = [resident_mb(pid) for pid in pids]
        rate = (values.value - before) / passed
        sys.stderr.write(log.read_text())
    return Report(
        name="agent",
        title=f"{DEVICES} devices of {site.REGISTERS} registers, each second",
        columns=("CPU %", "RSS MB", "values/s"),
        rows=(
            ("this agent", (used[0], rss[0], rate)),
            ("this agent, idle (1 device, 10 s)", (used[1], rss[1], None)),
            ("bare asyncio sketch with pymodbus", (used[2], rss[2], None)),
            ("ratio of this agent to the sketch", (used[0] / used[2], rss[0] / rss[2], None)),
            *PUBLISHED,
        ),
        line={
            "cpu_percent": used[0],
            "rss_mb": rss[0],
            "idle_cpu_percent": used[1],
            "values_per_s": rate,
        },
    )
