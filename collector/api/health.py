"""`/healthz` and `/metrics`: for who watches the collector itself."""

from dataclasses import fields
from http import HTTPStatus
from typing import Literal

from fastapi import APIRouter, Response
from fastapi.responses import PlainTextResponse
from pydantic import BaseModel, ConfigDict

from collector.api import metrics
from collector.api.access import Viewer
from collector.api.metrics import Kind, Metric
from collector.api.parts import Parts, PartsOf
from collector.api.problems import documented
from collector.live import Counters

router = APIRouter(tags=["health"])

UpDown = Literal["up", "down"]

COUNTED = {
    "messages": "Messages that came from the broker.",
    "foreign": "Messages that are no part of the protocol.",
    "envelopes": "Readable envelopes, each time that they came.",
    "samples": "Samples in them.",
    "values": "Values in them.",
    "refused": "Unreadable envelopes.",
    "late": "Samples that came too late for the live alarms.",
    "future": "Samples from a clock that cannot be right.",
    "duplicates": "Samples of envelopes that had come before.",
    "conflicts": "Values that differ from what is known for the same instant.",
    "dead_letters": "Samples that were put aside.",
    "events_dropped": "Events that followers were too slow for.",
}
"""Help by the counter's name; a test holds it against `live.Counters`."""


class Health(BaseModel):
    """What the collector needs in order to do its work."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"status": "up", "broker": "up", "store": "up"}}
    )

    status: UpDown
    broker: UpDown
    store: UpDown


@router.get(
    "/healthz",
    summary="Whether the collector can do its work; needs no token",
    responses={503: {"model": Health, "description": "something is down"}},
)
async def healthz(parts: PartsOf, response: Response) -> Health:
    """503 while the broker or the store is away; agents keep their data meanwhile."""
    health = _health(parts)
    if health.status == "down":
        response.status_code = HTTPStatus.SERVICE_UNAVAILABLE
    return health


@router.get(
    "/metrics",
    summary="Counters in Prometheus' text format",
    response_class=PlainTextResponse,
    responses=documented(HTTPStatus.UNAUTHORIZED),
)
async def scrape(parts: PartsOf, _caller: Viewer) -> Response:
    """Counters start at 0 with the process."""
    return Response(metrics.render(_metrics(parts)), media_type=metrics.CONTENT_TYPE)


def _health(parts: Parts) -> Health:
    broker = _up(up=parts.intake.connected)
    store = parts.live.store
    return Health(status=_up(up=broker == store == "up"), broker=broker, store=store)


def _up(*, up: bool) -> UpDown:
    return "up" if up else "down"


def _metrics(parts: Parts) -> list[Metric]:
    live, health = parts.live, _health(parts)
    counted = [
        metrics.counter(
            f"collector_{f.name}_total", COUNTED[f.name], getattr(live.counters, f.name)
        )
        for f in fields(Counters)
    ]
    return [
        *counted,
        metrics.counter(
            "collector_inbox_dropped_total",
            "Envelopes that found no room; their agents send them again.",
            parts.intake.inbox.dropped,
        ),
        metrics.counter(
            "collector_broker_restarts_total",
            "Times that the embedded broker was started again.",
            parts.broker_restarts(),
        ),
        metrics.gauge(
            "collector_broker_up", "Whether messages can come in.", health.broker == "up"
        ),
        metrics.gauge("collector_store_up", "Whether the store takes data.", health.store == "up"),
        Metric(
            "collector_gateway_online",
            Kind.GAUGE,
            "Whether the gateway says that it is online.",
            tuple(
                ({"agent": agent}, bool(gateway.status and gateway.status.online))
                for agent, gateway in sorted(live.gateways.items())
            ),
        ),
        Metric(
            "collector_gateway_last_seen_seconds",
            Kind.GAUGE,
            "When anything came from the gateway, in seconds since the epoch.",
            tuple(
                ({"agent": agent}, gateway.last_seen / 1000)
                for agent, gateway in sorted(live.gateways.items())
            ),
        ),
        _open_alarms(parts),
    ]


def _open_alarms(parts: Parts) -> Metric:
    by_priority: dict[str, int] = {}
    for alarm in parts.alarms.list():
        priority = str(alarm.rule.priority)
        by_priority[priority] = by_priority.get(priority, 0) + 1
    numbers = tuple(({"priority": name}, n) for name, n in sorted(by_priority.items()))
    return Metric("collector_open_alarms", Kind.GAUGE, "Open alarms by priority.", numbers)
