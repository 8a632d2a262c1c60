"""`edge-agent run`: the agent itself, until a signal ends it."""

from __future__ import annotations

import asyncio
import logging
from enum import StrEnum
from typing import Annotated

import typer

from edge_agent.app import Agent
from edge_agent.cli.options import NOT_WORKING, Config, fail, in_directory, load_site
from edge_agent.outbox import OutboxInUse
from edge_agent.outbox_file import UnknownFormat
from telemetry import logs
from telemetry.logs import LogFormat
from telemetry.settings import SettingsError

logger = logging.getLogger(__name__)

EXAMPLES = """\b
Examples:
  edge-agent run
  edge-agent run -c /etc/city-telemetry/agent.yaml --log-format json

SIGTERM or Ctrl-C ends it cleanly: what was read is in the outbox then. An error that nothing
expects ends it with exit code 1, for systemd to start it again.
"""


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
    logs.configure(log_level, log_format)
    site = load_site(config)
    if reason := in_directory(site.config.outbox_path):
        fail(f"outbox: {reason}; systemd's StateDirectory= or `install -d` makes one")
    try:
        agent = Agent(site)
    except SettingsError as error:
        fail(*error.problems)
    if not _runs_well(agent):
        raise typer.Exit(NOT_WORKING)


def _runs_well(agent: Agent) -> bool:
    """Run until the end; whether it was asked for."""
    try:
        asyncio.run(agent.run())
    except BaseExceptionGroup as group:
        known, bugs = group.split((OutboxInUse, UnknownFormat))
        if known is not None:
            logger.critical("outbox: %s", _first(known))
        if bugs is not None:
            logger.critical("stopped by a bug; what was read is in the outbox", exc_info=bugs)
        return False
    return True


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    first = group.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first
