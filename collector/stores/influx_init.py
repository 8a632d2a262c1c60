"""Make an InfluxDB server ready for a collector: databases that forget in time, a key that fits.

Each step can be done again: what is there already is kept, what differs is brought in line.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, assert_never

import httpx

from collector.stores import StoreUnavailable
from collector.stores.influx_answers import judge_query, unavailable
from collector.stores.influx_server import POLICIES, database, open_http, send
from collector.stores.query import Source
from telemetry.settings import read_secret

if TYPE_CHECKING:
    from pathlib import Path

    from collector.stores.settings import InfluxSettings, Retention

DESCRIPTION = "collector of city telemetry"
FOUND = 200
MADE = 201
CONFLICT = 409
DAY_SECONDS = 86_400


@dataclass(frozen=True, slots=True)
class Admin:
    """An administrator's key: a password with a user (1.x), or a token alone (2.x, 3)."""

    secret: str
    username: str = ""


def initialise(settings: InfluxSettings, admin: Admin) -> list[str]:
    """Prepare the server; return what was done, a line a step.

    Raises:
        StoreUnavailable: if the server refuses a step, with its words; the steps before it stand.
        telemetry.settings.SettingsError: if the collector's password cannot be read (1.x).
    """
    match settings.version:
        case 1:
            auth = httpx.BasicAuth(admin.username, admin.secret) if admin.username else None
            with open_http(settings, auth) as http:
                return _Version1(settings, http).steps()
        case 2:
            with open_http(settings, _Token("Token", admin.secret)) as http:
                return _Version2(settings, http).steps()
        case 3:
            with open_http(settings, _Token("Bearer", admin.secret)) as http:
                return _make_databases_3(settings, http)
        case _:
            assert_never(settings.version)


class _Token(httpx.Auth):
    def __init__(self, scheme: str, token: str) -> None:
        self._header = f"{scheme} {token}"

    def auth_flow(self, request: httpx.Request) -> Any:  # noqa: ANN401 - httpx's generator of requests
        request.headers["Authorization"] = self._header
        yield request


def _days(retention: Retention, source: Source) -> int:
    return retention.raw if source is Source.RAW else retention.hourly


class _Version1:
    """A database with two retention policies, and a user who may read and write only there."""

    def __init__(self, settings: InfluxSettings, http: httpx.Client) -> None:
        self._settings = settings
        self._http = http

    def steps(self) -> list[str]:
        name = self._settings.database
        self._run(f'CREATE DATABASE "{name}"')
        done = [f"database {name}"]
        held = {row[0] for row in self._rows(f'SHOW RETENTION POLICIES ON "{name}"')}
        for source, policy in POLICIES.items():
            days = _days(self._settings.retention, source)
            verb = "ALTER" if policy in held else "CREATE"
            default = " DEFAULT" if source is Source.RAW else ""
            self._run(
                f'{verb} RETENTION POLICY "{policy}" ON "{name}"'
                f" DURATION {days}d REPLICATION 1{default}"
            )
            done.append(f"retention policy {name}.{policy}: {days} days")
        if self._settings.username and self._settings.secret_file:
            done.append(self._make_user(self._settings.username, self._settings.secret_file))
        return done

    def _make_user(self, user: str, secret_file: Path) -> str:
        password = read_secret(secret_file).replace("\\", "\\\\").replace("'", "\\'")
        if user in {row[0] for row in self._rows("SHOW USERS")}:
            self._run(f"SET PASSWORD FOR \"{user}\" = '{password}'")
        else:
            self._run(f"CREATE USER \"{user}\" WITH PASSWORD '{password}'")
        self._run(f'GRANT ALL ON "{self._settings.database}" TO "{user}"')
        return f"user {user}: may read and write {self._settings.database}, nothing else"

    def _rows(self, statement: str) -> list[list[Any]]:
        return [row for series in self._run(statement) for row in series.get("values", [])]

    def _run(self, statement: str) -> list[dict[str, Any]]:
        answer = send(self._http, "POST", "/query", data={"q": statement})
        return judge_query(answer.status_code, answer.content, None)[0]


class _Version2:
    """Two buckets, InfluxQL's way to them, and a token for these buckets only."""

    def __init__(self, settings: InfluxSettings, http: httpx.Client) -> None:
        self._settings = settings
        self._http = http

    def steps(self) -> list[str]:
        org = self._find_org()
        done: list[str] = []
        buckets: list[str] = []
        for source in Source:
            name = database(self._settings, source)
            days = _days(self._settings.retention, source)
            buckets.append(self._make_bucket(org, name, days))
            done.append(f"bucket {name}: {days} days")
            done.append(self._map(org, name, buckets[-1]))
        done.append(self._make_token(org, buckets))
        return done

    def _find_org(self) -> str:
        found = self._get("/api/v2/orgs", {"org": self._settings.org})["orgs"]
        return str(found[0]["id"])

    def _make_bucket(self, org: str, name: str, days: int) -> str:
        rules = {"retentionRules": [{"type": "expire", "everySeconds": days * DAY_SECONDS}]}
        held = self._get("/api/v2/buckets", {"orgID": org, "name": name}).get("buckets", [])
        if held:
            self._ask("PATCH", f"/api/v2/buckets/{held[0]['id']}", rules)
            return str(held[0]["id"])
        return str(
            self._ask("POST", "/api/v2/buckets", {"orgID": org, "name": name, **rules})["id"]
        )

    def _map(self, org: str, name: str, bucket: str) -> str:
        """InfluxQL finds a bucket by a mapping; since 2.4 every bucket has a virtual one."""
        if self._get("/api/v2/dbrps", {"orgID": org, "db": name}).get("content"):
            return f"InfluxQL finds bucket {name}"
        mapping = {
            "orgID": org,
            "bucketID": bucket,
            "database": name,
            "retention_policy": "autogen",
            "default": True,
        }
        self._ask("POST", "/api/v2/dbrps", mapping)
        return f"InfluxQL finds bucket {name} by a new mapping"

    def _make_token(self, org: str, buckets: list[str]) -> str:
        path = self._settings.secret_file
        assert path is not None  # noqa: S101 - the settings of version 2 have one
        if path.exists() and path.stat().st_size:
            return f"token: kept the one in {path}"
        permissions = [
            {"action": action, "resource": {"type": "buckets", "id": bucket, "orgID": org}}
            for bucket in buckets
            for action in ("read", "write")
        ]
        wanted = {"orgID": org, "description": DESCRIPTION, "permissions": permissions}
        _write_secret(path, str(self._ask("POST", "/api/v2/authorizations", wanted)["token"]))
        return f"token: may read and write these buckets, nothing else; in {path}"

    def _get(self, path: str, params: dict[str, str]) -> Any:  # noqa: ANN401 - JSON
        answer = send(self._http, "GET", path, params=params)
        missing = answer.status_code == httpx.codes.NOT_FOUND and path == "/api/v2/buckets"
        return {} if missing else _document(answer)

    def _ask(self, method: str, path: str, document: dict[str, Any]) -> Any:  # noqa: ANN401 - JSON
        return _document(send(self._http, method, path, json=document))


def _make_databases_3(settings: InfluxSettings, http: httpx.Client) -> list[str]:
    """Two databases. InfluxDB 3 Core knows only administrators' tokens: make one beside."""
    done = []
    for source in Source:
        name = database(settings, source)
        days = _days(settings.retention, source)
        wanted = {"db": name, "retention_period": f"{days}d"}
        answer = send(http, "POST", "/api/v3/configure/database", json=wanted)
        if answer.status_code == CONFLICT:
            done.append(f"database {name}: kept (its retention cannot be changed)")
            continue
        if answer.status_code not in (FOUND, MADE):
            raise unavailable(answer.status_code, answer.content, None)
        done.append(f"database {name}: {days} days")
    return done


def _document(answer: httpx.Response) -> Any:  # noqa: ANN401 - JSON
    if answer.status_code not in (FOUND, MADE):
        raise unavailable(answer.status_code, answer.content, None)
    try:
        return answer.json()
    except ValueError as error:
        raise StoreUnavailable("not an answer of InfluxDB's", misconfigured=True) from error


def _write_secret(path: Path, secret: str) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(secret + "\n")
