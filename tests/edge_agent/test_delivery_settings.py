"""Promise: nothing is sent in the clear by oversight, and a number is a size or a time."""

from __future__ import annotations

import pytest

from edge_agent.delivery.settings import OutboxSettings, UplinkSettings
from telemetry.settings import SettingsError, parse

TLS = "tls: {ca: ca.pem, certificate: gw-1.pem, key: gw-1.key}"


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost", "127.8.8.8"])
def test_a_broker_on_this_machine_needs_no_tls(host: str) -> None:
    settings = parse(f"host: '{host}'", UplinkSettings, "agent.yaml")

    assert settings.address == f"{host}:1883"


@pytest.mark.parametrize("host", ["192.0.2.7", "broker.example", "::"])
def test_a_broker_elsewhere_needs_tls_or_the_word(host: str) -> None:
    with pytest.raises(SettingsError, match="is not on this machine: give tls"):
        parse(f"host: '{host}'", UplinkSettings, "agent.yaml")

    assert parse(f"host: '{host}'\nplaintext: true", UplinkSettings, "agent.yaml").plaintext
    assert parse(f"host: '{host}'\n{TLS}", UplinkSettings, "agent.yaml").broker_port == 8883


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (f"plaintext: true\n{TLS}", "contradicts tls"),
        ("password_file: secret", "needs a username"),
        ("tls: {ca: ca.pem, key: gw-1.key}", "certificate and key go together"),
        ("retry_after: 0", "more than 0"),
        ("window: 5000", "less than or equal to 1000"),
        ("live_window: 60", "has no unit"),
    ],
)
def test_what_cannot_be_meant_is_refused(text: str, complaint: str) -> None:
    with pytest.raises(SettingsError, match=complaint):
        parse(text, UplinkSettings, "agent.yaml")


def test_a_quarantine_leaves_room_for_what_is_to_be_sent() -> None:
    with pytest.raises(SettingsError, match="at most a quarter of max_size"):
        parse("max_size: 100MB\nquarantine_max: 26MB", OutboxSettings, "agent.yaml")

    small = parse("max_size: 8MB", OutboxSettings, "agent.yaml")
    assert small.quarantine == 2_000_000
