"""The API tells what is stored and what is open, to whom it may, and says what is wrong."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from collector.address import Address
from collector.alarms import rules
from collector.alarms.acknowledging import OpenAlarms
from collector.alarms.engine import Engine
from collector.api import application, health
from collector.api.parts import Parts
from collector.api.serving import ApiCannotListen, ApiServer
from collector.api.times import parse, spell
from collector.api.tokens import Role, Tokens
from collector.arrival import Arrival
from collector.config import Api
from collector.ingest.intake import Intake
from collector.ingest.mqtt_settings import MqttSettings
from collector.journal.entry import DeadLetter, Entry
from collector.journal.journal import Journal
from collector.live import Counters, Live
from collector.stores.settings import SqliteSettings
from collector.stores.sqlite import SqliteStore
from parts.processes import free_port
from telemetry.announce import About, Channel, DeviceEntry, Model, Status
from telemetry.envelope import Clock, Device, Envelope
from telemetry.sample import NO_REPLY, OUT_OF_RANGE, Sample
from telemetry.topics import EnvelopeTopic, Lane

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from pathlib import Path

    from fastapi import FastAPI

    from telemetry.sample import Flag, Value

METER = Device("meter-1", "eastron-sdm630", 1, "electricity_meter")
HOUR = 3_600_000
NOW = time.time_ns() // 1_000_000
NOON = NOW // HOUR * HOUR - 24 * HOUR

ABOUT = About(
    version="0.1.0",
    boot="b",
    config="c",
    site="market-street",
    position=(21.0, 105.8),
    models={
        METER.profile: Model(1, METER.measurement, {"voltage_l1": Channel("V", "float")}),
    },
    devices={"meter-1": DeviceEntry(METER.profile, heartbeat=60.0)},
)

RULES = """
schema: alarm-rules/1
rules:
  - id: mains-high
    title: Mains voltage high
    watch: {channel: voltage_l1}
    when: {above: 253, deadband: 2}
    priority: medium
    action: Call the grid operator.
  - id: mains-very-high
    title: Mains voltage very high
    watch: {channel: voltage_l1}
    when: {above: 270}
    priority: high
    action: Switch to battery.
"""


@dataclass
class World:
    """A collector without its broker: what came in is put in by `take`."""

    parts: Parts
    engine: Engine
    app: FastAPI
    http: httpx.AsyncClient
    seq: int = 0

    async def take(
        self, at: int, values: Mapping[str, Value], flags: Mapping[str, Flag] | None = None
    ) -> None:
        """One sample of gw-1's meter-1, through all that a sample goes through."""
        self.seq += 1
        topic = EnvelopeTopic("gw-1", Lane.LIVE, "00000000000000aa", self.seq)
        sample = Sample("meter-1", at, values, flags or {})
        arrival = Arrival(topic, 0, at, Envelope(Clock.SYNCED, (METER,), (sample,)))
        watched = self.engine.watch([arrival], at)
        await self.parts.journal.commit(Entry(watched.transitions, watched.changed))
        self.parts.live.alarm(watched.transitions)
        self.parts.live.see(arrival)
        await self.parts.store.write([arrival])

    async def get(self, path: str, **parameters: object) -> httpx.Response:
        """What the API answers; `start` and `end` are spelt `from` and `to`."""
        names = {"start": "from", "end": "to"}
        given = {names.get(name, name): value for name, value in parameters.items()}
        return await self.http.get(path, params=given)  # type: ignore[arg-type]

    async def series(self, **parameters: object) -> httpx.Response:
        """What `/v1/series` answers about gw-1's meter-1."""
        return await self.get("/v1/series", agent="gw-1", device="meter-1", **parameters)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    (tmp_path / "rules.yaml").write_text(RULES)
    store = SqliteStore(SqliteSettings(path=tmp_path / "samples.db"))
    await store.open()
    async with Journal(tmp_path / "journal.db") as journal:
        engine = Engine(rules.load(tmp_path / "rules.yaml"), await journal.open())
        live = Live()
        tokens = Tokens(tmp_path)
        parts = Parts(
            store=store,
            journal=journal,
            live=live,
            alarms=OpenAlarms(engine, journal, live),
            intake=Intake(MqttSettings(), "b", asyncio.get_running_loop()),
            tokens=tokens,
            broker_restarts=lambda: 3,
            stopping=asyncio.Event(),
        )
        app = application.build(parts)
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app, raise_app_exceptions=False),
            base_url="http://collector",
            headers={"Authorization": f"Bearer {tokens.add('desk', Role.OPERATOR)}"},
        ) as http:
            yield World(parts, engine, app, http)
    await store.close()


async def test_series_are_what_was_stored(world: World) -> None:
    world.parts.live.hear("gw-1", ABOUT, NOON)
    await world.take(NOON, {"voltage_l1": 230.1})
    await world.take(NOON + 1000, {"voltage_l1": 230.2})

    answer = await world.series(start=spell(NOON), end=spell(NOON + HOUR), channel="voltage_l1")

    assert answer.status_code == 200
    assert answer.json() == [
        {
            "agent": "gw-1",
            "device": "meter-1",
            "profile": "eastron-sdm630",
            "measurement": "electricity_meter",
            "channel": "voltage_l1",
            "unit": "V",
            "points": [
                {"at": spell(at), "value": value, "flag": None, "count": 1, "completeness": None}
                for at, value in ((NOON, 230.1), (NOON + 1000, 230.2))
            ],
        }
    ]


async def test_buckets_say_how_complete_they_are(world: World) -> None:
    world.parts.live.hear("gw-1", ABOUT, NOON)
    for minute in (0, 1, 2, 10, 11):
        await world.take(NOON + minute * 60_000, {"voltage_l1": 230.0 + minute})

    answer = await world.series(
        start=spell(NOON), end=spell(NOON + 1_200_000), agg="mean", every="10min"
    )

    points = answer.json()[0]["points"]
    assert [(p["value"], p["count"], p["completeness"]) for p in points] == [
        (231.0, 3, 0.3),
        (240.5, 2, 0.2),
    ]


async def test_doubted_values_come_with_their_flags_when_all_are_asked_for(world: World) -> None:
    await world.take(NOON, {"voltage_l1": 999.0}, {"voltage_l1": OUT_OF_RANGE})

    good = await world.series(start=spell(NOON), end=spell(NOON + HOUR))
    whole = await world.series(start=spell(NOON), end=spell(NOON + HOUR), quality="all")

    assert [point for one in good.json() for point in one["points"]] == []
    point = whole.json()[0]["points"][0]
    assert (point["value"], point["flag"]) == (999.0, "suspect:out_of_range")


async def test_too_many_points_are_refused_with_a_width_that_fits(world: World) -> None:
    for second in range(5):
        await world.take(NOON + second * 1000, {"voltage_l1": 230.0})

    answer = await world.series(start=spell(NOON), end=spell(NOON + HOUR), limit=4)

    assert answer.status_code == 413
    assert answer.json()["detail"] == (
        "more than 4 points of voltage_l1; ask for a shorter range, "
        "or for buckets: agg=mean&every=15min"
    )


async def test_the_latest_values_come_with_their_flags_and_units(world: World) -> None:
    world.parts.live.hear("gw-1", ABOUT, NOON)
    await world.take(NOON, {"voltage_l1": 230.1}, {"frequency": NO_REPLY})

    answer = await world.get("/v1/latest", agent="gw-1")

    assert answer.json() == [
        {
            "agent": "gw-1",
            "device": "meter-1",
            "at": spell(NOON),
            "values": {"voltage_l1": 230.1},
            "flags": {"frequency": "missing:no_reply"},
            "units": {"voltage_l1": "V"},
        }
    ]


async def test_gateways_tell_how_they_are(world: World) -> None:
    world.parts.live.hear("gw-1", ABOUT, NOON)
    world.parts.live.hear("gw-1", Status(online=True, boot="b"), NOON + 1)

    answer = await world.get("/v1/gateways")

    assert answer.json() == [
        {
            "agent": "gw-1",
            "status": "online",
            "last_seen": spell(NOON + 1),
            "clock": None,
            "version": "0.1.0",
            "site": "market-street",
            "position": [21.0, 105.8],
            "backlog": None,
            "devices": ["meter-1"],
        }
    ]


async def test_the_catalogue_names_what_is_stored(world: World) -> None:
    await world.take(NOON, {"voltage_l1": 230.1})

    answer = await world.get("/v1/catalogue")

    assert [(e["agent"], e["device"], e["channels"]) for e in answer.json()] == [
        ("gw-1", "meter-1", ["voltage_l1"])
    ]


async def test_open_alarms_stand_with_the_most_urgent_first(world: World) -> None:
    await world.take(NOW, {"voltage_l1": 280.0})

    answer = await world.get("/v1/alarms")

    assert [(a["rule"], a["state"], a["priority"]) for a in answer.json()] == [
        ("mains-very-high", "unacked-active", "high"),
        ("mains-high", "unacked-active", "medium"),
    ]


@pytest.mark.parametrize(
    ("parameters", "rules_shown"),
    [
        ({"priority": "high"}, ["mains-very-high"]),
        ({"state": "unacked-normal"}, ["mains-very-high"]),
        ({"state": ["acked-active", "unacked-active"]}, ["mains-high"]),
        ({"agent": "gw-2"}, []),
    ],
)
async def test_alarms_can_be_filtered(
    world: World, parameters: dict[str, object], rules_shown: list[str]
) -> None:
    await world.take(NOW - 1000, {"voltage_l1": 280.0})
    await world.take(NOW, {"voltage_l1": 260.0})

    answer = await world.get("/v1/alarms", **parameters)

    assert [alarm["rule"] for alarm in answer.json()] == rules_shown


async def raise_one(world: World, at: int = NOW) -> str:
    await world.take(at, {"voltage_l1": 260.0})
    return str((await world.get("/v1/alarms")).json()[0]["occurrence"])


async def test_an_acknowledgement_is_journalled_under_the_tokens_name(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    occurrence = await raise_one(world)
    caplog.set_level(logging.INFO, "collector")

    answer = await world.http.post(f"/v1/alarms/{occurrence}/ack", json={"comment": "on my way"})

    assert answer.status_code == 200
    assert answer.json()["alarm"]["state"] == "acked-active"
    journal = (await world.get("/v1/alarms/journal")).json()
    assert [(t["kind"], t["who"], t["comment"]) for t in journal["transitions"]] == [
        ("raised", "", ""),
        ("acknowledged", "desk", "on my way"),
    ]
    assert caplog.messages == [f"audit: desk acknowledged {occurrence}: 'on my way'"]


async def test_to_acknowledge_again_changes_nothing(world: World) -> None:
    occurrence = await raise_one(world)
    for _ in range(2):
        answer = await world.http.post(f"/v1/alarms/{occurrence}/ack", json={})
        assert answer.status_code == 200
    await world.take(NOW + 1000, {"voltage_l1": 230.0})

    closed = await world.http.post(f"/v1/alarms/{occurrence}/ack", json={})

    assert closed.status_code == 200
    assert closed.json()["alarm"] is None
    kinds = [step["kind"] for step in closed.json()["transitions"]]
    assert kinds == ["raised", "acknowledged", "returned"]


async def test_a_superseded_occurrence_cannot_be_acknowledged(world: World) -> None:
    occurrence = await raise_one(world)
    await world.take(NOW + 1000, {"voltage_l1": 230.0})
    await world.take(NOW + 2000, {"voltage_l1": 260.0})

    answer = await world.http.post(f"/v1/alarms/{occurrence}/ack", json={})

    assert answer.status_code == 409
    assert "superseded" in answer.json()["detail"]


async def test_the_journal_is_read_in_pages(world: World) -> None:
    await raise_one(world)
    await world.take(NOW + 1000, {"voltage_l1": 230.0})

    first = (await world.get("/v1/alarms/journal", limit=1)).json()
    second = (await world.get("/v1/alarms/journal", after=first["next"])).json()
    third = (await world.get("/v1/alarms/journal", after=second["next"])).json()

    assert [t["kind"] for t in first["transitions"]] == ["raised"]
    assert [t["kind"] for t in second["transitions"]] == ["returned"]
    assert third == {"next": second["next"], "transitions": []}


async def test_dead_letters_tell_their_reason(world: World) -> None:
    letter = DeadLetter("gw-1", "00000000000000aa", 7, "meter-1", NOON, "{}", "from the future")
    await world.parts.journal.commit(Entry(dead_letters=[letter]))

    page = (await world.get("/v1/dead-letters")).json()

    assert page["total"] == 1
    assert page["dead_letters"][0]["reason"] == "from the future"


PATHS = [
    "/v1/series",
    "/v1/latest",
    "/v1/gateways",
    "/v1/catalogue",
    "/v1/alarms",
    "/v1/alarms/journal",
    "/v1/alarms/9f86d081884c7d65",
    "/v1/dead-letters",
    "/v1/stream",
    "/metrics",
]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("header", [None, "Bearer wrong", "Basic Zm9vOmJhcg==", "Bearer"])
async def test_without_a_token_nothing_is_told(world: World, path: str, header: str | None) -> None:
    del world.http.headers["Authorization"]

    answer = await world.http.get(path, headers={"Authorization": header} if header else None)

    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert_problem(answer)


def test_every_path_but_healthz_is_in_the_list_that_needs_a_token() -> None:
    described = {route.path for route in _routes()}

    asked_with_get = {path for path in described if not path.endswith("/ack")}
    shown = {path.replace("9f86d081884c7d65", "{occurrence}") for path in PATHS}
    assert asked_with_get == shown | {"/healthz"}


def _routes() -> list[Any]:
    return [route for router in application.ROUTERS for route in router.routes]


async def test_a_viewer_may_look_and_not_act(world: World) -> None:
    occurrence = await raise_one(world)
    viewer = world.parts.tokens.add("screen", Role.VIEWER)
    world.http.headers["Authorization"] = f"Bearer {viewer}"

    looked = await world.get(f"/v1/alarms/{occurrence}")
    acted = await world.http.post(f"/v1/alarms/{occurrence}/ack", json={})

    assert looked.status_code == 200
    assert acted.status_code == 403
    assert_problem(acted)


def assert_problem(answer: httpx.Response) -> None:
    assert answer.headers["content-type"] == "application/problem+json"
    document = answer.json()
    assert document["status"] == answer.status_code
    assert document["title"]
    assert document["detail"]


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        ("/v1/nothing", 404, "/v1/nothing"),
        ("/v1/alarms/xyz", 422, "occurrence"),
        ("/v1/alarms/0000000000000000", 404, "no alarm"),
        ("/v1/series?agent=gw-1&device=m", 422, "from"),
        ("/v1/series?agent=gw-1&device=m&from=2026-11-22T00:00:00&to=now", 422, "offset"),
        ("/v1/series?agent=gw-1&device=m&from=2026-11-22T00:00Z&to=2026-11-21T00:00Z", 400, "ran"),
        ("/v1/series?agent=GW&device=m&from=2026-11-22T00:00Z&to=2026-11-23T00:00Z", 400, "GW"),
        ("/v1/series?agent=g&device=m&from=1900-01-01T00:00Z&to=2026-11-23T00:00Z", 400, "range"),
        (
            "/v1/series?agent=g&device=m&from=2026-11-22T00:00Z&to=2026-11-23T00:00Z&every=60",
            422,
            "every",
        ),
        ("/v1/alarms?priority=urgent", 422, "priority"),
        ("/v1/alarms/journal?after=-1", 422, "after"),
    ],
)
async def test_what_cannot_be_answered_is_a_problem_that_says_why(
    world: World, path: str, status: int, words: str
) -> None:
    answer = await world.http.get(path)

    assert answer.status_code == status
    assert_problem(answer)
    assert words in answer.json()["detail"]


async def test_a_store_that_does_not_answer_is_told_as_503(world: World, tmp_path: Path) -> None:
    away = SqliteStore(SqliteSettings(path=tmp_path / "away.db"))
    world.app.state.parts = replace(world.parts, store=away)

    answer = await world.get("/v1/catalogue")

    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "10"
    assert_problem(answer)
    await away.close()


async def test_a_bug_is_told_without_its_traceback(world: World) -> None:
    world.app.state.parts = None

    answer = await world.get("/v1/catalogue")

    assert answer.status_code == 500
    assert_problem(answer)
    assert "Traceback" not in answer.text


async def test_health_needs_no_token_and_says_what_is_down(world: World) -> None:
    del world.http.headers["Authorization"]

    answer = await world.http.get("/healthz")

    assert answer.status_code == 503
    assert answer.json() == {"status": "down", "broker": "down", "store": "up"}


async def test_metrics_tell_every_counter(world: World) -> None:
    world.parts.live.hear("gw-1", Status(online=True, boot="b"), NOON)
    world.parts.live.counters.samples = 17
    await raise_one(world)

    text = (await world.get("/metrics")).text

    assert "collector_samples_total 17\n" in text
    assert "collector_broker_restarts_total 3\n" in text
    assert 'collector_gateway_online{agent="gw-1"} 1\n' in text
    assert 'collector_open_alarms{priority="medium"} 1\n' in text


def test_every_counter_has_its_help() -> None:
    assert set(health.COUNTED) == set(Counters.__dataclass_fields__)


async def test_every_path_is_described_with_an_example_or_a_schema(world: World) -> None:
    document = (await world.http.get("/openapi.json")).json()

    for path, methods in document["paths"].items():
        for method, described in methods.items():
            assert described["summary"], f"{method} {path}"
            assert described["responses"]["200"]["content"], f"{method} {path}"
    assert document["components"]["schemas"]["SeriesOut"]["example"]


@contextlib.asynccontextmanager
async def served(world: World) -> AsyncIterator[str]:
    """The API on a real socket; its address."""
    port = free_port()
    server = ApiServer(application.build(world.parts), Api(listen=Address("127.0.0.1", port)))
    task = asyncio.create_task(server.run())
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        world.parts.stopping.set()
        server.stop()
        await task


async def test_the_stream_tells_samples_and_alarms_as_they_come(world: World) -> None:
    async with (
        served(world) as url,
        httpx.AsyncClient(headers=world.http.headers, timeout=30) as http,
        http.stream("GET", f"{url}/v1/stream", params={"agent": "gw-1"}) as answer,
    ):
        lines = answer.aiter_lines()
        assert await anext(lines) == ": connected"
        await until_followed(world.parts.live)

        await world.take(NOW, {"voltage_l1": 260.0})

        events = [await next_event(lines) for _ in range(2)]
        assert {name for name, _ in events} == {"sample", "alarm"}
        told = dict(events)
        assert told["sample"]["values"] == {"voltage_l1": 260.0}
        assert told["alarm"]["kind"] == "raised"


async def test_a_stream_ends_with_the_collector(world: World) -> None:
    async with httpx.AsyncClient(headers=world.http.headers, timeout=30) as http:
        async with served(world) as url:
            request = http.build_request("GET", f"{url}/v1/stream")
            answer = await http.send(request, stream=True)
            lines = answer.aiter_lines()
            await anext(lines)

        assert [line async for line in lines if line.startswith("event")] == []
        await answer.aclose()


async def until_followed(live: Live) -> None:
    for _ in range(600):
        if live._followers:
            return
        await asyncio.sleep(0.05)
    pytest.fail("nobody follows")


async def next_event(lines: AsyncIterator[str]) -> tuple[str, dict[str, Any]]:
    name = ""
    async for line in lines:
        field, _, value = line.partition(": ")
        if field == "event":
            name = value
        elif field == "data":
            return name, json.loads(value)
    pytest.fail("the stream ended")


async def test_an_address_in_use_is_told_at_once(world: World) -> None:
    async with served(world) as url:
        port = int(url.rpartition(":")[2])

        with pytest.raises(ApiCannotListen, match="Address already in use"):
            ApiServer(application.build(world.parts), Api(listen=Address("127.0.0.1", port)))


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("1970-01-01T07:00:00.001+07:00", 1),
        ("1970-01-01T07:00:00.001 07:00", 1),
        ("2026-11-22T06:00:00.123Z", 1_795_327_200_123),
    ],
)
def test_times_are_read_with_their_offset(text: str, at: int) -> None:
    assert parse(text) == at


def test_times_are_told_in_utc_to_the_millisecond() -> None:
    assert spell(1_795_327_200_123) == "2026-11-22T06:00:00.123Z"


@pytest.mark.parametrize("path", ["/v1/alarms/journal", "/v1/dead-letters"])
async def test_a_page_that_no_store_can_number_is_refused(world: World, path: str) -> None:
    answer = await world.get(path, after=2**63)

    assert answer.status_code == 422
    assert "query.after" in answer.json()["detail"]
