"""The embedded broker lets an agent speak and hear on its own branch, and nowhere else."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from collector import private_files
from collector.broker import conf
from collector.broker.child import find_program
from collector.broker.settings import BrokerTls, EmbeddedBroker
from parts.certificates import certificate, make_authority
from parts.mqtt import ClientTls, Refused, mqtt_client
from parts.processes import free_port, running
from telemetry.envelope import MAX_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

AGENTS = {"gw-1": "first-password", "gw-2": "second-password"}
COLLECTOR = ("collector", "collectors-password")


@contextlib.contextmanager
def nats(directory: Path, tls: BrokerTls | None = None) -> Iterator[int]:
    port = free_port()
    broker = EmbeddedBroker.model_validate({"listen": f"127.0.0.1:{port}", "tls": tls})
    private_files.write(directory / "server.conf", conf.render_server(broker, directory / "store"))
    private_files.write(directory / conf.USERS_FILE, conf.render_users(COLLECTOR[1], AGENTS))
    command = [str(find_program()), "-c", str(directory / "server.conf")]
    with running(command, port=port, log=directory / "nats.log"):
        yield port


@pytest.fixture
def port(tmp_path: Path) -> Iterator[int]:
    with nats(tmp_path) as opened:
        yield opened


@pytest.mark.parametrize("qos", [0, 1])
def test_what_an_agent_says_on_its_own_branch_reaches_the_collector(port: int, qos: int) -> None:
    with (
        mqtt_client(port, *COLLECTOR) as collector,
        mqtt_client(port, "gw-1", AGENTS["gw-1"]) as agent,
    ):
        assert collector.subscribe("ct/v1/+/up/#", qos)
        agent.publish("ct/v1/gw-1/up/live/00000000000000aa/1", b"envelope", qos=qos)
        agent.publish("ct/v1/gw-1/up/about", b"about", qos=qos, retain=True)

        collector.wait_until_heard(b"envelope")
        collector.wait_until_heard(b"about")


def test_what_an_agent_says_on_another_branch_reaches_nobody(port: int) -> None:
    with (
        mqtt_client(port, *COLLECTOR) as collector,
        mqtt_client(port, "gw-2", AGENTS["gw-2"]) as neighbour,
        mqtt_client(port, "gw-1", AGENTS["gw-1"]) as agent,
    ):
        collector.subscribe("ct/v1/+/up/#", 1)
        neighbour.subscribe("ct/v1/gw-2/down/receipts", 1)
        neighbour.subscribe("ct/v1/collector/+/presence", 1)

        for topic in (
            "ct/v1/gw-2/up/live/00000000000000aa/1",
            "ct/v1/gw-2/up/status",
            "ct/v1/gw-2/down/receipts",
            "ct/v1/gw-1/down/receipts",
            "ct/v1/collector/centre/presence",
            "$MQTT/msgs/ct/v1/gw-2/up/about",
        ):
            agent.publish(topic, b"forged", retain=True)
        agent.publish("ct/v1/gw-1/up/about", b"the last word")
        collector.wait_until_heard(b"the last word")

        assert collector.heard == [("ct/v1/gw-1/up/about", b"the last word")]
        assert neighbour.heard == []


def test_a_forged_retained_message_does_not_stay(port: int) -> None:
    with mqtt_client(port, "gw-1", AGENTS["gw-1"]) as agent:
        agent.publish("ct/v1/collector/centre/presence", b"forged", retain=True)

    with mqtt_client(port, *COLLECTOR) as collector:
        collector.publish("ct/v1/collector/other/presence", b"true", retain=True)
        collector.subscribe_until_heard("ct/v1/collector/+/presence", b"true")

        assert {payload for _, payload in collector.heard} == {b"true"}


@pytest.mark.parametrize("qos", [0, 1])
@pytest.mark.parametrize(
    "topic",
    [
        "#",
        "+/+/+/#",
        "ct/v1/+/up/#",
        "ct/v1/+/down/receipts",
        "ct/v1/gw-2/down/receipts",
        "ct/v1/gw-2/up/about",
        "$MQTT/#",
        "$MQTT/sub/#",
        "$MQTT/msgs/#",
        "$JS/#",
        "$SYS/#",
    ],
)
def test_an_agent_may_not_read_what_is_not_for_it(port: int, topic: str, qos: int) -> None:
    with mqtt_client(port, "gw-1", AGENTS["gw-1"]) as agent:
        assert not agent.subscribe(topic, qos)


@pytest.mark.parametrize("qos", [0, 1])
def test_an_agent_hears_its_receipts_and_the_collectors_presence(port: int, qos: int) -> None:
    with (
        mqtt_client(port, *COLLECTOR) as collector,
        mqtt_client(port, "gw-1", AGENTS["gw-1"]) as agent,
    ):
        collector.publish("ct/v1/collector/centre/presence", b"online", retain=True)

        assert agent.subscribe("ct/v1/gw-1/down/receipts", qos)
        agent.subscribe_until_heard("ct/v1/collector/+/presence", b"online", qos)
        assert agent.subscribe("ct/v1/gw-1/up/status", qos)
        collector.publish("ct/v1/gw-1/down/receipts", b"stored", qos=0)

        agent.wait_until_heard(b"stored")


def test_the_last_will_of_an_agent_is_said(port: int) -> None:
    with (
        mqtt_client(port, *COLLECTOR) as collector,
        mqtt_client(
            port, "gw-1", AGENTS["gw-1"], will=("ct/v1/gw-1/up/status", b"offline")
        ) as agent,
    ):
        collector.subscribe("ct/v1/+/up/#", 1)

        agent.break_connection()

        collector.wait_until_heard(b"offline")


@pytest.mark.parametrize(
    ("user", "password"),
    [("gw-1", "second-password"), ("gw-1", ""), ("gw-3", "first-password"), ("collector", "")],
)
def test_a_wrong_password_is_refused(port: int, user: str, password: str) -> None:
    with pytest.raises(Refused), mqtt_client(port, user, password):
        pass


def test_the_largest_envelope_passes(port: int) -> None:
    largest = bytes(MAX_BYTES)
    with (
        mqtt_client(port, *COLLECTOR) as collector,
        mqtt_client(port, "gw-1", AGENTS["gw-1"]) as agent,
    ):
        collector.subscribe("ct/v1/+/up/#", 1)

        agent.publish("ct/v1/gw-1/up/backlog/00000000000000aa/9223372036854775807", largest)

        collector.wait_until_heard(largest)


@pytest.fixture
def authority(tmp_path: Path) -> Path:
    make_authority(tmp_path)
    return tmp_path


def test_tls_carries_the_same_sessions(authority: Path) -> None:
    made, key = certificate(authority, "localhost")

    with (
        nats(authority, BrokerTls(certificate=made, key=key, ca=authority / "ca.crt")) as port,
        mqtt_client(port, "gw-1", AGENTS["gw-1"], tls=ClientTls(authority / "ca.crt")) as agent,
    ):
        assert agent.subscribe("ct/v1/gw-1/down/receipts")


def test_with_client_certificates_the_name_in_it_decides(authority: Path) -> None:
    ca = authority / "ca.crt"
    made, key = certificate(authority, "localhost")
    first_made, first_key = certificate(authority, "gw-1")
    tls = BrokerTls(
        certificate=made, key=key, ca=ca, client_ca=ca, own_certificate=made, own_key=key
    )
    with_certificate = ClientTls(ca, first_made, first_key)

    with nats(authority, tls) as port:
        with mqtt_client(port, "gw-1", AGENTS["gw-1"], tls=with_certificate) as agent:
            assert agent.subscribe("ct/v1/gw-1/down/receipts")
        with (
            pytest.raises(Refused),
            mqtt_client(port, "gw-2", AGENTS["gw-2"], tls=with_certificate),
        ):
            pass


@pytest.mark.parametrize("listen", ["0.0.0.0:1883", "[::]:1883", "192.0.2.7:1883", "centre:1883"])
def test_listening_off_loopback_needs_tls(listen: str) -> None:
    with pytest.raises(ValidationError, match="needs tls"):
        EmbeddedBroker.model_validate({"listen": listen})


@given(st.text(min_size=1))
def test_no_password_can_break_out_of_its_quotes(password: str) -> None:
    text = conf.render_users(password, {})

    assert text.count("\n") == conf.render_users("plain", {}).count("\n")
