"""A configuration that would not work, or would be unsafe, is refused with its line."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector import config, starter
from collector.address import Address
from collector.alarms import rules
from collector.config import CollectorConfig
from collector.stores.settings import InfluxSettings, SqliteSettings
from telemetry import settings
from telemetry.settings import SettingsError

TLS = "certificate: /c, key: /k, ca: /a"


def parse(text: str) -> CollectorConfig:
    return settings.parse(text, CollectorConfig, "collector.yaml")


def test_a_data_directory_is_enough() -> None:
    made = parse("data_dir: /var/lib/ct")

    assert made.store == SqliteSettings(path=Path("/var/lib/ct/samples.db"))
    assert made.broker.embedded is not None
    assert made.broker.embedded.listen == ("127.0.0.1", 1883)
    assert made.api.listen == ("127.0.0.1", 8420)
    assert made.mqtt.client_id == "centre"
    assert made.mqtt.username == "collector"
    assert made.mqtt.password == Path("/var/lib/ct/broker/collector.password")


def test_a_sqlite_store_may_be_elsewhere_with_its_retention() -> None:
    made = parse(
        "data_dir: /d\nstore: {kind: sqlite, path: /fast/s.db, retention: {raw: 30, hourly: 400}}"
    )

    assert isinstance(made.store, SqliteSettings)
    assert made.store.path == Path("/fast/s.db")
    assert made.store.retention.raw == 30


def test_an_influx_store_is_taken_as_it_is() -> None:
    made = parse("data_dir: /d\nstore: {kind: influxdb, version: 1, url: 'http://127.0.0.1:8086'}")

    assert isinstance(made.store, InfluxSettings)


def test_a_broker_elsewhere_is_reached_under_the_collectors_id() -> None:
    made = parse("data_dir: /d\ncollector: {id: hanoi-1}\nbroker: {external: {host: 127.0.0.1}}")

    assert made.broker.embedded is None
    assert made.mqtt.client_id == "hanoi-1"


def test_with_tls_the_collector_itself_checks_the_brokers_name() -> None:
    made = parse(
        """
data_dir: /d
broker:
  embedded:
    listen: 0.0.0.0:8883
    advertise: telemetry.example.vn
    tls: {certificate: /c, key: /k, ca: /ca}
"""
    )

    assert made.mqtt.host == "telemetry.example.vn"
    assert made.mqtt.tls is not None
    assert made.mqtt.tls.ca == Path("/ca")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "collector.yaml:1: data_dir — is missing"),
        ("data_dir: /d\nstor: {}", "collector.yaml:2: stor — no such key here; did you mean"),
        ("data_dir: /d\ncollector: {id: A}", "collector.yaml:2: collector.id — 'A' is no id"),
        ("data_dir: /d\ncollector: {id: collector}", "'collector' is no id"),
        (
            "data_dir: /d\napi: {listen: '0.0.0.0:8420'}",
            "collector.yaml:2: api — listening on 0.0.0.0:8420 needs tls",
        ),
        ("data_dir: /d\napi: {listen: 8420}", "collector.yaml:2: api.listen — should be an addr"),
        ("data_dir: /d\nbroker: {}", "should have exactly one of embedded, external"),
        (
            "data_dir: /d\nbroker: {embedded: {}, external: {}}",
            "should have exactly one of embedded, external",
        ),
        (
            "data_dir: /d\nbroker:\n  embedded:\n    listen: 192.0.2.1:1883",
            "collector.yaml:3: broker.embedded — listening on 192.0.2.1:1883 needs tls",
        ),
        (
            f"data_dir: /d\nbroker: {{embedded: {{listen: '[::]:1', tls: {{{TLS}}}}}}}",
            "needs advertise",
        ),
        (
            f"data_dir: /d\nbroker: {{embedded: {{tls: {{{TLS}, client_ca: /a}}}}}}",
            "client_ca needs own_certificate and own_key",
        ),
    ],
)
def test_what_is_wrong_is_told_with_its_line(text: str, problem: str) -> None:
    with pytest.raises(SettingsError) as refused:
        parse(text)

    assert problem in str(refused.value)


def test_the_first_configuration_is_right_and_has_its_rules_and_secrets(tmp_path: Path) -> None:
    written = starter.write(tmp_path / "collector.yaml", tmp_path / "data")

    made = config.load(tmp_path / "collector.yaml")
    assert made.data_dir == tmp_path / "data"
    assert made.rules is not None
    assert rules.load(made.rules) == ()
    assert (tmp_path / "data/local.token").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "data/broker/collector.password").exists()
    assert {path.name for path in written} == {"collector.yaml", "rules.yaml", "data"}


@pytest.mark.parametrize("name", ["collector.yaml", "rules.yaml"])
def test_the_first_configuration_never_overwrites(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("mine")

    with pytest.raises(starter.AlreadyThere, match=name):
        starter.write(tmp_path / "collector.yaml", tmp_path / "data")

    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_text() == "mine"


def test_the_rule_in_the_comments_of_the_first_rules_is_right(tmp_path: Path) -> None:
    lines = config.STARTER_RULES.replace("rules: []", "rules:").splitlines()
    shown = "\n".join(line.replace("#  ", "  ", 1) for line in lines)
    (tmp_path / "rules.yaml").write_text(shown)

    assert [rule.id for rule in rules.load(tmp_path / "rules.yaml")] == ["mains-high"]


@given(st.integers(0, 65_535), st.sampled_from(["127.0.0.1", "::1", "centre.example", "::"]))
def test_an_address_reads_as_it_is_spelt(port: int, host: str) -> None:
    address = Address(host, port)

    assert Address.parse(str(address)) == address


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("127.0.0.1", True),
        ("127.8.8.8", True),
        ("::1", True),
        ("localhost", True),
        ("::", False),
        ("10.0.0.1", False),
        ("localhost.example", False),
    ],
)
def test_only_this_machine_is_loopback(host: str, loopback: bool) -> None:  # noqa: FBT001 - a parameter of the table
    assert Address(host, 1).is_loopback is loopback
