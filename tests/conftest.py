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


@pytest.fixture
def only_demo() -> Iterator[None]:
    """For who listens at the demonstration's fixed ports: several processes run the tests."""
    with (Path(tempfile.gettempdir()) / "city-telemetry-demo.lock").open("w") as lock:
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
