"""The least that polls, keeps and publishes: what the agent's cost is held against.

    python -m benchmarks.sketch DATABASE BROKER-PORT DEVICE-PORT...

A task a device reads 20 registers each second with pymodbus, spread over the second as the agent's
are. What came in a second is kept as one row of JSON (SQLite, FULL), published by aiomqtt at QoS 1,
and deleted. No configuration, decoding, flags, health, back-off, receipts or recovery.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
import sys
import time
from itertools import count

import aiomqtt
from pymodbus.client import AsyncModbusTcpClient

Reading = tuple[int, float, list[float]]


async def poll(port: int, phase: float, readings: list[Reading]) -> None:
    """One device, until ended."""
    loop = asyncio.get_running_loop()
    client = AsyncModbusTcpClient("127.0.0.1", port=port)
    await client.connect()
    began = loop.time() + phase
    for turn in count():
        await asyncio.sleep(began + turn - loop.time())
        reply = await client.read_holding_registers(0, count=20)
        readings.append((port, time.time(), [word / 10 for word in reply.registers]))


async def publish(database: str, broker: int, readings: list[Reading]) -> None:
    """What came, second after second, until ended."""
    db = sqlite3.connect(database, isolation_level=None)
    db.executescript("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;")
    db.execute("CREATE TABLE waiting (turn INTEGER PRIMARY KEY, payload TEXT)")
    async with aiomqtt.Client("127.0.0.1", broker) as mqtt:
        for turn in count():
            await asyncio.sleep(1)
            payload = json.dumps(readings)
            readings.clear()
            db.execute("INSERT INTO waiting VALUES (?, ?)", (turn, payload))
            await mqtt.publish("sketch", payload, qos=1)
            db.execute("DELETE FROM waiting WHERE turn = ?", (turn,))


async def main(database: str, broker: str, *ports: str) -> None:
    """All of it, until ended."""
    readings: list[Reading] = []
    async with asyncio.TaskGroup() as tasks:
        for number, port in enumerate(ports):
            tasks.create_task(poll(int(port), number / len(ports), readings))
        tasks.create_task(publish(database, int(broker), readings))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
