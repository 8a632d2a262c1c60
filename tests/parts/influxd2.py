"""An InfluxDB 2 of one's own, if there is a program for it: INFLUXD2 names it, or PATH has it."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import urllib.request
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from parts.processes import free_port, running

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ORG = "city"
ADMIN_TOKEN = "only-for-this-test"  # noqa: S105 - of a server that ends with the test


@dataclass(frozen=True)
class Influxd2:
    """A running server, with its administrator's token."""

    url: str
    admin_token: str = ADMIN_TOKEN
    org: str = ORG


def find_influxd2() -> str | None:
    """The program of InfluxDB 2, if there is one."""
    for path in (os.environ.get("INFLUXD2"), shutil.which("influxd")):
        if path:
            told = subprocess.run([path, "version"], capture_output=True, text=True, check=False)
            if "InfluxDB v2." in told.stdout or "InfluxDB 2." in told.stdout:
                return path
    return None


@contextlib.contextmanager
def influxd2(directory: Path) -> Iterator[Influxd2]:
    """A running InfluxDB 2 with an administrator, or the test is skipped."""
    program = find_influxd2()
    if program is None:
        # no package has it, so that it may lack where all others must be there
        pytest.skip("no influxd of version 2: set INFLUXD2 to its path")
    port = free_port()
    command = [
        program,
        f"--http-bind-address=127.0.0.1:{port}",
        f"--bolt-path={directory / 'influxd.bolt'}",
        f"--engine-path={directory / 'engine'}",
        f"--sqlite-path={directory / 'influxd.sqlite'}",
        "--reporting-disabled",
    ]
    with running(command, port=port, log=directory / "influxd2.log"):
        server = Influxd2(f"http://127.0.0.1:{port}")
        _onboard(server)
        yield server


def _onboard(server: Influxd2) -> None:
    wanted = {
        "username": "admin",
        "password": "only-for-this-test",
        "org": server.org,
        "bucket": "first",
        "token": server.admin_token,
    }
    request = urllib.request.Request(  # noqa: S310 - our own loopback address
        f"{server.url}/api/v2/setup",
        data=json.dumps(wanted).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=30):  # noqa: S310 - our own loopback address
        pass
