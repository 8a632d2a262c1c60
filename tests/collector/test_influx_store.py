"""The promise: stored is what InfluxDB surely has, and a bad line blocks no good one."""

from __future__ import annotations

import base64
import contextlib
import itertools
import json
import time
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from collector.stores import Store, StoreUnavailable
from collector.stores.adapters import STORES
from collector.stores.influx import InfluxStore
from collector.stores.influx_init import Admin, initialise
from collector.stores.influx_send import MAX_LINES
from collector.stores.query import HOUR, Aggregate, Query
from collector.stores.settings import DAY, InfluxSettings, Retention
from parts.arrivals import METER, arrival, sample
from parts.influxd import influxd
from parts.processes import free_port
from parts.scripted_http import Answer, Asked, ScriptedServer, scripted_http
from telemetry import settings as files
from telemetry.settings import Settings, SettingsError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from pathlib import Path

    from parts.influxd import Influxd
    from telemetry.sample import Sample

NOW = time.time_ns() // 1_000_000
T0 = (NOW - HOUR) // HOUR * HOUR
_numbers = itertools.count()


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with scripted_http(lambda _: Answer(204)) as running:
        yield running


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    path = tmp_path / "secret"
    path.touch(0o600)
    path.write_text("s3cret\n")
    return path


@pytest.fixture(params=[1, 2, 3])
def config(request: pytest.FixtureRequest, server: ScriptedServer, secret: Path) -> InfluxSettings:
    """The scripted server, taken for each version."""
    return InfluxSettings(
        version=request.param,
        url=server.url,
        org="city" if request.param == 2 else "",
        username="collector" if request.param == 1 else "",
        secret_file=secret,
        timeout=0.5,
    )


@contextlib.asynccontextmanager
async def opened(config: InfluxSettings) -> AsyncIterator[InfluxStore]:
    store = InfluxStore(config)
    await store.open()
    try:
        yield store
    finally:
        await store.close()


def _tell(path: Path, secret: str, mode: int = 0o600) -> None:
    path.write_text(secret)
    path.chmod(mode)


def _samples(count: int) -> list[Sample]:
    return [sample(T0 + n, {"power": float(n)}) for n in range(count)]


async def test_lines_go_where_the_version_wants_them(
    server: ScriptedServer, config: InfluxSettings
) -> None:
    async with opened(config) as store:
        await store.write([arrival(_samples(2), at=NOW)])

    (asked,) = server.asked
    head = "electricity_meter,agent=agent-1,device=meter-1,profile=acme-1 power="
    assert asked.body.decode().splitlines() == [f"{head}0.0 {T0}", f"{head}1.0 {T0 + 1}"]
    assert "content-encoding" not in asked.headers
    if config.version == 1:
        basic = base64.b64encode(b"collector:s3cret").decode()
        assert (asked.path, asked.headers["authorization"]) == ("/write", f"Basic {basic}")
        assert asked.params == {"db": "telemetry", "rp": "raw", "precision": "ms"}
    else:
        assert (asked.path, asked.headers["authorization"]) == ("/api/v2/write", "Token s3cret")
        assert (asked.params["bucket"], asked.params["precision"]) == ("telemetry", "ms")


@pytest.mark.parametrize(
    ("answer", "misconfigured", "retry_after"),
    [
        (Answer(429, b'{"message": "slow down"}', {"Retry-After": "7"}), False, 7.0),
        (Answer(503, b"busy", {"Retry-After": "Fri, 31 Dec 1999 23:59:59 GMT"}), False, None),
        (Answer(500, b'{"error": "timeout"}'), False, None),
        (Answer(401, b'{"code": "unauthorized", "message": "who?"}'), True, None),
        (Answer(403, b'{"error": "not for you"}'), True, None),
        (Answer(404, b'{"error": "database not found"}'), True, None),
        (Answer(200, b"<html>Welcome to the hotel's Wi-Fi</html>"), True, None),
        (Answer(302, b"", {"Location": "/login"}), True, None),
        (Answer(502, b"\xff\xfe not UTF-8"), False, None),
        (Answer(cut=True), False, None),
        (Answer(hang=True), False, None),
    ],
    ids=lambda value: str(value.status) if isinstance(value, Answer) else "",
)
async def test_without_a_204_the_data_are_kept(
    server: ScriptedServer,
    config: InfluxSettings,
    answer: Answer,
    misconfigured: bool,  # noqa: FBT001 - a parameter of the test
    retry_after: float | None,
) -> None:
    server.script = lambda _: answer
    async with opened(config) as store:
        with pytest.raises(StoreUnavailable, match="influxdb") as caught:
            await store.write([arrival(_samples(3), at=NOW)])

        server.script = lambda _: Answer(204)
        written = await store.write([arrival(_samples(3), at=NOW)])

    assert caught.value.misconfigured is misconfigured
    assert caught.value.retry_after == retry_after
    assert written.rejected == ()


async def test_nobody_listens(config: InfluxSettings) -> None:
    gone = config.model_copy(update={"url": f"http://127.0.0.1:{free_port()}"})
    async with opened(gone) as store:
        with pytest.raises(StoreUnavailable) as caught:
            await store.write([arrival(_samples(1), at=NOW)])
        with pytest.raises(StoreUnavailable):
            await store.read(Query(start=T0, end=T0 + HOUR))

    assert not caught.value.misconfigured


@pytest.mark.parametrize("status", [400, 413, 422])
async def test_bad_lines_are_found_and_the_others_stored(
    server: ScriptedServer, config: InfluxSettings, status: int
) -> None:
    bad = {T0 + 3, T0 + 17, T0 + 18}
    stored: set[int] = set()

    def script(asked: Asked) -> Answer:
        times = {int(line.split()[-1]) for line in asked.body.splitlines()}
        if times & bad:
            return Answer(status, json.dumps({"error": "partial write", "message": "bad"}).encode())
        stored.update(times)
        return Answer(204)

    server.script = script
    async with opened(config) as store:
        written = await store.write([arrival(_samples(30), at=NOW)])

    assert {rejected.sample.at for rejected in written.rejected} == bad
    assert {rejected.reason for rejected in written.rejected} == {f"{status} bad"}
    assert stored == {T0 + n for n in range(30)} - bad


async def test_a_server_that_goes_while_bad_lines_are_sought_loses_nothing(
    server: ScriptedServer, config: InfluxSettings
) -> None:
    answers = iter([Answer(400), Answer(204), Answer(503)])
    server.script = lambda _: next(answers)

    async with opened(config) as store:
        with pytest.raises(StoreUnavailable):
            await store.write([arrival(_samples(8), at=NOW)])


async def test_a_large_write_is_cut_into_requests(
    server: ScriptedServer, config: InfluxSettings
) -> None:
    async with opened(config) as store:
        await store.write([arrival(_samples(MAX_LINES + 1), at=NOW)])

    assert [asked.body.count(b"\n") + 1 for asked in server.asked] == [MAX_LINES, 1]


@pytest.mark.parametrize(
    "answer",
    [
        Answer(200, b"<html>"),
        Answer(200, b"{}"),
        Answer(200, b"[]"),
        Answer(200, b'{"results": [{"error": "no such thing"}]}'),
        Answer(200, b'{"results": [{"series": [], "partial": true}]}'),
        Answer(401, b'{"error": "who?"}'),
        Answer(cut=True),
    ],
)
async def test_half_an_answer_is_none(
    server: ScriptedServer, config: InfluxSettings, answer: Answer
) -> None:
    server.script = lambda _: answer
    async with opened(config) as store:
        for ask in (lambda: store.read(Query(start=T0, end=T0 + HOUR)), store.catalogue):
            with pytest.raises(StoreUnavailable):
                await ask()


async def test_a_changed_secret_is_taken_when_it_is_opened_again(
    server: ScriptedServer, config: InfluxSettings, secret: Path
) -> None:
    async with opened(config) as store:
        _tell(secret, "renewed")
        await store.open()
        await store.write([arrival(_samples(1), at=NOW)])

    told = server.asked[0].headers["authorization"]
    assert "renewed" in told or base64.b64encode(b"collector:renewed").decode() in told


async def test_a_file_that_cannot_be_used_is_a_matter_of_configuration(
    config: InfluxSettings, secret: Path, tmp_path: Path
) -> None:
    _tell(secret, "s3cret", mode=0o644)
    stranger = config.model_copy(update={"secret_file": None, "ca_file": tmp_path / "none"})

    for wrong, told in ((config, "others may read"), (stranger, "No such file")):
        store = InfluxStore(wrong)
        with pytest.raises(StoreUnavailable, match=told) as caught:
            await store.open()
        await store.close()
        assert caught.value.misconfigured


async def test_influxdb_3_is_asked_no_more_than_72_hours_at_a_time(
    server: ScriptedServer, secret: Path
) -> None:
    days: list[float] = []

    def script(asked: Asked) -> Answer:
        (text,) = _forms(asked)
        if text.startswith("SHOW"):
            fields = {"name": METER.measurement, "values": [["power", "float"]]}
            return _results([fields] if asked.params["db"] == "telemetry" else [])
        statements = text.split(";\n")
        for statement in statements:
            start, end = (int(word[:-2]) for word in statement.split() if word.endswith("ms"))
            days.append((end - start) / DAY)
        tags = {"agent": "agent-1", "device": "meter-1", "profile": "acme-1"}
        series: dict[str, Any] = {
            "name": METER.measurement,
            "tags": tags,
            "values": [[start, 2, 5]],
        }
        return _results(*[[series] for _ in statements])

    server.script = script
    config = InfluxSettings(version=3, url=server.url, secret_file=secret)
    async with opened(config) as store:
        (series,) = await store.read(Query(start=NOW - 10 * DAY, end=NOW, aggregate=Aggregate.MEAN))

    assert days == [3, 3, 3, 1]
    assert [(point.value, point.count) for point in series.points] == [(5.0, 8)]


def _forms(asked: Asked) -> list[str]:
    from urllib.parse import parse_qs  # noqa: PLC0415 - for this alone

    return parse_qs(asked.body.decode())["q"]


def _results(*answers: list[Any]) -> Answer:
    return Answer(200, json.dumps({"results": [{"series": a} for a in answers]}).encode())


def _v1(server: Influxd) -> InfluxSettings:
    return InfluxSettings(version=1, url=server.url, database=f"store{next(_numbers)}")


texts = st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=30), max_size=20)


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(texts, st.lists(st.floats(allow_nan=False, allow_infinity=False), max_size=20))
async def test_influxdb_gives_back_any_text_and_any_number(
    influx_server: Influxd, text: list[str], numbers: list[float]
) -> None:
    config = _v1(influx_server)
    initialise(config, Admin(""))
    samples = [sample(T0 + n, {"mode": value}) for n, value in enumerate(text)]
    samples += [sample(T0 + n, {"power": value}) for n, value in enumerate(numbers)]
    async with opened(config) as store:
        written = await store.write([arrival(samples, at=NOW)])
        found = {s.channel: s.points for s in await store.read(Query(start=T0, end=T0 + HOUR))}

    assert written.rejected == ()
    assert [point.value for point in found.get("mode", [])] == text
    assert [point.value for point in found.get("power", [])] == numbers


async def test_a_server_that_nobody_prepared_is_a_matter_of_configuration(
    influx_server: Influxd,
) -> None:
    async with opened(_v1(influx_server)) as store:
        with pytest.raises(StoreUnavailable, match="database not found") as caught:
            await store.write([arrival(_samples(1), at=NOW)])

    assert caught.value.misconfigured


def test_preparing_again_brings_retention_in_line(influx_server: Influxd) -> None:
    config = _v1(influx_server)
    first = initialise(config, Admin(""))
    changed = config.model_copy(update={"retention": Retention(raw=500, hourly=1000)})

    again = initialise(changed, Admin(""))

    name = config.database
    assert first[:2] == [f"database {name}", f"retention policy {name}.raw: 400 days"]
    assert again[1:] == [
        f"retention policy {name}.raw: 500 days",
        f"retention policy {name}.hourly: 1000 days",
    ]


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Influxd]:
    """An InfluxDB that asks for passwords, with an administrator."""
    with influxd(tmp_path_factory.mktemp("guarded"), auth=True) as running:
        config = InfluxSettings(version=1, url=running.url)
        from collector.stores.influx_server import open_http, send  # noqa: PLC0415 - to make an administrator

        with open_http(config, None) as http:
            statement = "CREATE USER admin WITH PASSWORD 'adm' WITH ALL PRIVILEGES"
            assert send(http, "POST", "/query", data={"q": statement}).status_code == 200
        yield running


async def test_the_collectors_user_may_use_its_database_and_no_other(
    guarded: Influxd, secret: Path
) -> None:
    _tell(secret, "it's a \\ secret")
    mine = InfluxSettings(
        version=1, url=guarded.url, database="mine", username="collector", secret_file=secret
    )
    other = mine.model_copy(update={"database": "other", "username": "somebody"})
    admin = Admin("adm", "admin")
    for config in (mine, other, mine):
        initialise(config, admin)

    async with opened(mine) as store:
        await store.write([arrival(_samples(3), at=NOW)])
        assert len((await store.read(Query(start=T0, end=T0 + HOUR)))[0].points) == 3
    async with opened(other.model_copy(update={"username": "collector"})) as store:
        with pytest.raises(StoreUnavailable) as caught:
            await store.write([arrival(_samples(1), at=NOW)])
    assert caught.value.misconfigured

    _tell(secret, "forgotten")
    async with opened(mine) as store:
        with pytest.raises(StoreUnavailable, match="401"):
            await store.write([arrival(_samples(1), at=NOW)])


def test_an_administrators_password_that_is_wrong_is_told(guarded: Influxd) -> None:
    config = InfluxSettings(version=1, url=guarded.url)

    with pytest.raises(StoreUnavailable, match="401"):
        initialise(config, Admin("wrong", "admin"))


def _influx2(held: dict[str, list[dict[str, Any]]]) -> Callable[[Asked], Answer]:
    """Enough of the API of InfluxDB 2 to be prepared."""

    def script(asked: Asked) -> Answer:
        assert asked.headers["authorization"] == "Token adm"
        kind = asked.path.split("/")[3]
        if asked.method == "GET":
            wanted = asked.params.get("name") or asked.params.get("org") or asked.params.get("db")
            found = [one for one in held[kind] if wanted in (one.get("name"), one.get("database"))]
            if kind == "buckets" and not found:
                return Answer(404, b'{"code": "not found"}')
            return Answer(200, json.dumps({kind: found, "content": found}).encode())
        document = json.loads(asked.body)
        if asked.method == "PATCH":
            held[kind][-1] |= document
            return Answer(200, b"{}")
        document |= {"id": f"id{len(held[kind])}", "token": "fresh"}
        held[kind].append(document)
        return Answer(201, json.dumps(document).encode())

    return script


def test_influxdb_2_is_prepared_with_a_token_for_two_buckets(
    server: ScriptedServer, tmp_path: Path
) -> None:
    held: dict[str, list[dict[str, Any]]] = {
        "orgs": [{"id": "o1", "name": "city"}],
        "buckets": [],
        "dbrps": [],
        "authorizations": [],
    }
    server.script = _influx2(held)
    token = tmp_path / "token"
    config = InfluxSettings(version=2, url=server.url, org="city", secret_file=token)

    initialise(config, Admin("adm"))
    again = initialise(config, Admin("adm"))

    seconds = {b["name"]: b["retentionRules"][0]["everySeconds"] for b in held["buckets"]}
    assert seconds == {"telemetry": 400 * 86_400, "telemetry_1h": 1830 * 86_400}
    assert {d["database"]: d["bucketID"] for d in held["dbrps"]} == {
        "telemetry": "id0",
        "telemetry_1h": "id1",
    }
    (key,) = held["authorizations"]
    allowed = {
        (p["action"], p["resource"]["type"], p["resource"]["id"]) for p in key["permissions"]
    }
    assert allowed == {(a, "buckets", b) for a in ("read", "write") for b in ("id0", "id1")}
    assert (token.read_text(), token.stat().st_mode & 0o777) == ("fresh\n", 0o600)
    assert again[-1] == f"token: kept the one in {token}"


def test_influxdb_2_without_that_organisation_says_so(
    server: ScriptedServer, tmp_path: Path
) -> None:
    server.script = lambda _: Answer(404, b'{"message": "organization name \\"city\\" not found"}')
    config = InfluxSettings(version=2, url=server.url, org="city", secret_file=tmp_path / "token")

    with pytest.raises(StoreUnavailable, match="organization name"):
        initialise(config, Admin("adm"))


def test_influxdb_3_keeps_a_database_that_is_there(server: ScriptedServer) -> None:
    answers = iter([Answer(200, b"{}"), Answer(409, b'{"error": "exists"}'), Answer(500)])
    server.script = lambda _: next(answers)
    config = InfluxSettings(version=3, url=server.url)

    steps = initialise(config, Admin("adm"))

    assert json.loads(server.asked[0].body) == {"db": "telemetry", "retention_period": "400d"}
    assert server.asked[0].headers["authorization"] == "Bearer adm"
    assert steps == [
        "database telemetry: 400 days",
        "database telemetry_1h: kept (its retention cannot be changed)",
    ]
    with pytest.raises(StoreUnavailable, match="500"):
        initialise(config, Admin("adm"))


class File(Settings):
    """A file with a store in it."""

    store: InfluxSettings


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{url: 'http://h:8086'}", "org and secret_file"),
        ("{url: 'http://h:8086', version: 1, username: u}", "go together"),
        ("{url: 'h:8086', version: 3}", "store.url"),
        ("{url: 'http://h', version: 3, database: 'x\"; DROP'}", "store.database"),
        ("{url: 'http://h', version: 3, retention: {raw: 10, hourly: 5}}", "hourly must be"),
        ("{url: 'http://h', version: 4}", "store.version"),
    ],
)
def test_settings_that_cannot_work_are_told_before_anything_starts(text: str, told: str) -> None:
    with pytest.raises(SettingsError, match=told):
        files.parse(f"store: {text}", File, "collector.yaml")


def test_the_kind_chooses_the_store(config: InfluxSettings) -> None:
    store: Store = STORES[config.kind](config)

    assert isinstance(store, InfluxStore)
