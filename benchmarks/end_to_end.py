"""Envelopes through the embedded broker and a whole collector into SQLite, until each is receipted.

One client sends as an agent does, at QoS 1 with a window of envelopes that wait for their receipts;
the collector and its broker are real processes. What the collector's own work is of it, without
MQTT and receipts, `ingest` tells.
"""

from __future__ import annotations

import contextlib
import json
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from benchmarks.processes import cpu_seconds, free_port, ours, program, resident_mb
from benchmarks.report import Report
from benchmarks.series import VALUES, envelopes
from collector.broker.agents import Register
from telemetry import envelope, topics

if TYPE_CHECKING:
    from collections.abc import Sequence

COUNT, STEP, WINDOW = 4000, 1_000, 64
"""Envelopes; ms between samples; envelopes that may wait for a receipt."""

WITHIN = 60.0
"""Seconds for the collector to start, and for all receipts."""


class Sender:
    """Sends everything, as fast as receipts come."""

    def __init__(self, port: int, password: str) -> None:
        self._room = threading.Semaphore(WINDOW)
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="bench")
        self._client.username_pw_set("bench", password)
        self._client.max_inflight_messages_set(WINDOW)
        self._client.on_message = self._on_message
        self._client.connect("127.0.0.1", port)
        self._client.subscribe(topics.receipts("bench"))
        self._client.loop_start()

    def send(self, messages: Sequence[tuple[str, bytes]]) -> None:
        """All of them, until each is receipted."""
        for topic, payload in messages:
            self._take()
            self._client.publish(topic, payload, qos=1)
        for _ in range(WINDOW):
            self._take()
        self._client.disconnect()
        self._client.loop_stop()

    def _take(self) -> None:
        if not self._room.acquire(timeout=WITHIN):
            sys.exit("no receipt that it is stored")

    def _on_message(self, _client: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
        entries = json.loads(message.payload)["receipts"]
        stored = sum(outcome == "stored" for _, _, outcome, *_ in entries)
        if stored:
            self._room.release(stored)


def run(count: int = COUNT) -> Report:
    """Measure."""
    first = time.time_ns() // 1_000_000 - count * STEP
    messages = [(str(topic), envelope.pack(each)) for topic, each in envelopes(count, first, STEP)]
    with contextlib.ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        mqtt_port, api_port = free_port(), free_port()
        config = _write_config(directory, mqtt_port, api_port)
        password = Register(directory / "data" / "broker").add("bench")
        command = (ours("collector"), "run", "--config", config)
        collector = stack.enter_context(program(*command, log=directory / "log"))
        _wait(f"http://127.0.0.1:{api_port}/healthz")
        broker = int((directory / "data" / "broker" / "nats-server.pid").read_text())
        pids = (collector.pid, broker)
        sender = Sender(mqtt_port, password)
        began, before = time.monotonic(), [cpu_seconds(pid) for pid in pids]
        sender.send(messages)
        passed = time.monotonic() - began
        used = [cpu_seconds(pid) - start for pid, start in zip(pids, before, strict=True)]
        rss = [resident_mb(pid) for pid in pids]
    values = count * VALUES
    rate, per_value = values / passed, [seconds / values * 1e6 for seconds in used]
    return Report(
        name="end_to_end",
        title=f"{count} envelopes of {VALUES} values, stored and receipted",
        columns=("values/s", "messages/s", "CPU µs/value", "RSS MB"),
        rows=(
            ("all of it", (rate, rate / VALUES, None, None)),
            ("collector", (None, None, per_value[0], rss[0])),
            ("broker (nats-server)", (None, None, per_value[1], rss[1])),
            ("Telegraf's collector, a metric a message, elsewhere", (None, 13_400, None, 29)),
        ),
        line={"values_per_s": rate, "collector_us_per_value": per_value[0]},
    )


def _write_config(directory: Path, mqtt_port: int, api_port: int) -> Path:
    """A collector without rules, with its register to be filled."""
    (directory / "data" / "broker").mkdir(parents=True)
    (directory / "rules.yaml").write_text("schema: alarm-rules/1\nrules: []\n")
    config = {
        "data_dir": str(directory / "data"),
        "broker": {"embedded": {"listen": f"127.0.0.1:{mqtt_port}"}},
        "api": {"listen": f"127.0.0.1:{api_port}"},
        "rules": str(directory / "rules.yaml"),
    }
    path = directory / "collector.yaml"
    path.write_text(json.dumps(config))
    return path


def _wait(url: str) -> None:
    """Until the collector is healthy."""
    deadline = time.monotonic() + WITHIN
    while time.monotonic() < deadline:
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(url).is_success:
                return
        time.sleep(0.1)
    sys.exit("the collector did not start")
