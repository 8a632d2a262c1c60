"""Promise: `edge-agent check` finds what would keep a gateway from working, and says what to do.

Against real brokers, ports and certificates; it disturbs no agent that runs.
"""

from __future__ import annotations

import json
import os
import re
import socket
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from paho.mqtt import publish
from typer.testing import CliRunner

from edge_agent.checks.certificate import Certificate, NoCertificate, certificates, read
from edge_agent.checks.files import EXPIRES_SOON, dated
from edge_agent.checks.finding import Verdict
from edge_agent.checks.machine import clock
from edge_agent.cli import app
from parts.certificates import certificate, make_authority
from parts.collector import collector
from parts.mosquitto import mosquitto
from parts.site import agent, simulated_street
from telemetry.announce import Presence, pack_presence
from telemetry.language import Lang

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from parts.mosquitto import Mosquitto

NOW = datetime(2026, 11, 22, 6, tzinfo=UTC)


def checked(path: Path, *words: str, code: int | None = None) -> dict[str, list[tuple[str, str]]]:
    """By what it is about, each verdict with what it says and what to do."""
    done = CliRunner().invoke(app, ["check", "-c", str(path), "--json", "--lang", "en", *words])
    assert done.exit_code in ((0, 1) if code is None else (code,)), done.output
    found: dict[str, list[tuple[str, str]]] = {}
    for each in json.loads(done.stdout):
        entry = (each["verdict"], f"{each['says']} -> {each['do']}")
        found.setdefault(each["about"], []).append(entry)
    return found


def write(directory: Path, **parts: Any) -> Path:  # noqa: ANN401 - a configuration's parts
    """A configuration without buses."""
    path = directory / "agent.yaml"
    common = {"agent": {"id": "gw-1"}, "data_dir": str(directory), "clock": {"source": "trusted"}}
    path.write_text(yaml.safe_dump(common | parts, sort_keys=False))
    return path


def one(found: dict[str, list[tuple[str, str]]], about: str) -> tuple[str, str]:
    (only,) = found[about]
    return only


# As a whole


@pytest.mark.system
def test_a_site_that_works_is_all_right_while_its_agent_runs_on_undisturbed(
    tmp_path: Path,
) -> None:
    for name in ("centre", "agent"):
        (tmp_path / name).mkdir()
    with (
        collector(tmp_path / "centre") as centre,
        simulated_street(tmp_path) as street,
        agent(
            tmp_path / "agent",
            {
                "buses": street.buses,
                "devices": [each | {"interval": "5s"} for each in street.devices],
            },
        ) as site,
    ):
        site.enrol(centre)
        site.start()
        site.until(lambda: "uplink: connected" in site.log(), "connection")

        found = checked(site.config_file, code=0)
        log = site.log()
        assert site.stop() == 0

    assert one(found, "login")[0] == "ok"
    assert one(found, "collector") == ("ok", "centre is online -> ")
    assert one(found, "password")[0] == "ok"
    assert {verdict for about in found for verdict, _ in found[about]} == {"ok", "warn"}
    assert log.count("uplink:") == 1


def test_it_fits_80_columns_in_both_languages(tmp_path: Path) -> None:
    long = tmp_path / ("a-rather-long-name-of-a-directory" * 3)
    path = write(tmp_path, data_dir=str(long), uplink={"port": 1})
    for lang in Lang:
        done = CliRunner().invoke(app, ["check", "-c", str(path), "--lang", lang])

        assert done.exit_code == 1
        words = [
            word for line in done.stdout.splitlines() if len(line) > 80 for word in line.split()
        ]
        assert not words or str(long) in "".join(words)


def test_help_teaches_by_example() -> None:
    shown = CliRunner().invoke(app, ["check", "--help"])

    assert "  edge-agent check --offline" in shown.output


# Files


def test_the_files_alone_are_checked_offline(tmp_path: Path) -> None:
    found = checked(write(tmp_path, uplink={"port": 1}), "--offline", code=0)

    assert set(found) == {"configuration"}
    assert "edge-agent add" in one(found, "configuration")[1]


def test_a_profile_that_nobody_confirmed_is_told(tmp_path: Path) -> None:
    bus = {"id": "b", "transport": "modbus-tcp", "host": "127.0.0.1"}
    device = {"id": "meter-1", "bus": "b", "profile": "eastron-sdm120"}

    found = checked(write(tmp_path, buses=[bus], devices=[device]), "--offline")

    assert one(found, "profile eastron-sdm120")[0] == "warn"


def test_a_password_that_others_may_read_fails(tmp_path: Path) -> None:
    secret = tmp_path / "password"
    secret.write_text("x")
    secret.chmod(0o644)
    uplink = {"username": "gw-1", "password_file": str(secret)}

    verdict, says = one(checked(write(tmp_path, uplink=uplink), "--offline", code=1), "password")

    assert verdict == "FAIL"
    assert "others may read this secret" in says


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("authority")
    make_authority(directory)
    return directory


def tls(authority: Path, name: str) -> dict[str, str]:
    made, key = certificate(authority, name)
    return {"ca": str(authority / "ca.crt"), "certificate": str(made), "key": str(key)}


def test_certificates_tell_until_when_they_hold(tmp_path: Path, authority: Path) -> None:
    uplink = {"host": "localhost", "tls": tls(authority, "gw-1")}

    found = checked(write(tmp_path, uplink=uplink), "--offline", code=0)

    until = datetime.now(UTC) + timedelta(days=2)
    assert one(found, "authority's certificate")[0] == "warn"  # it holds for two days only
    assert f"gw-1, until {until:%Y-%m-%d}" in one(found, "own certificate")[1]


def test_a_certificate_of_another_name_is_told(tmp_path: Path, authority: Path) -> None:
    uplink = {"host": "localhost", "tls": tls(authority, "gw-2")}

    found = checked(write(tmp_path, uplink=uplink), "--offline")["own certificate"]

    assert any("its name is 'gw-2', this agent is 'gw-1'" in says for _, says in found)


def test_a_key_of_another_certificate_fails(tmp_path: Path, authority: Path) -> None:
    other = tls(authority, "gw-3")["key"]
    uplink = {"host": "localhost", "tls": tls(authority, "gw-1") | {"key": other}}

    found = checked(write(tmp_path, uplink=uplink), "--offline", code=1)["own certificate"]

    assert any("is not the key of" in says for _, says in found)


def test_a_file_that_is_no_certificate_fails(tmp_path: Path, authority: Path) -> None:
    (tmp_path / "ca.pem").write_text("hello")
    uplink = {"tls": tls(authority, "gw-1") | {"ca": str(tmp_path / "ca.pem")}}

    found = checked(write(tmp_path, uplink=uplink), "--offline", code=1)

    assert "no certificate in PEM" in found["authority's certificate"][0][1]


@pytest.mark.parametrize(
    ("now", "verdict"),
    [
        (NOW - timedelta(days=2), Verdict.FAIL),
        (NOW, Verdict.OK),
        (NOW + timedelta(days=365) - EXPIRES_SOON, Verdict.WARN),
        (NOW + timedelta(days=365), Verdict.FAIL),
    ],
)
def test_a_certificate_warns_before_it_expires(now: datetime, verdict: Verdict) -> None:
    made = Certificate("gw-1", NOW - timedelta(days=1), NOW + timedelta(days=365))

    assert dated(made, "x", now, Lang.EN).verdict is verdict


def test_every_certificate_of_a_file_is_read(authority: Path) -> None:
    made, _ = certificate(authority, "gw-1")

    found = certificates(made.read_bytes() + (authority / "ca.crt").read_bytes())

    assert [each.name for each in found] == ["gw-1", "authority"]


@given(st.binary(max_size=200))
def test_bytes_that_are_no_certificate_are_refused(data: bytes) -> None:
    with pytest.raises(NoCertificate):
        read(data)


@given(st.data())
def test_a_certificate_that_is_cut_off_or_changed_never_ends_in_another_error(
    authority: Path, data: st.DataObject
) -> None:
    pem = (authority / "ca.crt").read_bytes()
    at = data.draw(st.integers(0, len(pem) - 1))
    broken = pem[:at] + data.draw(st.binary(max_size=2)) + pem[at + 1 :]
    try:
        found = certificates(broken)
    except NoCertificate:
        return
    assert all(isinstance(each, Certificate) for each in found)


# This machine


def test_a_directory_that_is_not_there_fails(tmp_path: Path) -> None:
    path = write(tmp_path, data_dir=str(tmp_path / "none"), uplink={"port": 1})

    verdict, says = one(checked(path, code=1), "outbox")

    assert verdict == "FAIL"
    assert f"install -d {tmp_path}/none" in says


def test_a_disk_that_is_smaller_than_the_outbox_may_grow_warns(tmp_path: Path) -> None:
    path = write(tmp_path, outbox={"max_size": "9999999GB"}, uplink={"port": 1})

    verdict, says = one(checked(path), "outbox")

    assert verdict == "warn"
    assert "a full disk drops the oldest data" in says


@pytest.mark.parametrize(
    ("year", "synced", "verdict"),
    [(1970, True, "FAIL"), (2025, True, "FAIL"), (2026, True, "ok"), (2026, False, "warn")],
)
def test_a_clock_that_cannot_be_right_fails(year: int, verdict: str, *, synced: bool) -> None:
    now = datetime(year, 6, 1, tzinfo=UTC)

    assert clock(now, Lang.EN, synced=synced, trusted=False).verdict == verdict


# Buses


def rtu(port: object) -> dict[str, object]:
    return {"id": "rs485", "transport": "modbus-rtu", "port": str(port)}


@pytest.mark.parametrize(
    ("make", "says"),
    [(False, "No such file or directory"), (True, "is no serial port")],
)
def test_a_port_that_is_not_there_or_is_none_fails(
    tmp_path: Path, says: str, *, make: bool
) -> None:
    port = tmp_path / "ttyUSB0"
    if make:
        port.touch()

    verdict, told = one(
        checked(write(tmp_path, buses=[rtu(port)], uplink={"port": 1})), "bus rs485"
    )

    assert verdict == "FAIL"
    assert says in told
    assert "edge-agent ports" in told


def test_a_port_that_is_there_is_right(tmp_path: Path) -> None:
    ours, theirs = os.openpty()
    path = write(tmp_path, buses=[rtu(os.ttyname(theirs))], uplink={"port": 1})

    found = one(checked(path), "bus rs485")

    os.close(ours)
    os.close(theirs)
    assert found[0] == "ok"


def test_a_bus_that_is_asked_too_much_warns(tmp_path: Path) -> None:
    ours, theirs = os.openpty()
    device = {"id": "m", "bus": "rs485", "profile": "eastron-sdm120", "interval": "10ms"}
    path = write(tmp_path, buses=[rtu(os.ttyname(theirs))], devices=[device], uplink={"port": 1})

    found = checked(path)["bus rs485"]

    os.close(ours)
    os.close(theirs)
    assert any(verdict == "FAIL" and "which it does not have" in says for verdict, says in found)


def test_a_device_in_the_network_that_refuses_fails(tmp_path: Path) -> None:
    bus = {"id": "cabinet", "transport": "modbus-tcp", "host": "127.0.0.1", "port": 1}

    verdict, says = one(checked(write(tmp_path, buses=[bus], uplink={"port": 1})), "bus cabinet")

    assert verdict == "FAIL"
    assert "Connection refused" in says


# The broker


def test_a_broker_that_is_not_there_fails(tmp_path: Path) -> None:
    verdict, says = one(checked(write(tmp_path, uplink={"port": 1}), code=1), "broker")

    assert verdict == "FAIL"
    assert "127.0.0.1:1 cannot be reached: Connection refused" in says


def test_something_that_is_no_broker_fails_at_the_login(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        found = checked(write(tmp_path, uplink={"port": mute.getsockname()[1]}), code=1)

    assert one(found, "login")[0] == "FAIL"


def test_without_a_collector_it_warns_that_data_will_wait(
    tmp_path: Path, broker: Mosquitto
) -> None:
    found = checked(write(tmp_path, uplink={"port": broker.port}), code=0)

    assert one(found, "login")[0] == "ok"
    assert one(found, "collector")[0] == "warn"


def announce(broker: Mosquitto, presence: Presence) -> None:
    publish.single(
        "ct/v1/collector/centre/presence",
        pack_presence(presence),
        qos=1,
        retain=True,
        hostname="127.0.0.1",
        port=broker.port,
    )


@pytest.mark.parametrize(
    ("presence", "verdict", "says"),
    [
        (Presence(online=True, boot="b"), "ok", "centre is online"),
        (Presence(online=True, boot="b", store="down"), "warn", "its store is down"),
        (Presence(online=False, boot="b"), "warn", "none is online"),
    ],
)
def test_it_tells_whether_a_collector_stores(
    tmp_path: Path, broker: Mosquitto, presence: Presence, verdict: str, says: str
) -> None:
    announce(broker, presence)

    found = one(checked(write(tmp_path, uplink={"port": broker.port})), "collector")

    assert found[0] == verdict
    assert says in found[1]


@pytest.fixture
def locked(tmp_path: Path) -> Iterator[Mosquitto]:
    """A broker that admits nobody, and so knows no password."""
    (tmp_path / "broker").mkdir()
    users = tmp_path / "broker" / "users"
    users.touch(mode=0o600)
    extra = f"allow_anonymous false\npassword_file {users}"
    with mosquitto(tmp_path / "broker", extra) as running:
        yield running


def test_a_login_that_is_refused_fails(tmp_path: Path, locked: Mosquitto) -> None:
    verdict, says = one(checked(write(tmp_path, uplink={"port": locked.port}), code=1), "login")

    assert verdict == "FAIL"
    assert re.search("[Nn]ot authori[sz]ed", says), says
    assert "collector agents list" in says


@pytest.fixture
def secured(tmp_path: Path, authority: Path) -> Iterator[Mosquitto]:
    """A broker with a certificate for localhost."""
    made, key = certificate(authority, "localhost")
    (tmp_path / "broker").mkdir()
    with mosquitto(tmp_path / "broker", f"certfile {made}\nkeyfile {key}") as running:
        yield running


def test_a_broker_is_met_over_tls(tmp_path: Path, authority: Path, secured: Mosquitto) -> None:
    uplink = {"host": "localhost", "port": secured.port, "tls": tls(authority, "gw-1")}

    found = checked(write(tmp_path, uplink=uplink), code=0)

    assert "localhost, until" in one(found, "broker's certificate")[1]
    assert one(found, "login")[0] == "ok"


def test_a_broker_under_another_name_than_its_certificates_fails(
    tmp_path: Path, authority: Path, secured: Mosquitto
) -> None:
    uplink = {"host": "127.0.0.1", "port": secured.port, "tls": tls(authority, "gw-1")}

    verdict, says = one(checked(write(tmp_path, uplink=uplink), code=1), "broker's certificate")

    assert verdict == "FAIL"
    assert "set uplink.host to a name" in says


def test_a_broker_that_another_authority_signed_fails(
    tmp_path: Path, authority: Path, secured: Mosquitto
) -> None:
    make_authority(tmp_path)
    uplink = {
        "host": "localhost",
        "port": secured.port,
        "tls": tls(authority, "gw-1") | {"ca": str(tmp_path / "ca.crt")},
    }

    verdict, says = one(checked(write(tmp_path, uplink=uplink), code=1), "broker's certificate")

    assert verdict == "FAIL"
    assert "uplink.tls.ca is not the authority" in says


def test_a_port_without_tls_is_told_from_one_with(
    tmp_path: Path, authority: Path, broker: Mosquitto
) -> None:
    uplink = {"host": "localhost", "port": broker.port, "tls": tls(authority, "gw-1")}

    found = checked(write(tmp_path, uplink=uplink), code=1)

    assert "does that port speak TLS" in one(found, "broker's certificate")[1]
