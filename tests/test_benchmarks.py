"""Each benchmark ends with one line that scripts can read; the quick ones run here, made small."""

from __future__ import annotations

import importlib
import re

import pytest

from benchmarks import bus, ingest, wire
from benchmarks.__main__ import NAMES
from benchmarks.bus_neighbours import rate
from benchmarks.emulated_wire import Fifo, Pace, Slaves
from benchmarks.report import Report

FIGURE = r"[0-9]+(\.[0-9]+)?"


def last_line(report: Report) -> str:
    return str(report).splitlines()[-1]


def test_the_wire_tells_bytes_and_times_of_a_value() -> None:
    line = last_line(wire.run(5))

    assert re.fullmatch(
        f"wire bytes_per_value={FIGURE} pack_us={FIGURE} unpack_us={FIGURE}", line
    ), line


def test_our_envelope_is_the_smallest_on_the_wire() -> None:
    ours, *others = [figures[0] for _, figures in wire.run(5).rows]

    assert all(ours is not None and other is not None and ours < other for other in others)


def test_the_ingest_tells_values_a_second_of_the_processor() -> None:
    line = last_line(ingest.run(5))

    assert re.fullmatch(f"ingest values_per_cpu_second={FIGURE}", line), line


def test_the_bus_reads_on_an_emulated_line_without_breaking_a_silence() -> None:
    slaves = Slaves(Pace(115_200), Fifo(bus.MARK, bus.IDLE * Pace(115_200).character))

    line = bus.measure("agent", bus.ours, slaves, 50, 5)

    assert (line.judged.violations, line.judged.reads) == (0, 4)
    assert 0 < line.efficiency <= 100
    assert len(line.figures) == len(bus.COLUMNS)


def test_a_rate_is_the_same_wherever_its_window_is_cut() -> None:
    assert rate([0.4, 0.9, 1.4]) == pytest.approx(2.0)
    assert rate([0.4]) == 0.0


def test_a_count_is_shown_as_it_is() -> None:
    report = Report(
        name="bus",
        title="reads",
        columns=("broken",),
        rows=(("this", (1_200,)),),
        line={"violations": 0},
    )

    assert str(report).splitlines()[1:] == ["this       1,200", "bus violations=0"]


def test_the_last_line_has_the_names_and_three_digits_of_the_figures() -> None:
    report = Report(
        name="agent",
        title="50 devices",
        columns=("CPU %", "RSS MB"),
        rows=(("this", (1.325, None)),),
        line={"cpu_percent": 1.325, "rss_mb": 45.62, "values_per_s": 12345.6},
    )

    assert str(report).splitlines() == [
        "50 devices      CPU %     RSS MB",
        "this             1.32          -",
        "agent cpu_percent=1.32 rss_mb=45.6 values_per_s=12346",
    ]


def test_every_benchmark_that_is_listed_can_be_run() -> None:
    for name in NAMES:
        assert callable(importlib.import_module(f"benchmarks.{name}").run)
