"""`edge-agent profiles` shows what is so and what is not sure, in 80 columns and two languages."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from device_profiles import loader
from device_profiles.schema import json_schema
from edge_agent.cli import app

if TYPE_CHECKING:
    from pathlib import Path

    from typer.testing import Result

LONG = "a_channel_with_a_name_that_nobody_would_write_but_somebody_may"

PROFILE = f"""\
schema: device-profile/1
id: acme-em3
revision: 2
title: Acme EM3, a meter with a title that is longer than a line of a terminal has columns, alas
class: electricity-meter
measurement: electricity_meter
sources: [{{manual: Acme manual, web: acme.example}}]
verify: [serial.baud]
serial: {{baud: [2400, 9600], parity: [E, N]}}
identify:
  fc43: {{vendor: Acme, product: EM3.*}}
  read: {{table: holding, address: 90, type: u16, equals: [17, 18]}}
  probe: [voltage]
groups: {{fast: {{interval: 5s}}, first: {{interval: once}}}}
defaults: {{table: holding, type: u16, group: fast}}
channels:
  - {{id: voltage, address: 0, scale: 0.1, unit: V, range: [0, 300], label: of phase 1}}
  - {{id: alarms, address: 1, flags: {{0: over_voltage, 3: door_open}}, verify: [flags]}}
  - {{id: limit, address: 2, access: rw, write: {{function: 6, min: 0, max: 9, danger: trips}}}}
  - {{id: secret, address: 3, access: w, write: {{function: 6}}}}
  - {{id: rain, address: 4, resets: true, valid_if: {{channel: voltage, equals: 230.0}}}}
  - {{id: {LONG}, address: 5, group: first}}
  - {{id: volume, address: 8, scale: 0.1, offset: -40, kind: counter, wrap: 4294967296,
     deadband: {{absolute: 0.5, percent: 2}}}}
  - {{id: level, address: 10, sf: level_sf}}
  - {{id: level_sf, address: 11, type: sunssf}}
commands:
  - {{id: reset_energy, hex: "42", danger: irreversible}}
quirks: [Address 0xF8 is answered by every meter.]
examples:
  - {{table: holding, address: 0, hex: "08fd 0001 0007 0000 0005 0001",
     values: {{voltage: 230.1, alarms: over_voltage, limit: 7, {LONG}: 1}}, source: computed}}
"""

FIELDS = """\
schema: device-profile/1
id: acme-particles
revision: 1
title: Acme particle sensor
class: air-quality
measurement: air_quality
protocol: plantower
sources: [{manual: Acme manual}]
groups: {air: {interval: 10s}}
defaults: {type: int, group: air}
channels:
  - {id: pm25, field: pm25, unit: ug/m3}
  - {id: pm10, field: pm10, unit: ug/m3}
examples:
  - hex: "424d001c0005000d00160005000d001602fd00fc001d000f00060006970003c5"
    values: {pm25: 13, pm10: 22}
    source: computed
"""


def edge_agent(*words: object) -> Result:
    result = CliRunner().invoke(app, ["profiles", *map(str, words)], env={"LANG": "C"})
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


@pytest.fixture
def own(tmp_path: Path) -> Path:
    (tmp_path / "acme-em3.yaml").write_text(PROFILE)
    (tmp_path / "acme-particles.yaml").write_text(FIELDS)
    return tmp_path


def test_list_names_the_catalogue_by_class() -> None:
    lines = edge_agent("list").output.splitlines()

    assert lines.index("electricity-meter") < lines.index("weather-station")
    assert any("eastron-sdm630" in line for line in lines)
    listed = json.loads(edge_agent("list", "--json").output)
    assert {entry["id"] for entry in listed} == set(loader.catalogue())


def test_list_can_be_narrowed_to_a_word(own: Path) -> None:
    shown = edge_agent("list", "plantower", "--dir", own, "--json").output

    assert "acme-particles" in {entry["id"] for entry in json.loads(shown)}
    assert "eastron-sdm630" not in shown
    nothing = edge_agent("list", "telepathy")
    assert nothing.exit_code == 1
    assert "no profile speaks of 'telepathy'" in nothing.output


def test_list_marks_what_is_not_verified(own: Path) -> None:
    shown = edge_agent("list", "acme", "--dir", own).output

    assert "* acme-em3" in shown
    assert "  acme-particles" in shown
    assert "* some of it is unverified" in shown


def test_show_tells_how_the_device_is_set_recognised_and_read(own: Path) -> None:
    shown = edge_agent("show", "acme-em3", "--dir", own).output

    assert "2400 8E1 (factory); also 9600, N" in shown
    assert "function 43/14 says vendor Acme, product EM3.*" in shown
    assert "holding 90 u16 is 17, 18" in shown
    assert "voltage within range" in shown
    assert "fast every 5 s, first once" in shown
    assert "Address 0xF8 is answered by every meter." in shown
    assert "reading resets it" in shown


def test_show_tells_how_a_raw_number_becomes_a_value(own: Path) -> None:
    shown = " ".join(edge_agent("show", "acme-em3", "--dir", own).output.split())

    assert "raw * 0.1 -40; wraps at 4294967296; changes up to 0.5, 2 % are not sent" in shown
    assert "raw * 10^level_sf" in shown


def test_show_puts_what_is_unverified_before_all_else(own: Path) -> None:
    lines = edge_agent("show", "acme-em3", "--dir", own).output.splitlines()

    head = next(n for n, line in enumerate(lines) if "UNVERIFIED" in line)
    assert head < next(n for n, line in enumerate(lines) if line.startswith("class"))
    assert "serial.baud" in lines[head + 1]
    assert "alarms.flags" in lines[head + 2]


def test_show_says_that_writes_are_declared_and_never_executed(own: Path) -> None:
    shown = edge_agent("show", "acme-em3", "--dir", own).output

    declared = shown.partition("Declared, never executed")[2]
    assert "write with function 6; 0 to 9; danger: trips" in " ".join(declared.split())
    assert "reset_energy" in declared
    assert "danger: irreversible" in declared
    assert "cannot be read" in shown


def test_show_knows_a_device_that_speaks_another_protocol(own: Path) -> None:
    shown = edge_agent("show", "acme-particles", "--dir", own).output

    assert "plantower" in shown
    assert "pm25 ug/m3" in shown


@pytest.mark.parametrize("lang", ["en", "vi"])
@pytest.mark.parametrize("words", [("list",), ("show", "acme-em3"), ("show", "acme-particles")])
def test_no_line_is_longer_than_80_columns(words: tuple[str, ...], lang: str, own: Path) -> None:
    shown = edge_agent(*words, "--dir", own, "--lang", lang).output

    assert max(map(len, shown.splitlines())) <= 80


@pytest.mark.parametrize("name", loader.catalogue())
def test_every_profile_of_the_catalogue_fits_80_columns(name: str) -> None:
    shown = edge_agent("show", name).output

    assert max(map(len, shown.splitlines())) <= 80


def test_show_speaks_vietnamese(own: Path) -> None:
    shown = edge_agent("show", "acme-em3", "--dir", own, "--lang", "vi").output

    assert "CHƯA KIỂM CHỨNG" in shown
    assert "giao thức" in shown


def test_what_show_prints_as_json_is_the_profile_again(own: Path) -> None:
    document = json.loads(edge_agent("show", "acme-em3", "--dir", own, "--json").output)

    assert document["groups"]["first"]["interval"] == "once"
    assert document["channels"][1]["flags"] == {"0": "over_voltage", "3": "door_open"}


def test_show_suggests_a_name() -> None:
    shown = edge_agent("show", "eastron-sdm12")

    assert shown.exit_code == 2
    assert "did you mean 'eastron-sdm120'?" in shown.output


def test_check_finds_good_files_right(own: Path) -> None:
    checked = edge_agent("check", own / "acme-em3.yaml", own / "acme-particles.yaml")

    assert checked.exit_code == 0, checked.output
    assert "2 right, 0 wrong" in checked.output


def test_check_tells_of_which_channels_no_example_speaks(own: Path) -> None:
    shown = edge_agent("check", own / "acme-em3.yaml").output

    assert "acme-em3.yaml: no example tells of\n  rain, volume, level, level_sf\n" in shown


@pytest.mark.parametrize(
    ("file", "before", "after", "problem"),
    [
        ("acme-em3", "voltage: 230.1", "voltage: 23", "31: examples[0] — (computed) channel 'volt"),
        ("acme-em3", "group: first", "group: frst", "22: channels[5] — group 'frst' is not among"),
        ("acme-particles", "pm25: 13", "pm25: 14", "15: examples[0] — (computed) channel 'pm25'"),
        ("acme-particles", "field: pm25", "field: pm26", "12: channels[0] — "),
        ("acme-particles", "03c5", "03c6", "these bytes are no answer that has 'pm25'"),
    ],
)
def test_check_tells_what_is_wrong_at_its_line(
    own: Path, file: str, before: str, after: str, problem: str
) -> None:
    path = own / f"{file}.yaml"
    path.write_text(path.read_text().replace(before, after, 1))

    checked = edge_agent("check", path)

    assert checked.exit_code == 2
    assert problem in checked.output
    assert json.loads(CliRunner().invoke(app, ["profiles", "check", str(path), "--json"]).stdout)


def test_check_refuses_another_type_for_a_channel_of_the_catalogue(tmp_path: Path) -> None:
    path = tmp_path / "xy-md02.yaml"
    text = loader.catalogue()["xy-md02"].read_text()
    path.write_text(text)
    assert edge_agent("check", path).exit_code == 0

    path.write_text(text.replace("address: 1, unit: Cel,", "address: 1, unit: Cel, scale: 1,"))
    checked = edge_agent("check", path)

    assert checked.exit_code == 2
    assert "channels — 'temperature' is float for ever, and here int" in checked.output


def test_check_prints_json_for_scripts(own: Path) -> None:
    checked = edge_agent("check", own / "acme-em3.yaml", "--json")

    (told,) = json.loads(checked.stdout)
    assert told["problems"] == []
    assert told["unproven"] == ["rain", "volume", "level", "level_sf"]


def test_schema_prints_what_editors_need() -> None:
    assert json.loads(edge_agent("schema").output) == json_schema()


def test_a_profile_like_none_there_is_told_where_all_are_named_and_not_all_of_them() -> None:
    shown = CliRunner().invoke(app, ["profiles", "show", "qqq"])

    assert shown.exit_code == 2
    assert "there is no profile 'qqq'; `edge-agent profiles list` names all" in shown.output
    assert all(len(line) <= 80 for line in shown.output.splitlines())
