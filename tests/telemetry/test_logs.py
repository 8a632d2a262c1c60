"""Promise: a line a message on standard error, for people or machines; libraries keep quiet."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent

PROGRAM = """
import logging, sys
from telemetry.logs import LogFormat, configure
configure(sys.argv[1], LogFormat(sys.argv[2]))
ours, theirs = logging.getLogger("edge_agent.bus"), logging.getLogger("pymodbus")
for logger in (ours, theirs):
    for level in (logging.DEBUG, logging.INFO, logging.WARNING):
        logger.log(level, "%s of %s", logging.getLevelName(level), logger.name)
try:
    1 / 0
except ZeroDivisionError:
    ours.exception("bus rs485: đứt cáp")
"""


def lines(level: str, form: str) -> list[str]:
    """What a program writes that logs a bit of everything."""
    result = subprocess.run(
        [sys.executable, "-X", "utf8", "-c", PROGRAM, level, form],
        cwd=ROOT,
        capture_output=True,
        check=True,
        encoding="utf-8",
    )
    assert result.stdout == ""
    return result.stderr.splitlines()


@pytest.mark.parametrize(
    ("level", "expected"),
    [
        ("info", ["INFO of edge_agent.bus", "WARNING of edge_agent.bus", "WARNING of pymodbus"]),
        ("warning", ["WARNING of edge_agent.bus", "WARNING of pymodbus"]),
        (
            "debug",
            [
                *("DEBUG of edge_agent.bus", "INFO of edge_agent.bus", "WARNING of edge_agent.bus"),
                *("INFO of pymodbus", "WARNING of pymodbus"),
            ],
        ),
    ],
)
def test_libraries_speak_from_warnings_on_unless_debugging(level: str, expected: list[str]) -> None:
    documents = [json.loads(line) for line in lines(level, "json")]

    assert [document["message"] for document in documents[:-1]] == expected


def test_json_has_a_line_a_message_even_with_an_exception() -> None:
    last = json.loads(lines("info", "json")[-1])

    assert last["level"] == "error"
    assert last["logger"] == "edge_agent.bus"
    assert last["message"] == "bus rs485: đứt cáp"
    assert "ZeroDivisionError" in last["exception"]
    assert last["at"].endswith("Z")


def test_text_starts_with_the_time_and_the_level() -> None:
    first, *_ = lines("info", "text")

    date, clock, level, *message = first.split()
    assert len(date) == len("2026-01-31")
    assert len(clock) == len("12:30:00")
    assert (level, " ".join(message)) == ("INFO", "INFO of edge_agent.bus")
