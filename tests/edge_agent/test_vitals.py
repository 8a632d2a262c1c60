"""The gateway and its devices' counters are ordinary samples, of the types that are announced."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge_agent.bus.failures import DeviceException
from edge_agent.bus.health import Health
from edge_agent.clock import ask_kernel
from edge_agent.delivery.delivery import DeliveryStats
from edge_agent.sampling.pipeline import Counts
from edge_agent.vitals import vitals
from edge_agent.vitals.host import Host
from telemetry.envelope import Clock
from telemetry.sample import COUNTER_FELL, FLAT_LINE, SPIKE, TOO_FAST, is_storable
from telemetry.units import UNITS

if TYPE_CHECKING:
    from pathlib import Path

    from telemetry.announce import Model
    from telemetry.sample import Value

STATS = DeliveryStats(
    queued=1,
    batches=2,
    samples=30,
    oldest_at=1_000_000,
    bytes=400,
    delivered=5,
    refused=6,
    dropped=7,
    connected=True,
)


def gateway_values(directory: Path) -> dict[str, Value]:
    return {
        **Host(directory).read(),
        **vitals.clock_values(ask_kernel(), Clock.SYNCED),
        **vitals.backlog_values(STATS, 1_060_000),
        **vitals.overload_values([Health()]),
    }


def misfits(values: dict[str, Value], model: Model) -> list[str]:
    return [
        name
        for name, value in values.items()
        if type(value).__name__ != model.channels[name].type or not is_storable(value)
    ]


def test_the_gateways_values_are_what_is_announced(tmp_path: Path) -> None:
    values = gateway_values(tmp_path)
    model = vitals.MODELS["gateway-vitals"]

    assert misfits(values, model) == []
    assert set(model.channels) - set(values) <= {"temperature"}


def test_the_backlogs_age_is_that_of_its_oldest_sample() -> None:
    assert vitals.backlog_values(STATS, 1_060_000)["backlog_age"] == 60.0


def test_a_devices_counters_are_what_is_announced() -> None:
    health = Health()
    health.counters.failed(DeviceException(2))
    health.counters.failed(DeviceException(4))

    values = {**vitals.health_values(health), **vitals.sampling_values(Counts())}

    assert misfits(values, vitals.MODELS["device-health"]) == []
    assert set(values) == set(vitals.MODELS["device-health"].channels)
    assert values["exceptions"] == 2


def test_the_gateway_tells_what_all_its_buses_had_no_time_for() -> None:
    devices = [Health(), Health()]
    for health in devices:
        health.counters.skipped = 3

    assert vitals.overload_values(devices) == {"skipped": 6}


def test_what_sampling_did_to_a_device_is_told_by_kind() -> None:
    counts = Counts(replaced=5, unsent=6)
    counts.suspect |= {TOO_FAST: 1, FLAT_LINE: 2, SPIKE: 3, COUNTER_FELL: 4}

    assert vitals.sampling_values(counts) == {
        "suspect_rate": 1,
        "suspect_flat_line": 2,
        "suspect_spike": 3,
        "counter_fell": 4,
        "replaced": 5,
        "unsent": 6,
    }


def test_each_device_has_a_device_of_its_own_for_its_counters() -> None:
    devices = vitals.devices(["meter-1"])

    assert devices["gateway"].measurement == "gateway_vitals"
    assert devices["meter-1-health"].measurement == "device_health"
    assert set(vitals.entries(["meter-1"], 60.0)) == set(devices)


def test_units_are_in_the_table() -> None:
    units = {c.unit for model in vitals.MODELS.values() for c in model.channels.values()}

    assert units - {""} <= set(UNITS)
