"""`/v1/gateways`, `/v1/latest`, `/v1/catalogue`: who is there, and what is known now."""

from http import HTTPStatus
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from collector.api.access import Viewer
from collector.api.parts import Parts, PartsOf
from collector.api.problems import documented
from collector.api.times import spell
from collector.live import DevicePicture, Gateway

router = APIRouter(tags=["gateways"])

GATEWAY = "gateway"
"""The device whose channels are a gateway's own vitals."""

BACKLOG = "backlog_samples"
"""The vital that says how many samples wait in a gateway's outbox."""


class GatewayOut(BaseModel):
    """One gateway."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "agent": "gw-1",
                "status": "online",
                "last_seen": "2026-11-22T06:00:00.000Z",
                "clock": "synced",
                "version": "0.1.0",
                "site": "market-street",
                "position": [21.0285, 105.8542],
                "backlog": 0,
                "devices": ["meter-1"],
            }
        }
    )

    agent: str
    status: Literal["online", "offline", "unknown"]
    last_seen: str | None = Field(description="when anything came from it; UTC")
    clock: str | None = Field(description="what it knew of its clock: synced, held, unknown")
    version: str = Field(description="of its software; empty while it has not told")
    site: str
    position: tuple[float, float] | None = Field(description="WGS 84 latitude, longitude")
    backlog: int | None = Field(description="samples that wait in its outbox, if it has told")
    devices: list[str]


class LatestOut(BaseModel):
    """The latest word on every channel of one device."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "agent": "gw-1",
                "device": "meter-1",
                "at": "2026-11-22T06:00:00.000Z",
                "values": {"voltage_l1": 230.1},
                "flags": {"frequency": "missing:no_reply"},
                "units": {"voltage_l1": "V", "frequency": "Hz"},
            }
        }
    )

    agent: str
    device: str
    at: str = Field(description="of its latest sample; an unchanged value may be older")
    values: dict[str, float | int | bool | str]
    flags: dict[str, str] = Field(description="why a channel has no value, or a doubted one")
    units: dict[str, str]


class CatalogueEntry(BaseModel):
    """What is stored of one device."""

    agent: str
    device: str
    profile: str
    measurement: str
    channels: list[str]


AgentFilter = Annotated[str | None, Query(examples=["gw-1"])]


@router.get(
    "/v1/gateways",
    summary="Every gateway that was heard",
    responses=documented(HTTPStatus.UNAUTHORIZED),
)
async def gateways(parts: PartsOf, _caller: Viewer) -> list[GatewayOut]:
    """As they are now, by name."""
    known = sorted(parts.live.gateways.items())
    return [_gateway_out(parts, agent, gateway) for agent, gateway in known]


@router.get(
    "/v1/latest",
    summary="The latest values of every device",
    responses=documented(HTTPStatus.UNAUTHORIZED),
)
async def latest(
    parts: PartsOf, _caller: Viewer, agent: AgentFilter = None, device: str | None = None
) -> list[LatestOut]:
    """What is known now; after a restart it fills within a heartbeat."""
    return [
        _latest_out(parts, key[0], key[1], picture)
        for key, picture in sorted(parts.live.devices.items())
        if agent in (None, key[0]) and device in (None, key[1])
    ]


@router.get(
    "/v1/catalogue",
    summary="Which series are stored",
    responses=documented(HTTPStatus.UNAUTHORIZED, HTTPStatus.SERVICE_UNAVAILABLE),
)
async def catalogue(parts: PartsOf, _caller: Viewer) -> list[CatalogueEntry]:
    """Every device that ever had a sample, with the channels of its measurement."""
    return [
        CatalogueEntry(
            agent=name.agent,
            device=name.device,
            profile=name.profile,
            measurement=name.measurement,
            channels=list(name.channels),
        )
        for name in await parts.store.catalogue()
    ]


def _gateway_out(parts: Parts, agent: str, gateway: Gateway) -> GatewayOut:
    about, status = gateway.about, gateway.status
    vitals = parts.live.devices.get((agent, GATEWAY))
    backlog = vitals.values.get(BACKLOG) if vitals else None
    return GatewayOut(
        agent=agent,
        status="unknown" if status is None else "online" if status.online else "offline",
        last_seen=spell(gateway.last_seen) if gateway.last_seen else None,
        clock=gateway.clock,
        version=gateway.version,
        site=about.site if about else "",
        position=about.position if about else None,
        backlog=int(backlog) if isinstance(backlog, int | float) else None,
        devices=sorted(about.devices) if about else [],
    )


def _latest_out(parts: Parts, agent: str, device: str, picture: DevicePicture) -> LatestOut:
    return LatestOut(
        agent=agent,
        device=device,
        at=spell(picture.at),
        values=dict(picture.values),
        flags={channel: str(flag) for channel, flag in picture.flags.items()},
        units=_units(parts, agent, device),
    )


def _units(parts: Parts, agent: str, device: str) -> dict[str, str]:
    gateway = parts.live.gateways.get(agent)
    about = gateway.about if gateway else None
    entry = about.devices.get(device) if about else None
    model = about.models.get(entry.profile) if about and entry else None
    return {name: channel.unit for name, channel in model.channels.items()} if model else {}
