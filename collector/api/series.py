"""`/v1/series`: stored values of one device, raw or aggregated, with their quality."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field
from pydantic.config import JsonDict

from collector.api.access import Viewer
from collector.api.parts import PartsOf
from collector.api.problems import Problem, documented
from collector.api.times import Duration, Moment, spell
from collector.stores import query
from collector.stores.query import Aggregate, Wanted
from telemetry.announce import About

POINTS_MAX = 100_000
"""Most points a channel in one answer: about 8 MB of JSON."""

POINTS_DEFAULT = 10_000
"""Points a channel unless asked otherwise: three hours at one a second, five weeks at five min."""

STEPS = {"1s": 1, "10s": 10, "1min": 60, "5min": 300, "15min": 900, "1h": 3600, "1d": 86_400}
"""Bucket widths (seconds) that people ask for."""

EXAMPLE: JsonDict = {
    "agent": "gw-1",
    "device": "meter-1",
    "profile": "eastron-sdm630",
    "measurement": "electricity_meter",
    "channel": "voltage_l1",
    "unit": "V",
    "points": [
        {"at": "2026-11-22T06:00:00.000Z", "value": 230.1, "count": 360, "completeness": 1.0}
    ],
}

router = APIRouter(tags=["series"])


class PointOut(BaseModel):
    """One value, or one bucket of them."""

    at: str = Field(description="the sample's time, or the beginning of the bucket; UTC")
    value: float | int | str | None = Field(description="null if there was none; see flag")
    flag: str | None = Field(None, description="`quality:reason`, with quality=all")
    count: int = Field(description="how many values it stands for")
    completeness: float | None = Field(
        None, description="count over the values expected in the bucket, at most 1; if known"
    )


class SeriesOut(BaseModel):
    """One channel of one device."""

    model_config = ConfigDict(json_schema_extra={"example": EXAMPLE})

    agent: str
    device: str
    profile: str
    measurement: str
    channel: str
    unit: str | None = Field(description="as SenML (RFC 8428) spells it, if the agent has told")
    points: list[PointOut]


@router.get(
    "/v1/series",
    summary="Stored values of one device",
    responses=documented(
        HTTPStatus.BAD_REQUEST,
        HTTPStatus.UNAUTHORIZED,
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        HTTPStatus.SERVICE_UNAVAILABLE,
    ),
)
async def series(  # noqa: PLR0913 - each is one parameter of the request
    parts: PartsOf,
    _caller: Viewer,
    *,
    agent: Annotated[str, Query(examples=["gw-1"])],
    device: Annotated[str, Query(examples=["meter-1"])],
    start: Annotated[Moment, Query(alias="from", description="the first instant asked for")],
    end: Annotated[Moment, Query(alias="to", description="the first one no longer asked for")],
    channel: Annotated[list[str] | None, Query(description="repeat it; none means all")] = None,
    agg: Annotated[Aggregate | None, Query(description="one point a bucket")] = None,
    every: Annotated[Duration | None, Query(description="a bucket's width: 15min, 1h")] = None,
    quality: Annotated[Wanted, Query(description="only good values, or all")] = Wanted.GOOD,
    limit: Annotated[int, Query(ge=1, le=POINTS_MAX)] = POINTS_DEFAULT,
) -> list[SeriesOut]:
    """Values as they were stored, oldest first; with `agg`, one point for each `every`.

    More than `limit` points a channel are refused (413) with a width that would fit.
    """
    asked = query.Query(
        start=start,
        end=end,
        agent=agent,
        device=device,
        channels=tuple(channel or ()),
        aggregate=agg,
        every=every,
        quality=quality,
        limit=limit + 1,
    )
    found = await parts.store.read(asked)
    for one in found:
        if len(one.points) > limit:
            raise _too_much(asked, one.channel, limit)
    gateway = parts.live.gateways.get(agent)
    about = gateway.about if gateway else None
    return [_series_out(one, asked, about) for one in found]


def _too_much(asked: query.Query, channel: str, limit: int) -> Problem:
    wide = (asked.end - asked.start) / 1000 / limit
    step = next((name for name, seconds in STEPS.items() if seconds >= wide), "1d")
    return Problem(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        f"more than {limit} points of {channel}; ask for a shorter range, "
        f"or for buckets: agg=mean&every={step}",
    )


def _series_out(one: query.Series, asked: query.Query, about: About | None) -> SeriesOut:
    expected = _expected(one, asked, about)
    return SeriesOut(
        agent=one.agent,
        device=one.device,
        profile=one.profile,
        measurement=one.measurement,
        channel=one.channel,
        unit=_unit(one, about),
        points=[
            PointOut(
                at=spell(point.at),
                value=point.value,
                flag=str(point.flag) if point.flag else None,
                count=point.count,
                completeness=min(1.0, round(point.count / expected, 4)) if expected else None,
            )
            for point in one.points
        ],
    )


def _expected(one: query.Series, asked: query.Query, about: About | None) -> float | None:
    """Values that a bucket holds at the least: one a heartbeat."""
    entry = about.devices.get(one.device) if about else None
    if asked.aggregate is None or entry is None or entry.heartbeat <= 0:
        return None
    return (asked.every or asked.end - asked.start) / 1000 / entry.heartbeat


def _unit(one: query.Series, about: About | None) -> str | None:
    model = about.models.get(one.profile) if about else None
    channel = model.channels.get(one.channel) if model else None
    return channel.unit if channel else None
