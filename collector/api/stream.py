r"""`/v1/stream`: what happens, as it happens (server-sent events).

    event: sample
    data: {"agent":"gw-1","device":"meter-1","at":"…","values":{"voltage_l1":230.1},"flags":{}}

    event: alarm       data: a transition, as /v1/alarms/journal has it
    event: gateway     data: {"agent":"gw-1"}: ask /v1/gateways for what is new
    event: store       data: {"state":"down"}

A comment line comes when nothing happened for a while, so that a silent stream proves it is alive.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import aclosing
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse

from collector.api.access import Viewer
from collector.api.alarms import TransitionOut
from collector.api.parts import Parts, PartsOf
from collector.api.problems import documented
from collector.api.times import spell
from collector.live import AlarmChanged, GatewayChanged, LiveEvent, Sampled, StoreChanged

router = APIRouter(tags=["stream"])

SILENCE_MAX = 10.0
"""Seconds without an event after which a comment is sent; proxies cut silent connections."""


@router.get(
    "/v1/stream",
    summary="Samples and alarms as they come (server-sent events)",
    response_class=StreamingResponse,
    responses=documented(HTTPStatus.UNAUTHORIZED)
    | {200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}}},
)
async def stream(
    parts: PartsOf,
    _caller: Viewer,
    agent: Annotated[str | None, Query(description="only this agent's")] = None,
    device: Annotated[str | None, Query(description="only this device's samples")] = None,
) -> StreamingResponse:
    """Events from now on; a reader that is too slow loses the oldest."""
    return StreamingResponse(
        _lines(parts, agent, device),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


async def _lines(parts: Parts, agent: str | None, device: str | None) -> AsyncIterator[str]:
    yield ": connected\n\n"
    async with aclosing(parts.live.subscribe()) as events:
        coming = asyncio.ensure_future(anext(events))
        stopping = asyncio.ensure_future(parts.stopping.wait())
        try:
            while not stopping.done():
                await asyncio.wait(
                    {coming, stopping}, timeout=SILENCE_MAX, return_when=asyncio.FIRST_COMPLETED
                )
                if coming.done():
                    line = _line(coming.result(), agent, device)
                    coming = asyncio.ensure_future(anext(events))
                    yield line or ""
                else:
                    yield ": alive\n\n"
        finally:
            stopping.cancel()
            coming.cancel()
            await asyncio.wait({coming, stopping})


def _line(event: LiveEvent, agent: str | None, device: str | None) -> str | None:
    match event:
        case Sampled(of, sample) if agent in (None, of) and device in (None, sample.device):
            data = {
                "agent": of,
                "device": sample.device,
                "at": spell(sample.at),
                "values": dict(sample.values),
                "flags": {channel: str(flag) for channel, flag in sample.flags.items()},
            }
            return _spell("sample", data)
        case AlarmChanged(transition) if agent in (None, transition.series.agent):
            return _spell("alarm", TransitionOut.of(transition).model_dump(mode="json"))
        case GatewayChanged(of) if agent in (None, of):
            return _spell("gateway", {"agent": of})
        case StoreChanged(state):
            return _spell("store", {"state": state})
        case _:
            return None


def _spell(name: str, data: object) -> str:
    return f"event: {name}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n"
