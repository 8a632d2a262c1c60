"""Promise: what is kept back was no news, and what is doubted is kept and pages nobody.

Real processes: an agent, a collector. The devices are the tests' own: one says the same
until it is told otherwise, the other another row of values at each poll.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from parts.collector import collector
from parts.plug import answering_at
from parts.rtu_slave import REQUEST_BYTES, RtuSlave, framed, rtu_slave
from parts.site import agent

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from parts.collector import CollectorProcess
    from parts.site import AgentProcess

pytestmark = pytest.mark.system

HOUR = timedelta(hours=1)
BEFORE, AFTER = 10.0, 20.0
"""What the water main carries, before it changes and after."""


def rule(channel: str, **when: object) -> str:
    """A rule named after its channel; `when` may have the delays of a rule."""
    delays = {name: when.pop(name) for name in ("on_delay", "max_gap") if name in when}
    entry = {
        "id": channel.replace("_", "-"),
        "title": channel,
        "watch": {"channel": channel},
        "when": when,
        "priority": "low",
        "action": "None.",
    }
    return yaml.safe_dump([entry | delays])


def rules(*entries: str) -> str:
    """A rules file."""
    return "schema: alarm-rules/1\nrules:\n" + "".join(entries)


@dataclass(frozen=True)
class City:
    """All of it, running."""

    gateway: AgentProcess
    centre: CollectorProcess

    def series(self, device: str, channel: str, **more: str) -> list[dict[str, Any]]:
        """What the store has of it."""
        now = datetime.now(UTC)
        between = {"from": (now - HOUR).isoformat(), "to": (now + HOUR).isoformat()}
        asked = {"agent": "gw-1", "device": device, "channel": channel} | between | more
        found = self.centre.get("/v1/series", **asked)
        return [point for one in found for point in one["points"]]

    def raised(self) -> set[str]:
        """The rules of which there ever was an alarm."""
        journal = self.centre.get("/v1/alarms/journal")["transitions"]
        return {step["rule"] for step in journal if step["kind"] == "raised"}

    def polls(self, device: str) -> int:
        """How often it has answered."""
        return int(self.gateway.device(device)["replies"])


@pytest.fixture
def places(tmp_path: Path) -> Path:
    """A directory with one for each process."""
    for name in ("gateway", "centre", "profiles"):
        (tmp_path / name).mkdir()
    return tmp_path


# report by exception


DELAYED = rules(rule("flow", above=BEFORE - 5, on_delay="3s", max_gap="4s"))


@pytest.fixture
def main(places: Path) -> Iterator[RtuSlave]:
    """A water main whose flow is the tests' to change."""
    with rtu_slave(places / "ttyS0", {2: {0: 0, 1: round(BEFORE * 100), 2: 420, 3: 0, 4: 7}}) as on:
        yield on


@pytest.fixture
def quiet(places: Path, main: RtuSlave) -> Iterator[City]:
    """The main is read by two names: with a heartbeat of 2 s, and of an hour."""
    bus = {"id": "line", "transport": "modbus-rtu", "port": str(main.port), "baud": 115_200}
    read = {"bus": "line", "unit": 2, "profile": "water-main-flow", "interval": "100ms"}
    changes = {"report": "changes"}
    devices = [
        read | changes | {"id": "main-1", "heartbeat": "2s"},
        read | changes | {"id": "main-2", "heartbeat": "1h"},
    ]
    with (
        agent(places / "gateway", {"buses": [bus], "devices": devices}) as gateway,
        collector(places / "centre", DELAYED) as centre,
    ):
        gateway.enrol(centre)
        gateway.start()
        yield City(gateway, centre)
        assert gateway.stop() == 0


def test_what_does_not_change_is_heard_of_each_heartbeat_and_what_changes_at_once(
    quiet: City, main: RtuSlave
) -> None:
    def latest() -> list[float]:
        return [point["value"] for point in quiet.series("main-1", "flow")][-1:]

    quiet.centre.until(lambda: "flow" in quiet.raised(), "alarm after a delay without changes")
    polls, rows = quiet.polls("main-1"), quiet.series("main-1", "pressure")
    told = {"from": rows[0]["at"], "to": rows[-1]["at"]}
    (all_of_it,) = quiet.series("main-1", "pressure", agg="count", **told)
    before = quiet.series("main-2", "flow")
    main.units[2][1] = round(AFTER * 100)
    quiet.centre.until(lambda: latest() == [AFTER], "the change")
    quiet.centre.until(lambda: len(quiet.series("main-2", "flow")) > len(before), "the change")

    assert polls > 5 * len(rows)
    assert all_of_it["completeness"] > 0.9
    assert [point["value"] for point in quiet.series("main-2", "flow")] == [BEFORE, AFTER]
    assert [point["value"] for point in quiet.series("main-2", "pressure")] == [4.2]


def test_the_first_values_after_a_crash_are_sent_though_nothing_has_changed(quiet: City) -> None:
    quiet.centre.until(lambda: bool(quiet.series("main-2", "volume")), "first values")
    quiet.gateway.until(lambda: quiet.polls("main-2") > 20, "polls")
    (first,) = quiet.series("main-2", "volume")

    quiet.gateway.kill()
    quiet.gateway.start()
    quiet.centre.until(lambda: len(quiet.series("main-2", "volume")) > 1, "first values anew")
    again = quiet.series("main-2", "volume")

    assert [point["value"] for point in again] == [7, 7]
    assert again[0] == first
    latest = quiet.centre.get("/v1/latest", device="main-2")
    assert latest[0]["values"] == {"flow": BEFORE, "pressure": 4.2, "volume": 7}


# doubts


LIMIT, USUAL, HIGH = 253, 230, 290
PROFILE = """
schema: device-profile/1
id: probe
revision: 1
title: A probe that errs
class: test
measurement: probe
sources: [{own: made for tests}]
groups: {all: {interval: 500ms}}
defaults: {table: holding, type: u16, group: all}
channels:
  - {id: plain, address: 0}
  - {id: ranged, address: 1, range: [0, 280]}
  - {id: fast, address: 2, tests: {rate: 20}}
  - {id: spiky, address: 3, tests: {spike: 40}}
  - {id: total, address: 4, kind: counter}
  - {id: lasting, address: 5}
  - {id: stuck, address: 6, tests: {flat: {for: 1500ms}}}
examples:
  - {table: holding, address: 0, hex: "0007", values: {plain: 7}, source: computed}
"""
ERR_ONCE = {"ranged": "out_of_range", "fast": "rate", "spiky": "spike", "total": "counter_fell"}
HOLDS = {"on_delay": "4s", "max_gap": "10s"}
WATCHED = rules(
    *(rule(channel, above=LIMIT) for channel in ("plain", "ranged", "fast", "spiky")),
    rule("total", below=500),
    *(rule(channel, above=LIMIT, **HOLDS) for channel in ("lasting", "stuck")),
)


@dataclass
class Probe:
    """Unit 1 of a line: a row of registers at each poll; one of the first rows errs."""

    polls: int = 0
    _begun: bytes = b""

    def answer(self, data: bytes) -> bytes:
        """What it says to these bytes; nothing until the request is whole."""
        self._begun += data
        if len(self._begun) < REQUEST_BYTES:
            return b""
        self._begun = b""
        errs = self.polls == ERRS_AT
        reading = HIGH if errs else USUAL
        total = 3 if errs else 1000 + self.polls
        self.polls += 1
        row = struct.pack(">7H", *[reading] * 4, total, HIGH, HIGH)
        return framed(bytes([1, 3, len(row)]) + row)


ERRS_AT = 3
"""Which poll, from 0."""


@pytest.fixture
def doubtful(places: Path) -> Iterator[City]:
    """A probe."""
    (places / "profiles/probe.yaml").write_text(PROFILE)
    with (
        answering_at(places / "ttyS0", Probe().answer) as plug,
        collector(places / "centre", WATCHED) as centre,
    ):
        site = {
            "profiles_dir": str(places / "profiles"),
            "buses": [{"id": "line", "transport": "modbus-rtu", "port": str(plug.link)}],
            "devices": [{"id": "probe-1", "bus": "line", "profile": "probe", "heartbeat": "1s"}],
        }
        with agent(places / "gateway", site) as gateway:
            gateway.enrol(centre)
            gateway.start()
            yield City(gateway, centre)
            assert gateway.stop() == 0


def test_what_a_test_doubts_is_stored_beside_the_good_and_raises_no_alarm(doubtful: City) -> None:
    wanted = {"plain", "lasting"}
    doubtful.centre.until(lambda: wanted <= doubtful.raised(), "alarms of what nobody doubts")
    doubtful.centre.until(lambda: len(doubtful.series("probe-1", "spiky")) > ERRS_AT + 1, "values")

    assert doubtful.raised() == wanted
    for channel, reason in ERR_ONCE.items():
        points = doubtful.series("probe-1", channel, quality="all")
        flags = [point["flag"] for point in points]
        assert flags.index(f"suspect:{reason}") == ERRS_AT
        assert flags.count(None) == len(flags) - 1
        assert points[ERRS_AT]["value"] == (3 if channel == "total" else HIGH)
        good = [point["value"] for point in doubtful.series("probe-1", channel)]
        assert points[ERRS_AT]["value"] not in good
    still = [point["flag"] for point in doubtful.series("probe-1", "stuck", quality="all")]
    assert still[0] is None
    assert set(still[still.index("suspect:flat_line") :]) == {"suspect:flat_line"}
