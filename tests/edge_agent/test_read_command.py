"""`read` shows what a unit's registers are now, and says plainly why it cannot."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from edge_agent.cli import app
from parts.rtu_slave import rtu_slave
from telemetry.layout import COLUMNS, fitted

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def port(tmp_path: Path) -> Iterator[Path]:
    """A line with unit 7, which has 230.1 as a float at 16."""
    with rtu_slave(tmp_path / "ttyUSB0", {7: {16: 0x4366, 17: 0x199A}}):
        yield tmp_path / "ttyUSB0"


def read(*words: object) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["read", "--lang", "en", *map(str, words)])
    if result.exception is not None:
        assert isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.output


def test_bare_registers_of_a_port_are_shown_as_every_type(port: Path) -> None:
    code, shown = read(port, "--unit", 7, "--address", "0x10", "--count", 2)

    assert code == 0, shown
    assert "holding 16 to 17 of unit 7 at" in shown
    assert "* 230.1" in shown


def test_only_the_plausible_ones_are_shown_if_that_is_wanted(port: Path) -> None:
    _, shown = read(port, "--unit", 7, "--address", 16, "--count", 2, "--plausible")

    assert "16 to 17       f32 ABCD          * 230.1" in shown
    assert "u64" not in shown


def test_scripts_get_every_reading(port: Path) -> None:
    _, shown = read(port, "--unit", 7, "--address", 16, "--count", 2, "--json")

    document = json.loads(shown)
    floats = {r["order"]: r for r in document["readings"] if r["type"] == "f32"}
    assert document["words"] == [0x4366, 0x199A]
    assert (floats["ABCD"]["value"], floats["ABCD"]["plausible"]) == (230.1, True)


def test_bits_are_shown_as_bits(port: Path) -> None:
    code, shown = read(port, "--unit", 7, "--table", "coil", "--address", 16, "--count", 2)

    assert code == 0, shown
    assert shown.splitlines()[-1].split() == ["16", "0010h", "1", "1"]


def test_a_bus_of_the_configuration_is_read_by_its_id(tmp_path: Path, port: Path) -> None:
    config = tmp_path / "agent.yaml"
    config.write_text(
        "agent: {id: gw-1}\n"
        f"buses: [{{id: rs485, transport: modbus-rtu, port: {port}, baud: 19200}}]\n"
    )

    code, shown = read("rs485", "-c", config, "--unit", 7, "--address", 16, "--count", 1)

    assert code == 0, shown
    assert "19200 8N1" in " ".join(shown.split())


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("--unit", 7, "--address", 0), 1, "exception 2, it has no such address"),
        (("--unit", 9), 1, "does not answer: nothing within 1 s"),
        (("--unit", 0), 2, "0 would address every one"),
        (("--unit", 7, "--address", "x"), 2, "'x' is no number"),
        (("--unit", 7, "--address", 65_535), 2, "not within 0 and 65535"),
        (("--unit", 7, "--count", 126), 2, "one read takes 125"),
    ],
)
def test_why_nothing_is_shown_is_said_plainly(
    port: Path, words: tuple[object, ...], code: int, says: str
) -> None:
    ended, shown = read(port, *words)

    assert (ended, says in " ".join(shown.split())) == (code, True), shown
    assert all(len(line) <= COLUMNS or "/" in line for line in shown.splitlines())


@pytest.mark.parametrize(
    ("place", "says"),
    [
        ("nobus", "'nobus' is no port (/dev/…), no host:port, and no bus; known buses are none"),
        ("/dev/nothing-here", "there is no such port"),
        ("127.0.0.1:1", "is down"),
    ],
)
def test_a_place_that_is_none_is_said_plainly(place: str, says: str, tmp_path: Path) -> None:
    config = tmp_path / "agent.yaml"
    config.write_text("agent: {id: gw-1}\n")

    ended, shown = read(place, "--unit", 1, "-c", config)

    assert ended in (1, 2)
    assert says in " ".join(shown.split())


def test_a_network_has_no_baud() -> None:
    ended, shown = read("192.0.2.1", "--unit", 1, "--baud", 9600)

    assert (ended, shown) == (2, "192.0.2.1:502 has no baud or parity\n")


def test_a_table_is_cut_to_80_columns_at_its_last_column_first() -> None:
    head = ("channel", "value", "label")
    rows = [("energy_reactive_import_l1", "12345.6", "long " * 20), ("x" * 60, "y" * 30, "z")]

    lines = list(fitted(head, rows))

    assert max(map(len, lines)) <= COLUMNS
    assert lines[1].endswith("…")


@pytest.mark.parametrize(
    ("place", "says"),
    [
        ("/dev/nothing-here", "không dùng được: không có cổng này; đã cắm bộ chuyển đổi chưa?"),
        ("/dev/null", "không dùng được: đây không phải cổng nối tiếp"),
        ("127.0.0.1:1", "không dùng được: bị từ chối kết nối"),
        ("no-such-host.invalid", "không dùng được: không phân giải được tên"),
    ],
)
def test_why_a_bus_is_down_is_said_in_vietnamese_too(place: str, says: str) -> None:
    ended, shown = read(place, "--unit", 1, "--lang", "vi")

    assert ended == 1
    assert says in " ".join(shown.split())
    assert all(len(line) <= COLUMNS for line in shown.splitlines())


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("nobus", "--unit", 1), "'nobus' không phải cổng (/dev/…), host:cổng hay bus"),
        (("192.0.2.1", "--unit", 1, "--baud", 9600), "không có tốc độ baud"),
        (("192.0.2.1", "--unit", 1, "--address", "x"), "không phải số như 16 hay 0x10"),
        (("192.0.2.1", "--unit", 1, "--count", 126), "mỗi lần đọc tối đa 125"),
        (("/dev/ttyUSB0", "--unit", 0), "0 là gọi mọi thiết bị"),
        (("meter-9",), "không có thiết bị 'meter-9'; đã cấu hình: chưa có"),
    ],
)
def test_what_is_wrong_with_the_words_is_said_in_vietnamese_too(
    words: tuple[object, ...], says: str, tmp_path: Path
) -> None:
    config = tmp_path / "agent.yaml"
    config.write_text("agent: {id: gw-1}\n")

    ended, shown = read(*words, "--lang", "vi", "-c", config)

    assert ended == 2
    assert says in " ".join(shown.split())
    assert all(len(line) <= COLUMNS for line in shown.splitlines())


@pytest.mark.parametrize(("no_color", "is_bold"), [(None, True), ("1", False)])
def test_what_is_plausible_is_bold_on_a_terminal_unless_nobody_wants_that(
    *, no_color: str | None, is_bold: bool, port: Path
) -> None:
    words = ["read", str(port), "--unit", "7", "--address", "16", "--count", "2"]

    shown = CliRunner().invoke(app, words, color=True, env={"NO_COLOR": no_color}).output

    assert ("\x1b[1m" in shown) is is_bold
