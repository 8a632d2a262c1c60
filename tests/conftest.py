"""Real parts as fixtures: see `parts`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from parts.influxd import Influxd, influxd
from parts.mosquitto import Mosquitto, mosquitto

if TYPE_CHECKING:
    from collections.abc import Iterator

AT_FIXED_PORTS = ("test_demo", "test_demo_start", "test_simulate_scenario", "test_technician_way")
"""Files whose processes listen where the demonstration does: one after the other."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A file's tests run in one process, and share what they start there."""
    for item in items:
        group = "fixed ports" if item.path.stem in AT_FIXED_PORTS else str(item.path)
        item.add_marker(pytest.mark.xdist_group(group))


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
