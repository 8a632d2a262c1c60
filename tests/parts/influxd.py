"""Debian's InfluxDB 1.6, a genuine server for `/write` and `/query`, with its data in a folder."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from parts.processes import free_port, require_program, running

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator
    from pathlib import Path


@dataclass(frozen=True)
class Influxd:
    """A running server."""

    port: int
    process: subprocess.Popen[bytes]

    @property
    def url(self) -> str:
        """Its HTTP address."""
        return f"http://127.0.0.1:{self.port}"


CONFIG = """
reporting-disabled = true
bind-address = "127.0.0.1:{rpc}"
[meta]
dir = "{directory}/meta"
[data]
dir = "{directory}/data"
wal-dir = "{directory}/wal"
[http]
bind-address = "127.0.0.1:{port}"
log-enabled = false
auth-enabled = {auth}
"""


@contextlib.contextmanager
def influxd(directory: Path, *, auth: bool = False, port: int | None = None) -> Iterator[Influxd]:
    """A running InfluxDB 1.6 with an empty data directory, or with what `directory` holds."""
    program = require_program("influxd")
    port = port or free_port()
    config = directory / "influxdb.conf"
    config.write_text(
        CONFIG.format(directory=directory, port=port, rpc=free_port(), auth=str(auth).lower())
    )
    command = [program, "-config", str(config)]
    with running(command, port=port, log=directory / "influxd.log") as process:
        yield Influxd(port, process)
