"""Real parts as fixtures: see `parts`."""

from __future__ import annotations

import fcntl
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from parts.influxd import Influxd, influxd
from parts.mosquitto import Mosquitto, mosquitto

if TYPE_CHECKING:
    from collections.abc import Iterator

AT_FIXED_PORTS = ("test_demo", "test_demo_start", "test_simulate_scenario", "test_technician_way")
"""Files whose processes listen where the demonstration does: one after the other."""


@pytest.fixture(scope="module", autouse=True)
def _alone_at_fixed_ports(request: pytest.FixtureRequest) -> Iterator[None]:
    """Several processes run the tests; only one at a time may hold such ports."""
    if request.path.stem not in AT_FIXED_PORTS:
        yield
        return
    with (Path(tempfile.gettempdir()) / "city-telemetry-fixed-ports.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@pytest.fixture
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mosquitto]:
    """A mosquitto that keeps nothing."""
    with mosquitto(tmp_path_factory.mktemp("mosquitto")) as running:
        yield running


@pytest.fixture(scope="session")
def influx_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Influxd]:
    """One InfluxDB 1.6 for the whole run; a test makes a database of its own."""
    with influxd(tmp_path_factory.mktemp("influxd")) as running:
        yield running
