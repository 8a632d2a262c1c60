"""Devices, a stand-in for the collector, and an agent's configuration for them."""

from __future__ import annotations

import asyncio
import json
import struct
from typing import TYPE_CHECKING

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from telemetry import announce, receipt, topics
from telemetry.envelope import unpack
from telemetry.topics import EnvelopeTopic

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from multiprocessing.sharedctypes import Synchronized
    from pathlib import Path

REGISTERS = 20

PROFILE = """\
schema: device-profile/1
id: bench-20
revision: 1
title: Twenty registers
class: electricity-meter
measurement: bench
sources: [{own: made for measuring}]
groups: {default: {interval: 1s}}
examples:
  - {table: holding, address: 0, hex: "0064", values: {value_0: 10.0}, source: computed}
defaults: {table: holding, type: u16, scale: 0.1, group: default}
channels:
"""

CHANNELS = "".join(f"  - {{id: value_{n}, address: {n}}}\n" for n in range(REGISTERS))


class Device(asyncio.Protocol):
    """A Modbus TCP device that answers any read with a value that changes."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep whom to answer."""
        self._transport = transport
        self._tick = 0

    def data_received(self, data: bytes) -> None:
        """Answer; a request of the agent comes in one piece on loopback."""
        transaction, _, _, unit, function, _, count = struct.unpack(">HHHBBHH", data)
        self._tick = (self._tick + 7) % 5000
        words = struct.pack(f">{count}H", *range(self._tick, self._tick + count))
        head = struct.pack(">HHHBBB", transaction, 0, 3 + len(words), unit, function, len(words))
        assert isinstance(self._transport, asyncio.Transport)  # noqa: S101 - it is TCP
        self._transport.write(head + words)


def serve_devices(number: int, told: Connection) -> None:
    """All devices, until ended; their ports are told."""

    async def serve() -> None:
        loop = asyncio.get_running_loop()
        servers = [await loop.create_server(Device, "127.0.0.1", 0) for _ in range(number)]
        told.send([server.sockets[0].getsockname()[1] for server in servers])
        await asyncio.Event().wait()

    asyncio.run(serve())


def collect(port: int, agent: str, values: Synchronized[int]) -> None:
    """A collector that stores nothing, receipts all and counts `agent`'s values, until ended."""

    def on_connect(client: mqtt.Client, *_: object) -> None:
        online = announce.pack_presence(announce.Presence(online=True, boot="bench"))
        client.publish(topics.presence("bench"), online, qos=1, retain=True)
        client.subscribe(topics.ALL_UP, qos=1)

    def on_message(client: mqtt.Client, _: object, message: mqtt.MQTTMessage) -> None:
        topic = topics.parse_up(message.topic)
        if not isinstance(topic, EnvelopeTopic):
            return
        payload = bytes(message.payload)
        if topic.agent == agent:
            values.value += sum(len(sample.values) for sample in unpack(payload).samples)
        crc = receipt.checksum(payload)
        done = receipt.Receipt(topic.stream, topic.seq, crc, receipt.Outcome.STORED)
        client.publish(topics.receipts(topic.agent), receipt.pack(topic.stream, [done]))

    client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="collector-bench")
    client.on_connect = on_connect
    client.on_message = on_message
    client.connect("127.0.0.1", port)
    client.loop_forever()


def write_agent(directory: Path, agent: str, ports: list[int], broker: int, interval: str) -> Path:
    """A configuration with its profile, in a directory of its own."""
    directory = directory / agent
    profiles = directory / "profiles"
    profiles.mkdir(parents=True)
    (profiles / "bench-20.yaml").write_text(PROFILE + CHANNELS)
    config = {
        "agent": {"id": agent},
        "data_dir": str(directory),
        "profiles_dir": str(profiles),
        "buses": [
            {"id": f"bus-{n}", "transport": "modbus-tcp", "host": "127.0.0.1", "port": port}
            for n, port in enumerate(ports)
        ],
        "devices": [
            {"id": f"dev-{n}", "bus": f"bus-{n}", "profile": "bench-20", "interval": interval}
            for n in range(len(ports))
        ],
        "uplink": {"host": "127.0.0.1", "port": broker},
        "clock": {"source": "trusted"},
    }
    path = directory / "agent.yaml"
    path.write_text(json.dumps(config))
    return path
