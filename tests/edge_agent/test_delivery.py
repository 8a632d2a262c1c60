"""Promise: what was put arrives at the collector, whoever is killed or absent on the way.

Through a real broker that keeps nothing, to a receiver that answers as each test says.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import random
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from edge_agent.delivery.delivery import Delivery
from edge_agent.delivery.outbox import OutboxInUse
from edge_agent.delivery.settings import OutboxSettings, UplinkSettings
from parts.receiver import WITHIN, receiver, store_all
from telemetry.announce import About
from telemetry.envelope import Clock, Device
from telemetry.receipt import Outcome
from telemetry.sample import Sample
from telemetry.topics import Lane

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from parts.mosquitto import Mosquitto

DEVICES = {"m1": Device("m1", "eastron-sdm630", 1, "electricity_meter")}
TIMES = itertools.count(1)


def new_delivery(broker: Mosquitto, directory: Path, *, window: int = 50) -> Delivery:
    return Delivery(
        OutboxSettings.model_validate({"linger": "50ms"}),
        UplinkSettings.model_validate(
            {
                "port": broker.port,
                "retry_after": "1s",
                "reconnect_max": "500ms",
                "window": window,
            }
        ),
        path=directory / "outbox.db",
        agent="gw-1",
        machine="4c4c4544",
        devices=DEVICES,
        clock=lambda: Clock.SYNCED,
        about=lambda: About(version="0.1.0", boot="a1", config="0"),
    )


@contextlib.asynccontextmanager
async def running(delivery: Delivery) -> AsyncIterator[Delivery]:
    task = asyncio.create_task(delivery.run())
    try:
        yield delivery
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(WITHIN):
        while not true():  # noqa: ASYNC110 - what is waited for has no event, and needs none
            await asyncio.sleep(0.01)


def sample(age: float = 0) -> Sample:
    """One sample, each of another time; `age` in seconds."""
    at = time.time_ns() // 1_000_000 - int(age * 1000)
    return Sample("m1", at * 1000 // 1000 + next(TIMES), {"voltage_l1": 230.1})


async def test_what_is_put_is_stored_receipted_and_forgotten(
    broker: Mosquitto, tmp_path: Path
) -> None:
    delivery = new_delivery(broker, tmp_path)
    samples = [sample() for _ in range(10)]

    async with receiver(broker.port) as collector, running(delivery):
        for one in samples:
            delivery.put(one)
        await collector.until_samples(10)
        await until(lambda: delivery.stats().delivered == 10)

    stored = delivery.stored("m1")
    assert stored is not None
    assert stored[0] <= samples[0].at
    assert stored[1] == samples[-1].at
    assert collector.samples == samples
    assert {topic.lane for topic, _ in collector.envelopes} == {Lane.LIVE}
    assert delivery.stats().batches == 0


async def test_receipts_that_nothing_follows_get_a_commit_of_their_own(
    broker: Mosquitto, tmp_path: Path
) -> None:
    delivery = new_delivery(broker, tmp_path)

    async with receiver(broker.port), running(delivery):
        delivery.put(sample())
        await until(lambda: delivery.stats().delivered == 1)
        assert delivery.stats().connected


async def test_without_a_broker_samples_wait_in_the_outbox_until_it_is_there(
    broker: Mosquitto, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    broker.kill()
    delivery = new_delivery(broker, tmp_path)

    async with running(delivery):
        for _ in range(5):
            delivery.put(sample())
        await until(lambda: delivery.stats().samples == 5)
        await asyncio.to_thread(broker.start)
        async with receiver(broker.port) as collector:
            await collector.until_samples(5)
            await until(lambda: delivery.stats().delivered == 5)

    told = [record.message for record in caplog.records if "not connected" in record.message]
    assert len(told) == 1, "a state is told once"
    assert f"broker 127.0.0.1:{broker.port} is not connected, retrying" in told[0]


async def test_a_broker_killed_again_and_again_loses_nothing(
    broker: Mosquitto, tmp_path: Path
) -> None:
    delivery = new_delivery(broker, tmp_path, window=5)
    put: set[int] = set()
    came: set[int] = set()

    async with running(delivery):
        for _ in range(3):
            async with receiver(broker.port, boot=str(len(put))) as collector:
                for _ in range(20):
                    new = sample()
                    put.add(new.at)
                    delivery.put(new)
                    await asyncio.sleep(0.02)
                await collector.until(lambda: bool(collector.samples))
                broker.kill()
            came |= {one.at for one in collector.samples}
            await asyncio.to_thread(broker.start)
        async with receiver(broker.port, boot="last") as collector:
            await until(lambda: delivery.stats().delivered >= len(put))
        came |= {one.at for one in collector.samples}

    assert came == put


async def test_lost_receipts_are_asked_for_again_by_sending_again(
    broker: Mosquitto, tmp_path: Path
) -> None:
    delivery = new_delivery(broker, tmp_path)
    silent = itertools.chain([None], itertools.repeat(Outcome.STORED))

    async with receiver(broker.port, answer=lambda _: next(silent)) as collector, running(delivery):
        delivery.put(sample())
        await until(lambda: delivery.stats().delivered == 1)

    assert [topic.seq for topic, _ in collector.envelopes] == [1, 1]


async def test_what_was_seen_is_sent_again_when_the_store_is_up(
    broker: Mosquitto, tmp_path: Path
) -> None:
    delivery = new_delivery(broker, tmp_path)

    async with receiver(broker.port, answer=lambda _: Outcome.SEEN) as collector:
        await collector.say("b1", store="down")
        async with running(delivery):
            delivery.put(sample())
            await collector.until(lambda: len(collector.envelopes) == 1)
            collector.answer = store_all
            await collector.say("b1", store="up")
            await until(lambda: delivery.stats().delivered == 1)


async def test_what_was_refused_is_kept_aside(broker: Mosquitto, tmp_path: Path) -> None:
    delivery = new_delivery(broker, tmp_path)

    async with receiver(broker.port, answer=lambda _: Outcome.REFUSED), running(delivery):
        delivery.put(sample())
        await until(lambda: delivery.stats().refused == 1)

    assert (delivery.stats().batches, delivery.stats().delivered) == (0, 0)


async def test_after_an_outage_the_fresh_is_live_and_the_old_is_backlog(
    broker: Mosquitto, tmp_path: Path
) -> None:
    delivery = new_delivery(broker, tmp_path)
    old, fresh = [sample(age=3600 * hour) for hour in (4, 3, 2)], sample()

    async with running(delivery):
        for one in (*old, fresh):
            delivery.put(one)
        await until(lambda: delivery.stats().batches == 4)
        async with receiver(broker.port) as collector:
            await collector.until_samples(4)

    assert collector.samples == [fresh, *old]
    assert [topic.lane for topic, _ in collector.envelopes] == [Lane.LIVE, *[Lane.BACKLOG] * 3]


async def test_a_clean_stop_loses_nothing(broker: Mosquitto, tmp_path: Path) -> None:
    first = new_delivery(broker, tmp_path)
    async with running(first):
        await until(lambda: first.stats().connected)
        for _ in range(7):
            first.put(sample())

    second = new_delivery(broker, tmp_path)
    async with receiver(broker.port) as collector, running(second):
        await collector.until_samples(7)
        await until(lambda: second.stats().delivered == 7)


async def test_a_failing_disk_is_a_state_in_which_batches_wait_in_memory(
    broker: Mosquitto, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    directory = tmp_path / "not-mounted"
    delivery = new_delivery(broker, directory)

    async with receiver(broker.port) as collector, running(delivery):
        delivery.put(sample())
        await until(lambda: delivery.stats().queued == 1)
        await until(lambda: "keeping batches in memory" in caplog.text)
        await asyncio.to_thread(directory.mkdir)
        await collector.until_samples(1)
        await until(lambda: delivery.stats().delivered == 1)

    with_state = [r for r in caplog.records if "in memory" in r.message]
    assert len(with_state) == 1, "a state is told once"
    assert "writable again" in caplog.text


async def test_an_outbox_that_is_damaged_while_in_use_is_replaced_and_what_is_whole_is_sent(
    broker: Mosquitto, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    first = new_delivery(broker, tmp_path)
    async with running(first):
        for age in range(40):
            first.put(sample(age=3600 * age))
        await until(lambda: first.stats().batches == 40)
    spoil(tmp_path / "outbox.db")

    second = new_delivery(broker, tmp_path)
    async with receiver(broker.port) as collector, running(second):
        second.put(sample())
        await collector.until_samples(2)
        await until(lambda: second.stats().delivered > 0 and second.stats().batches == 0)

    assert "was damaged and is kept as outbox.db.damaged-" in caplog.text


def spoil(file: Path) -> None:
    """Overwrite the last page but one: batches were written last."""
    with file.open("r+b") as opened:
        opened.seek(file.stat().st_size - 2 * 4096)
        opened.write(b"\xff" * 4096)


async def test_a_sample_that_fits_no_envelope_is_told_and_counted(
    broker: Mosquitto, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    chance = random.Random(1)  # noqa: S311 - not a secret
    giant = {f"c{n}": chance.randbytes(500).hex() for n in range(600)}
    delivery = new_delivery(broker, tmp_path)

    async with running(delivery):
        delivery.put(replace(sample(), values=giant))
        await until(lambda: delivery.stats().dropped == 1)

    assert "a sample of m1 is too large to be sent" in caplog.text


async def test_what_a_stop_on_a_failing_disk_loses_is_said(
    broker: Mosquitto, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    delivery = new_delivery(broker, tmp_path / "not-mounted")

    async with running(delivery):
        await until(lambda: delivery.stats().connected)
        delivery.put(sample())

    assert "1 samples in memory are lost" in caplog.text


async def test_a_second_agent_on_one_outbox_stops_with_the_reason(
    broker: Mosquitto, tmp_path: Path
) -> None:
    async with running(new_delivery(broker, tmp_path)) as first:
        await until(lambda: first.stats().connected)

        with pytest.raises(OutboxInUse):
            await new_delivery(broker, tmp_path).run()


async def test_a_bug_is_not_survived(broker: Mosquitto, tmp_path: Path) -> None:
    delivery = new_delivery(broker, tmp_path)
    run = asyncio.create_task(delivery.run())

    delivery.put(replace(sample(), values={"voltage_l1": float("nan")}))

    with pytest.raises((ExceptionGroup, ValueError)):
        await asyncio.wait_for(run, WITHIN)
