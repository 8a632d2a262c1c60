"""Promise: a running agent judges, keeps back and counts; what it holds is kept when it stops.

Real processes: simulated devices, and an agent; what it would send is read from its outbox.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
from typing import TYPE_CHECKING, Any

import pytest

from parts.site import METER, AgentProcess, simulated_street
from telemetry.envelope import unpack
from telemetry.sample import FLAT_LINE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from telemetry.sample import Sample

pytestmark = pytest.mark.system


@contextlib.contextmanager
def running(directory: Path, meter: dict[str, Any], **config: object) -> Iterator[AgentProcess]:
    """An agent that reads a meter of 230.5 V, and has nobody to send to."""
    with simulated_street(directory) as street:
        device = METER | {"bus": "cabinet"} | meter
        buses = [bus for bus in street.buses if bus["id"] == "cabinet"]
        agent = AgentProcess(directory, {"buses": buses, "devices": [device], **config})
        agent.start()
        try:
            yield agent
        finally:
            agent.kill()


def kept(agent: AgentProcess, device: str) -> list[Sample]:
    """A device's samples in the outbox."""
    with contextlib.closing(sqlite3.connect(agent.outbox)) as db:
        payloads = [row[0] for row in db.execute("SELECT payload FROM batches ORDER BY seq")]
    samples = (sample for payload in payloads for sample in unpack(payload).samples)
    return [sample for sample in samples if sample.device == device]


def count(agent: AgentProcess, name: str) -> int:
    """A counter of the meter, as last told."""
    told = [sample.values[name] for sample in kept(agent, "meter-1-health")]
    return int(told[-1]) if told else 0


def test_what_does_not_change_is_kept_back_and_counted(tmp_path: Path) -> None:
    with running(tmp_path, {"interval": "100ms", "report": "changes", "heartbeat": "1h"}) as agent:
        agent.until(lambda: count(agent, "unsent") > 10, "value kept back")
        agent.stop()

        samples = kept(agent, "meter-1")

    assert [s.values["voltage"] for s in samples if "voltage" in s.values] == [230.5]


def test_a_sensor_that_stands_still_is_doubted_and_counted(tmp_path: Path) -> None:
    still = {"voltage": {"tests": {"flat": {"for": "300ms"}}}}
    with running(tmp_path, {"interval": "100ms", "channels": still}) as agent:
        agent.until(lambda: count(agent, "suspect_flat_line") > 0, "doubt")
        agent.stop()

        told = [sample.flags.get("voltage") for sample in kept(agent, "meter-1")]

    assert told[0] is None
    assert FLAT_LINE in told


def test_what_waits_for_a_next_reading_is_kept_when_the_agent_stops(tmp_path: Path) -> None:
    spiky = {"voltage": {"tests": {"spike": 50}}}
    meter = {"interval": "20s", "channels": spiky}
    with running(tmp_path, meter, vitals={"interval": 0}) as agent:
        state = tmp_path / "status.json"
        agent.until(lambda: json.loads(state.read_text())["samples_read"] > 0, "sample")
        assert kept(agent, "meter-1") == []

        assert agent.stop() == 0

        assert [sample.values["voltage"] for sample in kept(agent, "meter-1")] == [230.5]
