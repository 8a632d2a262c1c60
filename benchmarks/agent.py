"""What the agent costs: 50 Modbus TCP devices of 20 registers each second, kept and receipted.

    python benchmarks/agent.py [--devices 50] [--interval 1s] [--seconds 30]

Starts the devices, a broker (mosquitto) and a stand-in for the collector that receipts, each in a
process of its own; runs `edge-agent run` with its durable outbox, and reads its processor time and
memory from /proc. The last line is for scripts.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import multiprocessing
import os
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from telemetry import announce, receipt, topics
from telemetry.envelope import unpack
from telemetry.topics import EnvelopeTopic

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.sharedctypes import Synchronized

REGISTERS = 20
SETTLE = 5.0
"""Seconds for connections, the first commits and caches, before measuring."""

PUBLISHED = (
    ("ThingsBoard Gateway 3.8.5, 50 devices at 1 s", 11.4, 72, 3.9),
    ("bare asyncio sketch with pymodbus, 50 devices at 1 s", 3.6, 31, None),
)
"""Measured on two cores of another machine: processor %, resident MB, idle processor %."""


def free_port() -> int:
    """A loopback port that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


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


def serve_devices(ports: list[int]) -> None:
    """All devices, until ended."""

    async def serve() -> None:
        loop = asyncio.get_running_loop()
        for port in ports:
            await loop.create_server(Device, "127.0.0.1", port)
        await asyncio.Event().wait()

    asyncio.run(serve())


def collect(port: int, values: Synchronized[int]) -> None:
    """A collector that stores nothing and receipts all, until ended."""

    def on_connect(client: mqtt.Client, *_: object) -> None:
        online = announce.pack_presence(announce.Presence(online=True, boot="bench"))
        client.publish(topics.presence("bench"), online, qos=1, retain=True)
        client.subscribe(topics.ALL_UP, qos=1)

    def on_message(client: mqtt.Client, _: object, message: mqtt.MQTTMessage) -> None:
        topic = topics.parse_up(message.topic)
        if not isinstance(topic, EnvelopeTopic):
            return
        payload = bytes(message.payload)
        values.value += sum(len(sample.values) for sample in unpack(payload).samples)
        crc = receipt.checksum(payload)
        done = receipt.Receipt(topic.stream, topic.seq, crc, receipt.Outcome.STORED)
        client.publish(topics.receipts(topic.agent), receipt.pack(topic.stream, [done]))

    client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="collector-bench")
    client.on_connect = on_connect
    client.on_message = on_message
    client.connect("127.0.0.1", port)
    client.loop_forever()


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


def write_site(directory: Path, ports: list[int], broker: int, interval: str) -> Path:
    """A configuration with its profile."""
    profiles = directory / "profiles"
    profiles.mkdir()
    channels = "".join(f"  - {{id: value_{n}, address: {n}}}\n" for n in range(REGISTERS))
    (profiles / "bench-20.yaml").write_text(PROFILE + channels)
    config = {
        "agent": {"id": "bench"},
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


@contextlib.contextmanager
def background(target: object, *arguments: object) -> Iterator[None]:
    """A process that is ended afterwards."""
    process = multiprocessing.get_context("spawn").Process(
        target=target,  # type: ignore[arg-type]
        args=arguments,
        daemon=True,
    )
    process.start()
    try:
        yield
    finally:
        process.terminate()
        process.join()


@contextlib.contextmanager
def program(*command: str) -> Iterator[subprocess.Popen[bytes]]:
    """A program that is ended afterwards."""
    process = subprocess.Popen(command)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(30)


@contextlib.contextmanager
def mosquitto(directory: Path, port: int) -> Iterator[None]:
    """A broker that keeps nothing."""
    path = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/sbin")
    if path is None:
        sys.exit("mosquitto is not installed")
    config = directory / "mosquitto.conf"
    config.write_text(
        f"listener {port} 127.0.0.1\nallow_anonymous true\nuser root\nlog_type none\n"
    )
    with program(path, "-c", str(config)):
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            time.sleep(0.05)
        yield


def cpu_seconds(pid: int) -> float:
    """Processor time that a process has had, in user and kernel."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_mb(pid: int) -> float:
    """Memory that a process has in RAM."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


def measure(devices: int, interval: str, seconds: float) -> tuple[float, float, float]:
    """Processor %, resident MB and values a second, delivered."""
    with contextlib.ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        broker, ports = free_port(), [free_port() for _ in range(devices)]
        values: Synchronized[int] = multiprocessing.get_context("spawn").Value("Q", 0)
        stack.enter_context(mosquitto(directory, broker))
        stack.enter_context(background(serve_devices, ports))
        stack.enter_context(background(collect, broker, values))
        time.sleep(2)
        config = write_site(directory, ports, broker, interval)
        command = Path(sys.executable).parent / "edge-agent"
        agent = stack.enter_context(
            program(str(command), "run", "-c", str(config), "--log-level", "warning")
        )
        time.sleep(SETTLE)
        begun, cpu, before = time.monotonic(), cpu_seconds(agent.pid), values.value
        time.sleep(seconds)
        passed = time.monotonic() - begun
        used = cpu_seconds(agent.pid) - cpu
        return used / passed * 100, resident_mb(agent.pid), (values.value - before) / passed


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--devices", type=int, default=50)
    parser.add_argument("--interval", default="1s")
    parser.add_argument("--seconds", type=float, default=30.0)
    options = parser.parse_args()
    cpu, rss, rate = measure(options.devices, options.interval, options.seconds)
    idle, _, _ = measure(1, "10s", options.seconds)
    print(f"{'system':<56} {'CPU %':>6} {'RSS MB':>7} {'idle CPU %':>11}")
    for name, *figures in PUBLISHED:
        shown = ["-" if figure is None else f"{figure:g}" for figure in figures]
        print(f"{name:<56} {shown[0]:>6} {shown[1]:>7} {shown[2]:>11}")
    ours = f"this agent, {options.devices} devices at {options.interval}"
    print(f"{ours:<56} {cpu:>6.1f} {rss:>7.1f} {idle:>11.1f}")
    print(
        f"agent cpu_percent={cpu:.1f} rss_mb={rss:.1f} "
        f"idle_cpu_percent={idle:.1f} values_per_s={rate:.0f}"
    )


if __name__ == "__main__":
    main()
