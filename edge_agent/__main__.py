"""The running agent's process: `python -m edge_agent CONFIGURATION LOG_LEVEL LOG_FORMAT`.

`edge-agent run` becomes this process; on its own, without the command line's libraries, it takes
3 MB less for as long as it runs.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from pathlib import Path

from edge_agent.app import Agent
from edge_agent.delivery.outbox import OutboxInUse
from edge_agent.delivery.outbox_file import UnknownFormat
from edge_agent.exits import Exit
from edge_agent.site import site
from telemetry import logs
from telemetry.logs import LogFormat
from telemetry.settings import SettingsError

logger = logging.getLogger("edge_agent")


def main(config: str, log_level: str, log_format: str) -> int:
    """Run the agent until a signal ends it; its exit code."""
    logs.configure(log_level, LogFormat(log_format))
    try:
        agent = _agent(Path(config))
    except SettingsError as error:
        for problem in error.problems:
            sys.stderr.write(problem + "\n")
        return Exit.WRONG_INPUT
    return _run(agent)


def _agent(path: Path) -> Agent:
    loaded = site.load(path)
    directory = loaded.config.outbox_path.parent
    if not directory.is_dir():
        hint = "`install -d` or systemd's StateDirectory= makes it"
        raise SettingsError([f"{path}: data_dir — directory {directory} does not exist; {hint}"])
    if not os.access(directory, os.W_OK | os.X_OK):
        raise SettingsError([f"{path}: data_dir — this user may not write in {directory}"])
    return Agent(loaded)


def _run(agent: Agent) -> int:
    try:
        asyncio.run(agent.run())
    except BaseExceptionGroup as group:
        known, bugs = group.split((OutboxInUse, UnknownFormat))
        if known is not None:
            logger.critical("%s", _first(known))
        if bugs is not None:
            logger.critical("stopped by a bug; what was read is in the outbox", exc_info=bugs)
        return Exit.NOT_WORKING
    return 0


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    first = group.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
