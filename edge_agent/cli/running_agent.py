"""The agent that a command looks at: the one that runs, or one that is started for the while."""

from __future__ import annotations

import contextlib
import os
import pwd
import subprocess
import sys
import tempfile
import time
from typing import TYPE_CHECKING, Any

from edge_agent.bus.settings import PortBus
from edge_agent.vitals import status

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from edge_agent.site.site import Site

STOP_WITHIN = 15.0
"""Seconds that an agent may take to bring what it read into the outbox."""

LOOK_EVERY = 0.25
"""Seconds between two looks at the status file."""


class AgentFailed(Exception):
    """The agent that was started for the while has ended; the message is what it said."""


def found(site: Site) -> dict[str, Any] | None:
    """The state of the agent that runs on this configuration's directory, or None."""
    try:
        document = status.read(site.config.status_dir)
    except status.NoStatus:
        return None
    return document if status.is_running(document, time.time()) else None


@contextlib.contextmanager
def agent(site: Site, config: Path) -> Iterator[Callable[[], dict[str, Any] | None]]:
    """An agent at work; what is yielded tells its newest state, or None while there is none.

    Raises:
        AgentFailed: (on a look) if it had to be started, and has ended.
    """
    if found(site) is not None:
        yield lambda: found(site)
        return
    with tempfile.TemporaryFile() as log:
        command = [sys.executable, "-m", "edge_agent", str(config), "warning", "text"]
        process = subprocess.Popen(command, stdout=log, stderr=log, **_user(site))  # noqa: S603 - ours
        try:
            yield lambda: _state_of(process, site, log.fileno())
        finally:
            process.terminate()
            try:
                process.wait(STOP_WITHIN)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _state_of(process: subprocess.Popen[bytes], site: Site, log: int) -> dict[str, Any] | None:
    if process.poll() is not None:
        said = os.pread(log, 10_000, 0).decode(errors="replace").strip()
        raise AgentFailed(said or f"the agent ended with exit code {process.returncode}")
    document = found(site)
    return document if document is not None and document.get("pid") == process.pid else None


def _user(site: Site) -> dict[str, Any]:
    """Whom to run it as: root leaves no files that the service could not write later."""
    directory = site.config.outbox_path.parent
    if os.geteuid() != 0 or not directory.exists() or directory.stat().st_uid == 0:
        return {}
    owner = directory.stat()
    ports = [bus.port for bus in site.config.buses if isinstance(bus, PortBus)]
    groups = {port.stat().st_gid for port in ports if port.exists()}
    with contextlib.suppress(KeyError):
        groups |= set(os.getgrouplist(pwd.getpwuid(owner.st_uid).pw_name, owner.st_gid))
    return {"user": owner.st_uid, "group": owner.st_gid, "extra_groups": sorted(groups)}
