"""CPU per value from payload to receipt: unpack, watch, journal, and the SQLite store.

20 channels a sample, 10 samples an envelope of one device each, three of the channels watched by a
rule. Run it alone on the machine: `python benchmarks/ingest_cpu.py [envelopes]`.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from pathlib import Path

from collector import unpacking
from collector.alarms.engine import Engine
from collector.alarms.rules import Rule
from collector.arrival import Arrival
from collector.entry import Entry
from collector.inbox import Message
from collector.journal import Journal
from collector.stores.settings import SqliteSettings
from collector.stores.sqlite import SqliteStore
from telemetry import envelope
from telemetry.envelope import Clock, Device, Envelope
from telemetry.sample import Sample
from telemetry.topics import EnvelopeTopic, Lane

CHANNELS, SAMPLES, DEVICES, GROUP, WATCHED = 20, 10, 50, 20, 3
STREAM = "0123456789abcdef"


def rule(channel: int) -> Rule:
    """A rule that never breaches: the usual case."""
    return Rule.model_validate(
        {
            "id": f"rule-{channel}",
            "title": "Too high",
            "watch": {"channel": f"channel_{channel}"},
            "when": {"above": 1000, "deadband": 2},
            "on_delay": "60s",
            "max_gap": "30min",
            "priority": "high",
            "action": "Look.",
        }
    )


def messages(count: int, now: int) -> list[Message]:
    """`count` envelopes, round the devices, in order of time."""
    made = []
    for number in range(count):
        device = Device(f"device-{number % DEVICES}", "bench", 1, "bench")
        first = now - 100_000 + number // DEVICES * SAMPLES * 10
        samples = tuple(
            Sample(
                device.id,
                first + n * 10,
                {f"channel_{c}": 200.0 + (number + n + c) % 97 / 10 for c in range(CHANNELS)},
            )
            for n in range(SAMPLES)
        )
        topic = EnvelopeTopic("gw-1", Lane.LIVE, STREAM, number + 1)
        payload = envelope.pack(Envelope(Clock.SYNCED, (device,), samples))
        made.append(Message(str(topic), payload, now))
    return made


async def measure(directory: Path, count: int) -> dict[str, float]:
    """CPU seconds of all threads, step by step."""
    spent = dict.fromkeys(("unpack", "watch", "journal", "store"), 0.0)
    now = time.time_ns() // 1_000_000
    waiting = messages(count, now)
    store = SqliteStore(SqliteSettings(path=directory / "samples.db"))
    await store.open()
    async with Journal(directory / "journal.db") as journal:
        engine = Engine([rule(channel) for channel in range(WATCHED)], await journal.open())
        for start in range(0, count, GROUP):
            clock = [time.process_time()]
            opened = [unpacking.unpack(m) for m in waiting[start : start + GROUP]]
            arrivals = [a for a in opened if isinstance(a, Arrival)]
            clock.append(time.process_time())
            watched = engine.watch(arrivals, now)
            clock.append(time.process_time())
            await journal.commit(Entry(watched.transitions, watched.changed))
            clock.append(time.process_time())
            await store.write(arrivals)
            clock.append(time.process_time())
            for step, before, after in zip(spent, clock, clock[1:], strict=False):
                spent[step] += after - before
    await store.close()
    return spent


def main() -> None:
    """Print µs of CPU a value."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    with tempfile.TemporaryDirectory() as directory:
        wall = time.perf_counter()
        spent = asyncio.run(measure(Path(directory), count))
    values = count * SAMPLES * CHANNELS
    for step, seconds in spent.items():
        print(f"{step:8} {seconds / values * 1e6:6.2f} µs of CPU a value")
    whole = sum(spent.values()) / values * 1e6
    before = whole - spent["store"] / values * 1e6
    print(f"before the store {before:.2f}, all {whole:.2f}")
    print(f"{values} values in {time.perf_counter() - wall:.1f} s")


if __name__ == "__main__":
    main()
