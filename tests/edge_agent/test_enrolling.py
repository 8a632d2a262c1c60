"""One file from the collector makes an agent send there, and nothing else of it changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from edge_agent.cli import app
from edge_agent.config import AgentConfig
from edge_agent.setup import enrolling
from telemetry import enrolment, settings
from telemetry.enrolment import Enrolment
from telemetry.settings import SettingsError

if TYPE_CHECKING:
    from pathlib import Path

PEM = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
BUNDLE = Enrolment(
    agent="gw-1",
    host="telemetry.example.vn",
    port=8883,
    username="gw-1",
    password="s3",  # noqa: S106 - no secret
    ca=PEM,
)
HEAD = """\
# of the pumping station
agent: {id: gw-1}
"""
TAIL = """\
# no devices yet
devices: []
"""


@pytest.mark.parametrize(
    "uplink",
    [
        "",
        "uplink: {host: 127.0.0.1}\n",
        "uplink:\n  host: 127.0.0.1   # for now\n\n# a remark\n  window: 20\n",
    ],
)
@pytest.mark.parametrize("tail", ["", "\n" + TAIL, "buses: []\n" + TAIL])
def test_only_the_uplink_changes(tmp_path: Path, uplink: str, tail: str) -> None:
    config = tmp_path / "agent.yaml"
    config.write_text(HEAD + uplink + tail)
    before = settings.load(config, AgentConfig)

    enrolling.apply(BUNDLE, config)

    after = settings.load(config, AgentConfig)
    assert (after.uplink.host, after.uplink.port) == ("telemetry.example.vn", 8883)
    assert after.uplink.username == "gw-1"
    assert after.model_copy(update={"uplink": before.uplink}) == before
    assert "# of the pumping station" in config.read_text()
    assert (tmp_path / "agent.yaml.before-enrolment").read_text() == HEAD + uplink + tail


def test_the_secrets_can_be_read_by_the_agent_and_not_by_others(tmp_path: Path) -> None:
    config = tmp_path / "agent.yaml"
    config.write_text(HEAD)

    enrolling.apply(BUNDLE, config)

    uplink = settings.load(config, AgentConfig).uplink
    assert uplink.password_file is not None
    assert uplink.tls is not None
    assert settings.read_secret(uplink.password_file) == "s3"
    assert uplink.tls.ca.read_text() == PEM
    assert {path.stat().st_mode & 0o007 for path in tmp_path.iterdir()} == {0}


def test_without_an_authority_the_uplink_has_no_tls(tmp_path: Path) -> None:
    config = tmp_path / "agent.yaml"
    config.write_text(HEAD)

    enrolling.apply(BUNDLE.model_copy(update={"host": "127.0.0.1", "ca": None}), config)

    assert settings.load(config, AgentConfig).uplink.tls is None


def test_the_bundle_of_another_agent_changes_nothing(tmp_path: Path) -> None:
    config = tmp_path / "agent.yaml"
    config.write_text(HEAD)

    with pytest.raises(enrolling.CannotEnrol, match="'gw-1'; the bundle is of 'gw-2'"):
        enrolling.apply(BUNDLE.model_copy(update={"agent": "gw-2"}), config)

    assert [path.name for path in tmp_path.iterdir()] == ["agent.yaml"]


def test_a_bundle_that_would_send_in_the_clear_is_refused(tmp_path: Path) -> None:
    config = tmp_path / "agent.yaml"
    config.write_text(HEAD)

    with pytest.raises(SettingsError, match="not on this machine"):
        enrolling.apply(BUNDLE.model_copy(update={"ca": None}), config)

    assert [path.name for path in tmp_path.iterdir()] == ["agent.yaml"]


def test_the_command_applies_what_the_collector_wrote(tmp_path: Path) -> None:
    config, bundle = tmp_path / "agent.yaml", tmp_path / "gw-1.enroll.yaml"
    config.write_text(HEAD)
    bundle.write_text(enrolment.spell(BUNDLE))

    done = CliRunner().invoke(app, ["enroll", str(bundle), "-c", str(config)])

    assert done.exit_code == 0, done.output
    assert f"wrote {config}" in done.output
    assert settings.load(config, AgentConfig).uplink.host == "telemetry.example.vn"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("schema: enrolment/2", "schema"),
        ("agent: gw-1", "is missing"),
        (enrolment.spell(BUNDLE).replace("gw-1", "gw-2"), "the bundle is of 'gw-2'"),
    ],
)
def test_a_bundle_that_does_not_fit_ends_with_2(tmp_path: Path, text: str, told: str) -> None:
    config, bundle = tmp_path / "agent.yaml", tmp_path / "x.enroll.yaml"
    config.write_text(HEAD)
    bundle.write_text(text)

    done = CliRunner().invoke(app, ["enroll", str(bundle), "-c", str(config)])

    assert done.exit_code == 2
    assert told in done.output
