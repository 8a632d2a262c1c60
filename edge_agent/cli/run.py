"""`edge-agent run`: the agent itself, until a signal ends it."""

from __future__ import annotations

import os
import sys
from enum import StrEnum
from typing import Annotated

import typer

from edge_agent.cli.options import Config, config_path
from telemetry.language import spoken
from telemetry.logs import LogFormat

EXAMPLES = """\b
Examples:
  edge-agent run
  edge-agent run -c /etc/city-telemetry/agent.yaml --log-format json

SIGTERM or Ctrl-C ends it cleanly: what was read is in the outbox then. An error that nothing
expects ends it with exit code 1, for systemd to start it again.
"""


ZONES = "/usr/share/zoneinfo"


class LogLevel(StrEnum):
    """From which importance on lines are written."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


def run(
    config: Config = None,
    log_level: Annotated[LogLevel, typer.Option(help="Write lines from here on.")] = LogLevel.INFO,
    log_format: Annotated[LogFormat, typer.Option(help="For people or machines.")] = LogFormat.TEXT,
) -> None:
    """Poll the devices and deliver their samples."""
    # The same process becomes the agent, and so leaves the command line's libraries behind.
    command = [
        sys.executable,
        "-m",
        "edge_agent",
        str(config_path(config, spoken(os.environ))),
        log_level,
        log_format,
    ]
    # Told where time zones are, Python does not load all that it knows of its own build: 0.7 MB.
    environment = {"PYTHONTZPATH": ZONES} | os.environ
    os.execve(sys.executable, command, environment)  # noqa: S606 - our own program, no shell
