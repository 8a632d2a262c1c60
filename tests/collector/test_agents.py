"""An agent is enrolled by one file, and its password is nowhere that others can read."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
import yaml

from collector.broker.agents import AgentExists, NoSuchAgent, NotAnAgentId, Register, enrolment
from collector.broker.settings import BrokerTls, EmbeddedBroker
from collector.private_files import Damaged
from telemetry.enrolment import spell

if TYPE_CHECKING:
    from pathlib import Path


def test_a_new_agent_is_in_the_register_with_a_password_of_its_own(tmp_path: Path) -> None:
    register = Register(tmp_path)

    first, second = register.add("gw-1"), register.add("gw-2")

    assert register.passwords() == {"gw-1": first, "gw-2": second}
    assert first != second


def test_an_agent_cannot_be_added_twice(tmp_path: Path) -> None:
    register = Register(tmp_path)
    password = register.add("gw-1")

    with pytest.raises(AgentExists, match="gw-1"):
        register.add("gw-1")

    assert register.passwords() == {"gw-1": password}


@pytest.mark.parametrize("name", ["GW-1", "gw.1", "gw 1", "", "collector", "a" * 41, "gw/+"])
def test_what_cannot_be_in_a_topic_cannot_be_an_agent(tmp_path: Path, name: str) -> None:
    with pytest.raises(NotAnAgentId):
        Register(tmp_path).add(name)


def test_a_removed_agent_is_out(tmp_path: Path) -> None:
    register = Register(tmp_path)
    register.add("gw-1")

    register.remove("gw-1")

    assert register.passwords() == {}
    with pytest.raises(NoSuchAgent):
        register.remove("gw-1")


def test_agents_that_are_added_at_the_same_time_are_all_in(tmp_path: Path) -> None:
    """Ansible enrols many gateways at once, each with a command of its own."""
    names = [f"gw-{number}" for number in range(40)]

    with ThreadPoolExecutor(8) as pool:
        added = list(pool.map(lambda name: Register(tmp_path).add(name), names))

    assert Register(tmp_path).passwords() == dict(zip(names, added, strict=True))


def test_a_register_that_is_no_register_is_told_with_its_name(tmp_path: Path) -> None:
    (tmp_path / "agents.json").write_text("{broken")

    with pytest.raises(Damaged, match=r"agents\.json is damaged"):
        Register(tmp_path).add("gw-1")


def test_the_collectors_password_stays(tmp_path: Path) -> None:
    assert Register(tmp_path).collector_password() == Register(tmp_path).collector_password()


def test_the_register_is_for_its_owner_alone(tmp_path: Path) -> None:
    Register(tmp_path).add("gw-1")

    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}


def test_the_bundle_holds_all_that_a_gateway_needs(tmp_path: Path) -> None:
    ca = tmp_path / "ca.crt"
    ca.write_text("-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n")
    broker = EmbeddedBroker.model_validate(
        {
            "listen": "0.0.0.0:8883",
            "advertise": "telemetry.example.vn",
            "tls": BrokerTls(certificate=tmp_path / "c", key=tmp_path / "k", ca=ca),
        }
    )

    bundle = yaml.safe_load(spell(enrolment("gw-1", "secret", broker)))

    assert bundle == {
        "schema": "enrolment/1",
        "agent": "gw-1",
        "host": "telemetry.example.vn",
        "port": 8883,
        "username": "gw-1",
        "password": "secret",
        "ca": ca.read_text(),
    }
