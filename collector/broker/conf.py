"""What the embedded broker is told: its listener, its store, and who may say what.

nats-server maps an MQTT topic `ct/v1/gw-1/up/…` to the subject `ct.v1.gw-1.up.…`; permissions are
about subjects. An agent publishes on its own `up` branch and reads its own `down` branch, its own
status (to see an older will speak in its name) and the collectors' presence; whatever else it asks
for is denied. A restricted user needs none of the server's internal `$MQTT.` subjects (measured on
2.15.1: QoS 0 and 1, retained messages, wills, clean and kept sessions).

The users stand in a file of their own, because the server refuses a reload as a whole when
something that only a restart can change stands beside them.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from telemetry.envelope import MAX_BYTES

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from collector.broker.settings import BrokerTls, EmbeddedBroker

COLLECTOR_USER = "collector"
"""The collector's own user; no agent may have this id (`telemetry.names.RESERVED_AGENTS`)."""

USERS_FILE = "users.conf"
COLLECTOR_PASSWORD_FILE = "collector.password"  # noqa: S105 - a file's name

MAX_PAYLOAD = MAX_BYTES + 4096
"""Bytes: the largest envelope with its topic and headers."""

MAX_ACK_PENDING = 1000
"""Unacknowledged QoS 1 messages a subscription; the collector acknowledges at once."""

MAX_MEMORY = 64 * 1024 * 1024
"""Bytes that the server's own memory streams may take; it uses next to nothing."""


def render_server(broker: EmbeddedBroker, store: Path) -> str:
    """The server's configuration, with its streams in `store`."""
    mqtt: dict[str, Any] = {
        "listen": str(broker.listen),
        "max_ack_pending": MAX_ACK_PENDING,
        "ack_wait": "30s",
    }
    if broker.tls:
        mqtt["tls"] = _tls(broker.tls)
    document = {
        "server_name": "city-telemetry",
        "listen": "127.0.0.1:-1",  # NATS's own protocol cannot be turned off; nobody may use it
        "max_payload": MAX_PAYLOAD,
        "jetstream": {
            "store_dir": str(store),
            "max_file_store": broker.store_size,
            "max_memory_store": MAX_MEMORY,
        },
        "mqtt": mqtt,
    }
    lines = [f"{key}: {json.dumps(value)}" for key, value in document.items()]
    return "\n".join([*lines, f"include {USERS_FILE}", ""])


def render_users(collector_password: str, agents: Mapping[str, str]) -> str:
    """Who may connect: the collector, and agents by id with their passwords."""
    users = [
        _user(
            COLLECTOR_USER,
            collector_password,
            publish=["ct.v1.*.down.>", "ct.v1.collector.*.presence"],
            subscribe=["ct.v1.*.up", "ct.v1.*.up.>", "ct.v1.collector.*.presence"],
        )
    ]
    users += [
        _user(
            agent,
            password,
            publish=[f"ct.v1.{agent}.up.>"],
            # its own status too: who sees its own `offline` says `online` again
            subscribe=[
                f"ct.v1.{agent}.down.>",
                f"ct.v1.{agent}.up.status",
                "ct.v1.collector.*.presence",
            ],
        )
        for agent, password in sorted(agents.items())
    ]
    return f"authorization: {json.dumps({'users': users}, indent=1)}\n"


def _user(name: str, password: str, *, publish: list[str], subscribe: list[str]) -> dict[str, Any]:
    return {
        "user": name,
        "password": password,
        "allowed_connection_types": ["MQTT"],
        "permissions": {"publish": {"allow": publish}, "subscribe": {"allow": subscribe}},
    }


def _tls(tls: BrokerTls) -> dict[str, Any]:
    document: dict[str, Any] = {"cert_file": str(tls.certificate), "key_file": str(tls.key)}
    if tls.client_ca:
        document |= {"ca_file": str(tls.client_ca), "verify_and_map": True}
    return document
