"""Promise: what a site says of a channel stands over its profile; mistakes are told by line."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from device_profiles.sampling import Deadband
from edge_agent.sampling.pipeline import HELD_MAX
from edge_agent.sampling.sampling import Sampling
from edge_agent.site import site
from telemetry.sample import FLAT_LINE, OUT_OF_RANGE, TOO_FAST, Flag, Sample
from telemetry.settings import SettingsError

if TYPE_CHECKING:
    from pathlib import Path

    from device_profiles.meaning import Channel
    from edge_agent.site.site import SiteDevice

PROFILE = """\
schema: device-profile/1
id: acme-1
revision: 1
title: A meter
class: electricity-meter
measurement: electricity_meter
sources: [{own: made for tests}]
groups: {fast: {interval: 5s}, slow: {interval: 60s}}
defaults: {table: holding, type: u16, group: fast}
channels:
  - {id: voltage, address: 0, unit: V, range: [0, 300], deadband: 0.5,
     tests: {rate: 20, flat: {for: 10min}}}
  - {id: current, address: 1, unit: A, valid_if: {channel: running, equals: 1}}
  - {id: running, address: 2}
  - {id: energy, address: 3, unit: kWh, kind: counter, wrap: 65536, group: slow}
  - {id: state, address: 4, enum: {0: idle, 1: busy}}
  - {id: power, address: 6, sf: factor, unit: W}
  - {id: factor, address: 7, type: sunssf}
  - {id: setpoint, address: 5, access: w, write: {function: 6, min: 0, max: 9}}
examples:
  - {table: holding, address: 0, hex: "00E6", values: {voltage: 230}, source: computed}
"""

CONFIG = """\
agent: {id: gw-1}
profiles_dir: DIRECTORY
buses:
  - {id: cabinet, transport: modbus-tcp, host: 127.0.0.1}
devices:
  - {id: plain, bus: cabinet, profile: acme-1}
  - id: meter-1
    bus: cabinet
    profile: acme-1
    channels:
"""


def load(directory: Path, *lines: str) -> tuple[SiteDevice, ...]:
    """The plain device, and the one with these lines under `channels`."""
    (directory / "acme-1.yaml").write_text(PROFILE)
    path = directory / "agent.yaml"
    text = CONFIG.replace("DIRECTORY", str(directory))
    path.write_text(text + "".join(f"      {line}\n" for line in lines))
    return site.load(path).devices


def channels(device: SiteDevice) -> dict[str, Channel]:
    return {channel.id: channel for each in device.rounds for channel in each.channels}


def problems(directory: Path, *lines: str) -> list[str]:
    with pytest.raises(SettingsError) as wrong:
        load(directory, *lines)
    return [problem.removeprefix(f"{directory}/") for problem in wrong.value.problems]


def test_what_a_site_says_stands_over_the_profile_and_for_one_device_only(tmp_path: Path) -> None:
    plain, own = load(tmp_path, 'voltage: {deadband: "1%", range: [200, 250]}')

    assert channels(own)["voltage"].deadband == Deadband(percent=1)
    assert channels(own)["voltage"].range == (200, 250)
    assert channels(plain)["voltage"].deadband == Deadband(absolute=0.5)
    assert channels(plain)["voltage"].range == (0, 300)


def test_each_test_is_said_by_itself_and_null_takes_one_away(tmp_path: Path) -> None:
    _, own = load(tmp_path, "voltage: {tests: {spike: 30, rate: null}}")

    tests = channels(own)["voltage"].tests

    assert tests is not None
    assert (tests.rate, tests.spike) == (None, 30)
    assert tests.flat is not None
    assert tests.flat.seconds == 600
    assert flags(own, "voltage", [(0, 10.0), (5, 300.0), (10, 300.0)]) == [None, None]


def test_null_takes_a_deadband_away(tmp_path: Path) -> None:
    _, own = load(tmp_path, "voltage: {deadband: null}")

    assert channels(own)["voltage"].deadband is None
    assert channels(own)["voltage"].range == (0, 300)


def test_a_sites_range_is_the_decoders(tmp_path: Path) -> None:
    _, own = load(tmp_path, "voltage: {range: [200, 250]}")
    request = next(
        request
        for each in own.rounds
        for request in each.requests
        if any(channel.id == "voltage" for channel in request.channels)
    )

    words = [260] * 7 + [0]
    decoded = request.decode(words, request.factors(words), {})

    assert decoded["voltage"] == (260, OUT_OF_RANGE)


def test_a_channel_that_is_off_is_not_read(tmp_path: Path) -> None:
    plain, own = load(tmp_path, "current: {off: true}", "energy: {off: true}")

    assert set(channels(plain)) - set(channels(own)) == {"current", "energy"}
    assert [each.interval for each in own.rounds] == [5.0]


def test_what_is_announced_of_the_profile_is_whole_though_a_device_reads_less(
    tmp_path: Path,
) -> None:
    _, own = load(tmp_path, "energy: {off: true}")

    assert "energy" in site.model(own.profile).channels


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            "voltge: {deadband: 1}",
            "voltge — there is no such channel; did you mean 'voltage'?",
        ),
        (
            "zz: {deadband: 1}",
            (
                "zz — there is no such channel; known are "
                "voltage, current, running, energy, state, power, factor, setpoint"
            ),
        ),
        ("setpoint: {off: true}", "setpoint — is never read"),
        ("running: {off: true}", "running — cannot be off: current needs it"),
        ("factor: {off: true}", "factor — cannot be off: power needs it"),
        ("state: {deadband: 1}", "state — deadband cannot be said of str values"),
        ("voltage: {range: [9, 1]}", "voltage — range [9.0, 1.0] should be [lowest, highest]"),
        (
            "energy: {tests: {spike: 5}}",
            "energy — a spike test holds each value until the next, 60 s here; 20 s is the most",
        ),
        (
            "voltage: {deadbnd: 1}",
            "voltage.deadbnd — no such key here; did you mean 'deadband'?",
        ),
    ],
)
def test_what_cannot_be_is_told_with_its_line(tmp_path: Path, line: str, message: str) -> None:
    assert problems(tmp_path, "current: {}", line) == [
        f"agent.yaml:12: devices[1].channels.{message}"
    ]


def test_a_heartbeat_that_cannot_be_kept_is_a_mistake(tmp_path: Path) -> None:
    load(tmp_path, "current: {off: true}")
    path = tmp_path / "agent.yaml"
    path.write_text(path.read_text().replace("id: plain,", "id: plain, heartbeat: 30s,"))

    with pytest.raises(SettingsError) as wrong:
        site.load(path)

    assert wrong.value.problems == [
        (
            f"{path}:6: devices[0].heartbeat — each channel cannot be sent every 30 s; "
            "the slowest are read every 60 s"
        )
    ]


def test_a_device_of_which_nothing_is_read_is_a_mistake(tmp_path: Path) -> None:
    names = ("voltage", "current", "running", "energy", "state", "power", "factor")

    found = problems(tmp_path, *(f"{name}: {{off: true}}" for name in names))

    assert found == ["agent.yaml:10: devices[1].channels — all are off: take the device away"]


def flags(device: SiteDevice, channel: str, said: list[tuple[int, float]]) -> list[Flag | None]:
    """What values at these seconds are told, with the device's own sampling."""
    sampling = Sampling([device])
    told = [
        each
        for at, value in said
        for each in sampling.take(Sample(device.id, at * 1000, {channel: value}), now=at)
    ]
    return [sample.flags.get(channel) for sample in told]


def test_the_tests_of_a_profile_judge_what_its_devices_say(tmp_path: Path) -> None:
    plain, _ = load(tmp_path, "current: {off: true}")
    still = [(at, 230.0) for at in range(0, 606, 5)]

    assert flags(plain, "voltage", [(0, 230.0), (5, 331.0), (10, 230.0)]) == [None, TOO_FAST, None]
    assert flags(plain, "voltage", still) == [None] * 120 + [FLAT_LINE] * 2


def test_more_than_three_intervals_without_a_value_begin_anew(tmp_path: Path) -> None:
    plain, _ = load(tmp_path, "current: {off: true}")

    assert flags(plain, "voltage", [(0, 0.0), (15, 301.0)]) == [None, TOO_FAST]
    assert flags(plain, "voltage", [(0, 0.0), (16, 321.0)]) == [None, None]


def test_a_counters_wrap_is_the_profiles(tmp_path: Path) -> None:
    plain, _ = load(tmp_path, "current: {off: true}")

    assert flags(plain, "energy", [(0, 65_535), (60, 3)]) == [None, None]
    assert flags(plain, "energy", [(0, 30_000), (60, 3)]) != [None, None]


def test_a_counters_rate_is_its_fastest_rise(tmp_path: Path) -> None:
    _, own = load(tmp_path, "energy: {tests: {rate: 0.1}}")

    told = flags(own, "energy", [(0, 65_535), (60, 3), (120, 10), (180, 9), (240, 11)])

    assert told == [None, None, TOO_FAST, None, None]


def test_by_exception_a_device_tells_what_has_left_its_deadband(tmp_path: Path) -> None:
    path = tmp_path / "agent.yaml"
    load(tmp_path, "current: {off: true}")
    path.write_text(path.read_text().replace("id: plain,", "id: plain, report: changes,"))
    plain, meter = site.load(path).devices
    sampling = Sampling([plain, meter])

    told = [
        [sample.values for sample in sampling.take(Sample(name, at, {"voltage": value}), now=0)]
        for name in ("plain", "meter-1")
        for at, value in ((1000, 230.0), (6000, 230.4), (11_000, 230.6))
    ]

    assert sampling.counts("plain").unsent == 1
    assert told == [
        [{"voltage": 230.0}],
        [],
        [{"voltage": 230.6}],
        [{"voltage": 230.0}],
        [{"voltage": 230.4}],
        [{"voltage": 230.6}],
    ]


def test_samples_of_the_agents_own_pass_as_they_are(tmp_path: Path) -> None:
    sampling = Sampling(load(tmp_path, "current: {off: true}"))
    own = Sample("gateway", 1, {"cpu": 3.0})

    assert list(sampling.take(own, now=0)) == [own]


def test_what_waits_too_long_is_released_when_asked_for(tmp_path: Path) -> None:
    _, meter = load(tmp_path, "voltage: {tests: {spike: 30}}")
    sampling = Sampling([meter])
    sample = Sample("meter-1", 1, {"voltage": 230.0})
    sampling.take(sample, now=0)

    assert sampling.overdue(HELD_MAX - 1) == []
    assert sampling.overdue(HELD_MAX) == [sample]


def test_nothing_is_left_at_the_end(tmp_path: Path) -> None:
    _, meter = load(tmp_path, "voltage: {tests: {spike: 30}}")
    sampling = Sampling([meter])
    sample = Sample("meter-1", 1, {"voltage": 230.0})

    assert list(sampling.take(sample, now=0)) == []
    assert sampling.flush() == [sample]


def test_a_replacement_is_logged_once_with_both_readings(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    plain, _ = load(tmp_path, "current: {off: true}")
    flags(plain, "energy", [(0, 30_000), (60, 3), (120, 4), (180, 5)])

    assert caplog.messages == [
        "device plain: energy fell from 30000 to 3 and goes on from there: replaced or reset"
    ]
