"""The gateway's own vitals and its devices' counters, as ordinary samples.

The gateway is the device `gateway` (profile gateway-vitals); the counters of a device are samples
of a device of their own, `meter-1-health` (profile device-health), so that series, alarms and
queries need nothing special for them. Counters start at 0 with the process.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge_agent.config import GATEWAY, HEALTH_SUFFIX
from telemetry.announce import Channel, DeviceEntry, Model
from telemetry.envelope import Clock, Device
from telemetry.sample import COUNTER_FELL, FLAT_LINE, SPIKE, TOO_FAST

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from edge_agent.bus.health import Health
    from edge_agent.clock import KernelTime
    from edge_agent.delivery.delivery import DeliveryStats
    from edge_agent.sampling.pipeline import Counts
    from telemetry.sample import Value

GATEWAY_VITALS = "gateway-vitals"
DEVICE_HEALTH = "device-health"

MODELS = {
    GATEWAY_VITALS: Model(
        revision=2,
        measurement="gateway_vitals",
        channels={
            "cpu": Channel("%", "float", label="Processor in use"),
            "load_1min": Channel("", "float", label="Processes waiting to run"),
            "memory": Channel("%", "float", label="Memory in use"),
            "agent_memory": Channel("B", "int", label="Memory of the agent"),
            "disk": Channel("%", "float", label="Disk of the outbox in use"),
            "disk_free": Channel("B", "int", label="Free on that disk"),
            "temperature": Channel("Cel", "float", label="Hottest sensor of the board"),
            "uptime": Channel("s", "float", label="Since the gateway started"),
            "clock_synced": Channel("", "bool", "state", "Clock kept by a time daemon"),
            "clock_offset": Channel("s", "float", label="Clock's last known error"),
            "clock_max_error": Channel("s", "float", label="Clock's largest possible error"),
            "connected": Channel("", "bool", "state", "Connected to the broker"),
            "backlog_batches": Channel("count", "int", label="Batches without a receipt"),
            "backlog_samples": Channel("count", "int", label="Samples without a receipt"),
            "backlog_bytes": Channel("B", "int", label="Size of the outbox"),
            "backlog_age": Channel("s", "float", label="Age of the oldest without a receipt"),
            "delivered": Channel("count", "int", "counter", "Samples that are stored"),
            "refused": Channel("count", "int", "counter", "Batches refused by the collector"),
            "dropped": Channel(
                "count", "int", "counter", "Samples lost because the outbox was full"
            ),
            "skipped": Channel("count", "int", "counter", "Polls that did not take place"),
        },
    ),
    DEVICE_HEALTH: Model(
        revision=2,
        measurement="device_health",
        channels={
            "silent": Channel("", "bool", "state", "Left alone because it does not reply"),
            "requests": Channel("count", "int", "counter", "Requests sent"),
            "replies": Channel("count", "int", "counter", "Good replies"),
            "timeouts": Channel("count", "int", "counter", "Requests without a reply"),
            "bad_replies": Channel("count", "int", "counter", "Damaged or foreign replies"),
            "exceptions": Channel("count", "int", "counter", "Requests that it refused"),
            "skipped": Channel("count", "int", "counter", "Polls that did not take place"),
            "suspect_rate": Channel("count", "int", "counter", "Values that changed too fast"),
            "suspect_flat_line": Channel("count", "int", "counter", "Values that stood still"),
            "suspect_spike": Channel("count", "int", "counter", "Values beyond both neighbours"),
            "counter_fell": Channel("count", "int", "counter", "Counters' readings that fell"),
            "replaced": Channel("count", "int", "counter", "Counters that went on from lower"),
            "unsent": Channel("count", "int", "counter", "Values unsent because unchanged"),
        },
    ),
}
"""As collectors learn of them; a channel's type never changes."""


def devices(names: Iterable[str]) -> dict[str, Device]:
    """The devices that these samples are of, by id."""
    profiles = {GATEWAY: GATEWAY_VITALS} | {name + HEALTH_SUFFIX: DEVICE_HEALTH for name in names}
    return {
        name: Device(name, profile, MODELS[profile].revision, MODELS[profile].measurement)
        for name, profile in profiles.items()
    }


def entries(names: Iterable[str], interval: float) -> dict[str, DeviceEntry]:
    """The same devices as the agent announces them."""
    return {
        name: DeviceEntry(device.profile, interval, _label(name))
        for name, device in devices(names).items()
    }


def clock_values(kernel: KernelTime, clock: Clock) -> dict[str, Value]:
    """The clock's state."""
    return {
        "clock_synced": clock is not Clock.UNKNOWN,
        "clock_offset": kernel.offset,
        "clock_max_error": kernel.max_error,
    }


def backlog_values(stats: DeliveryStats, now: int) -> dict[str, Value]:
    """How delivery fares; `now` in ms since the epoch."""
    return {
        "connected": stats.connected,
        "backlog_batches": stats.batches,
        "backlog_samples": stats.samples,
        "backlog_bytes": stats.bytes,
        "backlog_age": 0.0 if stats.oldest_at is None else max(0.0, (now - stats.oldest_at) / 1000),
        "delivered": stats.delivered,
        "refused": stats.refused,
        "dropped": stats.dropped,
    }


def overload_values(devices: Iterable[Health]) -> dict[str, Value]:
    """Whether the gateway does what it was told to."""
    return {"skipped": sum(health.counters.skipped for health in devices)}


def health_values(health: Health) -> Mapping[str, Value]:
    """How a device fares."""
    counters = health.counters
    return {
        "silent": health.silent_since is not None,
        "requests": counters.requests,
        "replies": counters.replies,
        "timeouts": counters.timeouts,
        "bad_replies": counters.bad_replies,
        "exceptions": counters.exceptions.total(),
        "skipped": counters.skipped,
    }


def sampling_values(counts: Counts) -> Mapping[str, Value]:
    """What sampling did to a device's samples."""
    suspect = counts.suspect
    return {
        "suspect_rate": suspect[TOO_FAST],
        "suspect_flat_line": suspect[FLAT_LINE],
        "suspect_spike": suspect[SPIKE],
        "counter_fell": suspect[COUNTER_FELL],
        "replaced": counts.replaced,
        "unsent": counts.unsent,
    }


def _label(name: str) -> str:
    if name == GATEWAY:
        return "Gateway"
    return f"Requests to {name.removesuffix(HEALTH_SUFFIX)}"
