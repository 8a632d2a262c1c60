"""Promise: who answers the questions, or gives the words, has a file that loads."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from device_profiles import loader
from edge_agent.cli import app, suggestions
from edge_agent.site import site as sites
from parts.site import simulated_street
from telemetry.language import Lang

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from typer.testing import Result

    from device_profiles.model import Profile

THREE = (
    *("--bus", "id=rs485 port=/dev/ttyUSB0 baud=19200", "--bus", "id=cabinet host=192.0.2.10"),
    *("--device", "id=meter-1 bus=rs485 unit=1 profile=eastron-sdm120"),
    *("--device", "id=meter-2 bus=rs485 unit=2 profile=eastron-sdm120"),
    *("--device", "id=air-1 bus=cabinet profile=air-station label='Market hall'"),
)


def edge_agent(*words: object, answers: str = "") -> Result:
    result = CliRunner().invoke(app, [str(word) for word in words], input=answers)
    if result.exception is not None:
        assert isinstance(result.exception, SystemExit), result.exception
    return result


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "agent.yaml"


def init(path: Path, *words: object) -> Result:
    return edge_agent("init", "--non-interactive", "-o", path, "--id", "gw-1", *words)


# In one command


def test_three_devices_on_two_buses_are_one_command(path: Path) -> None:
    shown = init(path, "--site", "market-hall", "--data-dir", path.parent, *THREE)

    assert shown.exit_code == 0, shown.output
    site = sites.load(path)
    assert (site.config.agent.id, site.config.agent.site) == ("gw-1", "market-hall")
    assert [bus.place for bus in site.config.buses] == ["/dev/ttyUSB0 19200 8N1", "192.0.2.10:502"]
    assert [device.id for device in site.devices] == ["meter-1", "meter-2", "air-1"]
    assert site.config.devices[2].label == "Market hall"


def test_a_bus_of_devices_that_speak_no_modbus_is_one_for_bytes(path: Path) -> None:
    profile = next(
        each
        for each in (loader.load(file) for file in loader.catalogue().values())
        if each.protocol != "modbus"
    )
    words = ("--bus", "port=/dev/ttyUSB0", "--device", f"id=d bus=rs485 profile={profile.id}")

    shown = init(path, *words)

    assert shown.exit_code == 0, shown.output
    assert sites.load(path).config.buses[0].transport == "serial"


def test_what_comes_next_is_told_as_commands(path: Path) -> None:
    shown = init(path, "--data-dir", path.parent / "data")

    assert f"install -d {path.parent}/data" in shown.output
    assert "edge-agent enroll gw-1.enroll.yaml" in shown.output
    assert f"edge-agent check -c {path}" in shown.output


def test_a_broker_elsewhere_is_spoken_to_with_tls(path: Path) -> None:
    init(path, "--broker", "b.example")

    assert sites.load(path).config.uplink.tls is not None


def test_a_file_that_exists_is_never_overwritten(path: Path) -> None:
    path.write_text("agent: {id: gw-9}\n")

    shown = init(path)

    assert shown.exit_code == 2
    assert path.read_text() == "agent: {id: gw-9}\n"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--id", "GW 1"), "should be a-z, 0-9 and -"),
        (("--site", "Ben Thanh"), "agent.site"),
        (("--bus", "port=/dev/ttyUSB0 baud=7"), "baud"),
        (("--bus", "/dev/ttyUSB0"), "should be KEY=VALUE"),
        (("--device", "id=m bus=none profile=eastron-sdm120"), "there is no bus 'none'"),
        ((*THREE, "--device", "id=m bus=rs485 profile=eastron-sdm12"), "did you mean"),
        (("-o", "/nowhere/agent.yaml"), "No such file"),
    ],
)
def test_what_would_not_load_is_refused_with_the_reason(
    path: Path, words: tuple[str, ...], says: str
) -> None:
    shown = init(path, *words)

    assert shown.exit_code == 2
    assert says in shown.output
    assert str(path.parent) not in shown.output or "-o" in words
    assert not path.exists()


# Asked


@pytest.fixture
def port() -> Iterator[str]:
    ours, theirs = os.openpty()
    yield os.ttyname(theirs)
    os.close(ours)
    os.close(theirs)


def test_the_wizard_asks_what_is_not_given_and_shows_the_file(path: Path, port: str) -> None:
    answers = [
        *("GW 7", "gw-7", "", ""),
        *(port, "n", "19200", "e", "192.0.2.10:5020", "n", ""),
        *("meter-1", "sdm120", "eastron-sdm120", "rs485", "300", "3", "Feeder pillar"),
        *("meter-1", "air-1", "air-station", "nowhere", "cabinet", "", "", ""),
        "y",
    ]

    shown = edge_agent("init", "-o", path, "--lang", "en", answers="\n".join(answers) + "\n")

    assert shown.exit_code == 0, shown.output
    config = sites.load(path).config
    assert config.agent.id == "gw-7"
    assert [bus.place for bus in config.buses] == [f"{port} 19200 8E1", "192.0.2.10:5020"]
    devices = [(d.id, d.bus, d.unit, d.label) for d in config.devices]
    assert devices == [("meter-1", "rs485", 3, "Feeder pillar"), ("air-1", "cabinet", 1, "")]
    for told in (
        "such as gw-district-1",
        "eastron-sdm120: Eastron",
        "should be 1 to 247",
        "meter-1 is taken already",
        "there is no bus nowhere",
        "# An edge agent's configuration.",
    ):
        assert told in " ".join(shown.output.split())


def test_who_does_not_agree_has_no_file(path: Path) -> None:
    shown = edge_agent("init", "-o", path, "--lang", "vi", answers="gw-1\n\n\n\nn\n")

    assert shown.exit_code == 0
    assert "Mã của gateway này" in shown.output
    assert not path.exists()


@pytest.mark.system
def test_the_wizard_takes_over_what_a_scan_finds(path: Path, tmp_path: Path) -> None:
    with simulated_street(tmp_path) as street:
        answers = [
            *("gw-1", "", "", f"127.0.0.1:{street.port}", ""),
            *("Main 1", "main-1", "water-main-flow", "North gate"),
            *("", "", "", "", "", "y"),
        ]
        shown = edge_agent("init", "-o", path, "--lang", "en", answers="\n".join(answers) + "\n")

    assert shown.exit_code == 0, shown.output
    config = sites.load(path).config
    assert config.buses[0].place == f"127.0.0.1:{street.port}"
    assert {device.unit for device in config.devices} <= {2, 3}
    first = config.devices[0]
    assert (first.id, first.profile, first.label) == ("main-1", "water-main-flow", "North gate")
    assert "Id of the" in shown.output
    assert "these fit too" in shown.output


# Suggestions


def catalogue() -> dict[str, Profile]:
    return {name: loader.load(path) for name, path in loader.catalogue().items()}


@pytest.mark.parametrize(
    ("said", "suggested"),
    [("SDM630", "eastron-sdm630"), ("eastrn-sdm120", "eastron-sdm120"), ("air", "air-station")],
)
def test_a_profile_is_found_by_what_people_call_it(said: str, suggested: str) -> None:
    told = suggestions.check(catalogue(), Lang.EN)(said)

    assert told is not None
    assert suggested in told


def test_a_class_lists_its_profiles_and_an_id_needs_no_suggestion() -> None:
    profiles = catalogue()
    tell = suggestions.check(profiles, Lang.VI)

    assert tell("eastron-sdm120") is None
    assert "electricity-meter" in str(tell("?"))
    assert {p.device_class for p in suggestions.near("electricity-meter", profiles)} == {
        "electricity-meter"
    }
    assert "add-a-device" in str(tell("zzzzqqqq"))


# Added later


def test_a_device_is_added_and_what_was_is_kept(path: Path) -> None:
    init(path, *THREE)
    before = path.read_text()

    shown = edge_agent(
        "add", "-c", path, "--device", "id=meter-3 bus=rs485 unit=3 profile=eastron-sdm630"
    )

    assert shown.exit_code == 0, shown.output
    assert [device.id for device in sites.load(path).devices][-1] == "meter-3"
    assert path.with_name("agent.yaml.before-add").read_text() == before
    assert "must be restarted" in shown.output


def test_a_bus_comes_with_its_devices(path: Path) -> None:
    init(path)

    shown = edge_agent("add", "-c", path, *THREE)

    assert shown.exit_code == 0, shown.output
    assert len(sites.load(path).devices) == 3


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ((), "give at least one"),
        (("--device", "id=meter-1 bus=rs485 profile=eastron-sdm120"), "is taken by devices[0]"),
        (("--device", "id=m bus=rs485 unit=300 profile=eastron-sdm120"), "at most 247"),
        (("--device", "id=m bus=rs485 profile=none"), "there is no profile 'none'"),
    ],
)
def test_what_would_not_load_is_not_added(path: Path, words: tuple[str, ...], says: str) -> None:
    init(path, *THREE)
    before = path.read_text()

    shown = edge_agent("add", "-c", path, *words)

    assert shown.exit_code == 2
    assert says in shown.output
    assert path.read_text() == before
    assert not path.with_name("agent.yaml.before-add").exists()
