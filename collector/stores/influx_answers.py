"""What an InfluxDB server's answer means: stored, these lines never, or not now.

Only 204 says that a write is stored: a proxy's or a captive portal's 200 is not InfluxDB's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from collector.stores import StoreUnavailable
from collector.stores.rows import Field, SeriesKey
from telemetry import codec

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

STORED = 204
ANSWERED = 200
LINES_REFUSED = frozenset({400, 413, 422})
TOO_MANY = 429
SERVER_FAULT = 500

TYPES: dict[str, type[Field]] = {"float": float, "integer": int, "string": str}


class LinesRefused(Exception):
    """Some of these lines will never be taken; the message has the server's words."""


def judge_write(status: int, body: bytes, retry_after: str | None) -> None:
    """Return if the lines are stored.

    Raises:
        LinesRefused: if it is the lines' fault.
        StoreUnavailable: if it is not.
    """
    if status == STORED:
        return
    if status in LINES_REFUSED:
        raise LinesRefused(told(status, body))
    raise unavailable(status, body, retry_after)


def judge_query(status: int, body: bytes, retry_after: str | None) -> list[list[dict[str, Any]]]:
    """Each statement's series.

    Raises:
        StoreUnavailable: if the server did not answer all of it.
    """
    if status != ANSWERED:
        raise unavailable(status, body, retry_after)
    try:
        results = codec.decode(body)["results"]
        for result in results:
            fault = result.get("error") or (result.get("partial") and "an answer was cut short")
            if fault:
                raise StoreUnavailable(f"influxdb: {fault}")
        return [result.get("series", []) for result in results]
    except (codec.NotJson, LookupError, TypeError, AttributeError) as error:
        raise StoreUnavailable("not an answer of InfluxDB's", misconfigured=True) from error


def unavailable(status: int, body: bytes, retry_after: str | None) -> StoreUnavailable:
    """Why the server cannot serve; beyond 429 and its own faults, waiting will not help."""
    waiting_helps = status == TOO_MANY or status >= SERVER_FAULT
    seconds = float(retry_after) if retry_after and retry_after.isdecimal() else None
    return StoreUnavailable(
        f"influxdb: {told(status, body)}", retry_after=seconds, misconfigured=not waiting_helps
    )


def told(status: int, body: bytes) -> str:
    """The server's own words."""
    try:
        document = codec.decode(body)
        words = document.get("message") or document.get("error")
    except (codec.NotJson, AttributeError):
        words = body.decode(errors="replace")
    return f"{status} {str(words or '').strip()[:500]}".strip()


def key_of(series: Mapping[str, Any]) -> SeriesKey:
    """Which series a group of rows is of."""
    tags = series["tags"]
    return SeriesKey(tags["agent"], tags["device"], tags["profile"], series["name"])


def read_series_name(text: str) -> SeriesKey | None:
    """The series that SHOW SERIES spells, or None for one that is not ours."""
    measurement, *pairs = text.split(",")
    tags = dict(pair.split("=", 1) for pair in pairs if "=" in pair)
    if tags.keys() != {"agent", "device", "profile"}:
        return None
    return SeriesKey(tags["agent"], tags["device"], tags["profile"], measurement)


def typed(value: float | str, kind: type[Field] | None) -> Field:
    """JSON writes 50.0 as 50: give it its stored type again."""
    return float(value) if kind is float else value


def field_types(answer: list[dict[str, Any]]) -> Iterator[tuple[str, str, type[Field]]]:
    """(measurement, field, type) of every field of a type that we write."""
    for series in answer:
        for name, kind, *_ in series["values"]:
            if kind in TYPES:
                yield series["name"], name, TYPES[kind]
