"""Promise: whichever part is killed while data flows, every sample of the outbox is stored once.

Agent, broker and collector are killed with SIGKILL, one at a time, twice each. Afterwards
the store is held against a ledger that SQLite keeps of everything that ever was in the outbox.
"""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest

from parts import ledger
from parts.collector import collector
from parts.mosquitto import mosquitto
from parts.site import agent, simulated_street

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from parts.collector import CollectorProcess
    from parts.site import AgentProcess, Street

pytestmark = pytest.mark.system

KILLS = 2


@pytest.fixture(scope="module")
def street(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Street]:
    with simulated_street(tmp_path_factory.mktemp("street")) as running:
        yield running


@pytest.fixture
def gateway(tmp_path: Path, street: Street) -> Iterator[AgentProcess]:
    """An agent with a ledger, not started yet."""
    config = {"buses": street.buses, "devices": street.devices}
    (tmp_path / "gateway").mkdir()
    with agent(tmp_path / "gateway", config) as made:
        ledger.begin(made.outbox)
        yield made


@pytest.fixture
def centre(tmp_path: Path) -> Iterator[CollectorProcess]:
    """A collector with its own broker."""
    (tmp_path / "centre").mkdir()
    with collector(tmp_path / "centre") as running:
        yield running


def store_of(centre: CollectorProcess) -> Path:
    return centre.data_dir / "samples.db"


def wait_for_more_rows(gateway: AgentProcess, centre: CollectorProcess) -> None:
    enough = ledger.rows_in(store_of(centre)) + 20
    gateway.until(lambda: ledger.rows_in(store_of(centre)) >= enough, "samples in the store")


def kill_twice(gateway: AgentProcess, centre: CollectorProcess, kill: Callable[[], None]) -> None:
    """Each time while samples are stored and others are on their way."""
    for _ in range(KILLS):
        wait_for_more_rows(gateway, centre)
        gateway.until(lambda: gateway.samples_kept() > 0, "samples on their way")
        kill()
    wait_for_more_rows(gateway, centre)


def assert_nothing_is_lost(gateway: AgentProcess, centre: CollectorProcess) -> None:
    gateway.drain()
    ledger.assert_balanced(gateway.outbox, store_of(centre))
    devices = {device for device, _ in ledger.stored(store_of(centre))}
    assert devices > {"water-1", "signal-1", "meter-1", "gateway"}
    assert centre.get("/v1/dead-letters")["dead_letters"] == []
    assert "Traceback" not in gateway.log() + centre.log()


def test_when_the_agent_is_killed(gateway: AgentProcess, centre: CollectorProcess) -> None:
    kept: set[tuple[str, int]] = set()

    def kill() -> None:
        gateway.kill()
        kept.update(ledger.waiting(gateway.outbox))
        gateway.start()

    gateway.enrol(centre)
    gateway.start()
    kill_twice(gateway, centre, kill)

    assert_nothing_is_lost(gateway, centre)
    assert kept
    assert kept <= ledger.stored(store_of(centre)).keys()


def test_when_the_collectors_broker_is_killed(
    gateway: AgentProcess, centre: CollectorProcess
) -> None:
    def kill() -> None:
        old = centre.broker_pid
        os.kill(old, signal.SIGKILL)
        centre.until(lambda: centre.broker_pid != old, "new broker")

    gateway.enrol(centre)
    gateway.start()
    kill_twice(gateway, centre, kill)

    assert_nothing_is_lost(gateway, centre)


def test_when_the_collector_is_killed(gateway: AgentProcess, centre: CollectorProcess) -> None:
    def kill() -> None:
        centre.kill()
        centre.start()

    gateway.enrol(centre)
    gateway.start()
    kill_twice(gateway, centre, kill)

    assert_nothing_is_lost(gateway, centre)


def test_when_a_broker_that_keeps_nothing_is_killed(gateway: AgentProcess, tmp_path: Path) -> None:
    with (
        mosquitto(tmp_path) as broker,
        collector(tmp_path, broker={"external": {"port": broker.port}}) as centre,
    ):

        def kill() -> None:
            broker.kill()
            broker.start()

        gateway.change(uplink={"port": broker.port, "reconnect_max": "1s"})
        gateway.start()
        kill_twice(gateway, centre, kill)

        assert_nothing_is_lost(gateway, centre)
