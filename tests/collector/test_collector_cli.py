"""Every command tells what it did, ends with a code that means it, and shows no traceback."""

from __future__ import annotations

import csv
import json
import os
import pty
import subprocess
import time
from typing import TYPE_CHECKING

import pytest
import yaml
from typer.testing import CliRunner

from collector.cli import app
from collector.cli.texts import VIETNAMESE, Text, say
from parts.collector import PROGRAM, CollectorProcess, collector, receipts
from parts.mqtt import HEARD_WITHIN, mqtt_client
from parts.scripted_http import Answer, scripted_http
from telemetry import envelope
from telemetry.envelope import Clock, Device, Envelope
from telemetry.language import Lang
from telemetry.layout import table
from telemetry.sample import Sample

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.system

RULES = """
schema: alarm-rules/1
rules:
  - id: mains-high
    title: Điện áp cao
    watch: {channel: voltage_l1}
    when: {above: 253}
    priority: high
    action: Gọi điện lực
"""
METERS = tuple(
    Device(name, "eastron-sdm630", 1, "electricity_meter") for name in ("meter-1", "meter-2")
)
DAYS_1000 = 86_400_000_000


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CollectorProcess]:
    """A running collector with samples of gw-1, an open alarm a meter, and a dead letter."""
    with collector(tmp_path_factory.mktemp("collector"), RULES) as running:
        password = running.enrol("gw-1")
        now = time.time_ns() // 1_000_000
        samples = (
            Sample("meter-1", now - 1000, {"voltage_l1": 230.1}),
            Sample("meter-1", now, {"voltage_l1": 260.5}),
            Sample("meter-1", now + DAYS_1000, {"voltage_l1": 230.3}),
            Sample("meter-2", now, {"voltage_l1": 260.0}),
        )
        payload = envelope.pack(Envelope(Clock.SYNCED, METERS, samples))
        with mqtt_client(running.mqtt_port, "gw-1", password) as agent:
            agent.subscribe("ct/v1/gw-1/down/receipts")
            agent.publish("ct/v1/gw-1/up/live/00000000000000aa/1", payload)
            running.until(lambda: receipts(agent.heard) == [(1, "stored")], "receipt")
        yield running


def ok(world: CollectorProcess, *words: str, lang: str = "en") -> str:
    done = world.ask(*words, lang=lang)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_query_shows_the_last_hour(world: CollectorProcess) -> None:
    lines = ok(world, "query", "gw-1", "meter-1", "voltage_l1").splitlines()

    assert lines[0].split() == ["TIME", "CHANNEL", "VALUE"]
    assert [line.split()[2:4] for line in lines[1:]] == [
        ["voltage_l1", "230.1"],
        ["voltage_l1", "260.5"],
    ]


def test_a_query_makes_csv_that_reads_back(world: CollectorProcess) -> None:
    text = ok(world, "query", "gw-1", "meter-1", "--format", "csv")

    rows = list(csv.DictReader(text.splitlines()))
    assert [row["value"] for row in rows] == ["230.1", "260.5"]
    assert all(row["time"].endswith("Z") for row in rows)


def test_a_query_makes_json_with_buckets(world: CollectorProcess) -> None:
    text = ok(world, "query", "gw-1", "meter-1", "--agg", "max", "--last", "1d", "--json")

    assert max(point["value"] for point in json.loads(text)[0]["points"]) == 260.5


def test_a_query_without_a_device_shows_what_is_stored(world: CollectorProcess) -> None:
    assert "gw-1   meter-1  eastron-sdm630  voltage_l1" in ok(world, "query")


def test_alarms_are_shown_in_the_operators_language(world: CollectorProcess) -> None:
    english = ok(world, "alarms", "list")
    vietnamese = ok(world, "alarms", "list", lang="vi_VN.UTF-8")
    asked = ok(world, "alarms", "list", "--lang", "vi")

    assert english.startswith("PRIORITY")
    assert vietnamese.startswith("MỨC")
    assert asked == vietnamese
    for text, state in ((english, "unacked-active"), (vietnamese, "đang xảy ra, chưa xác nhận")):
        lines = text.splitlines()
        series = next(n for n, line in enumerate(lines) if "gw-1/meter-1/voltage_l1" in line)
        assert state in lines[series - 1]
        assert lines[series + 1].endswith("Gọi điện lực")
        assert max(map(len, lines)) <= 80


def occurrence_of(world: CollectorProcess, device: str) -> str:
    """The open alarm of a device, as a script finds it."""
    found = json.loads(ok(world, "alarms", "list", "--json"))
    return next(str(alarm["occurrence"]) for alarm in found if alarm["device"] == device)


def test_an_alarm_is_acknowledged_and_shows_by_whom(world: CollectorProcess) -> None:
    occurrence = occurrence_of(world, "meter-2")
    (world.directory / "desk.token").write_text(
        ok(world, "tokens", "add", "desk", "--role", "operator")
    )
    (world.directory / "desk.token").chmod(0o600)

    acked = ok(world, "alarms", "ack", occurrence, "-m", "on my way", "--token-file", "desk.token")
    shown = ok(world, "alarms", "show", occurrence)

    assert acked == f"{occurrence}: acknowledged\n"
    assert "acked-active" in shown
    assert "acknowledged  desk on my way" in shown


def test_a_viewer_may_not_acknowledge(world: CollectorProcess) -> None:
    occurrence = occurrence_of(world, "meter-2")
    (world.directory / "screen.token").write_text(ok(world, "tokens", "add", "screen"))
    (world.directory / "screen.token").chmod(0o600)

    done = world.ask("alarms", "ack", occurrence, "--token-file", "screen.token")

    assert done.returncode == 1
    assert done.stderr == "screen is viewer; this needs operator\n"


def test_dead_letters_are_listed_with_their_reason(world: CollectorProcess) -> None:
    lines = ok(world, "dead-letters", "list").splitlines()

    assert len(lines) == 2
    assert "meter-1" in lines[1]


def test_a_running_collector_is_checked(world: CollectorProcess) -> None:
    text = ok(world, "check")

    assert "ok    running collector: broker up" in text
    assert "ok    running collector: store up" in text
    assert "FAIL" not in text


def test_what_comes_is_watched_line_by_line(world: CollectorProcess) -> None:
    command: list[str | Path] = [PROGRAM, "watch", "--config", world.config, "--lang", "en"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as watching:
        assert watching.stdout is not None
        first = watching.stdout.readline().decode()
        assert first
        watching.send_signal(2)
        watching.communicate(timeout=HEARD_WITHIN)

    assert "gw-1/meter-1  voltage_l1=260.5" in first
    assert watching.returncode == 0


def test_what_comes_is_a_picture_on_a_terminal(world: CollectorProcess) -> None:
    ours, theirs = pty.openpty()
    command: list[str | Path] = [PROGRAM, "watch", "--config", world.config, "--lang", "vi"]
    with subprocess.Popen(command, stdout=theirs, stderr=subprocess.PIPE) as watching:
        os.close(theirs)
        shown = b""
        while "260.5" not in shown.decode(errors="ignore"):
            shown += os.read(ours, 4096)
        watching.send_signal(2)
        _, said = watching.communicate(timeout=HEARD_WITHIN)
    os.close(ours)

    assert "\x1b[2J" in shown.decode()
    assert "voltage_l1=260.5" in shown.decode()
    assert "đang theo dõi" in said.decode()
    assert watching.returncode == 0


def test_agents_come_and_go(world: CollectorProcess) -> None:
    told = ok(world, "agents", "add", "gw-9", "--output", "bundles/gw-9.yaml")
    bundle = world.directory / "bundles" / "gw-9.yaml"

    assert "edge-agent enroll gw-9.yaml" in told
    assert bundle.stat().st_mode & 0o777 == 0o600
    assert yaml.safe_load(bundle.read_text())["port"] == world.mqtt_port
    assert json.loads(ok(world, "agents", "list", "--json")) == ["gw-1", "gw-9"]
    ok(world, "agents", "remove", "gw-9")
    assert ok(world, "agents", "list") == "gw-1\n"


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["agents", "add", "gw-1"], 2, "exists; nothing was done"),
        (["agents", "add", "gw-1", "--output", "x"], 2, "'gw-1' is in the register"),
        (["agents", "add", "GW 1"], 2, "no agent id"),
        (["agents", "remove", "gw-7"], 2, "no agent 'gw-7'"),
        (["tokens", "add", "local"], 2, "a token named 'local' exists"),
        (["tokens", "remove", "nobody"], 2, "no token named"),
        (["alarms", "show", "0000000000000000"], 2, "no alarm ever had"),
        (["alarms", "ack", "xyz"], 2, "16 hex digits, as in `alarms list`"),
        (["alarms", "show", "../../healthz"], 2, "healthz"),
        (["query", "gw-1", "meter-1", "--from", "gestern"], 2, "no time such as"),
        (["query", "gw-1", "meter-1", "--last", "5"], 2, "duration"),
        (["query", "gw-1", "meter-1", "--limit", "1"], 2, "more than 1 points"),
        (["query", "GW", "meter-1"], 2, "no agent name"),
        (["query", "--url", "http://127.0.0.1:1"], 2, "--url needs --token-file"),
        (["query", "--url", "centre:8420", "--token-file", "local.token"], 2, "such as https://"),
        (["query", "--url", "http://[::1", "--token-file", "local.token"], 2, "--url http"),
        (["init", "--config", "/proc/none/collector.yaml"], 1, "/proc/none: No such file"),
        (["query", "--config", "nothing.yaml"], 2, "nothing.yaml: No such file"),
        (["rules", "check", "nothing.yaml"], 2, "nothing.yaml"),
        (["run", "--log-level", "loud"], 2, "loud"),
    ],
)
def test_wrong_input_is_told_in_a_line(
    world: CollectorProcess, words: list[str], code: int, told: str
) -> None:
    done = world.ask(*words)

    assert done.returncode == code
    assert told in done.stderr
    assert "Traceback" not in done.stderr


def test_a_first_start_needs_three_commands(tmp_path: Path) -> None:
    for words in (
        ["init"],
        ["check", "--offline"],
        ["store", "init"],
        ["rules", "check", "rules.yaml"],
    ):
        done = subprocess.run(
            [PROGRAM, *words], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr

    again = subprocess.run([PROGRAM, "init"], cwd=tmp_path, capture_output=True, check=False)
    assert again.returncode == 2


def test_a_bad_configuration_fails_the_check_with_its_lines(tmp_path: Path) -> None:
    (tmp_path / "collector.yaml").write_text("data_dir: /d\nstor: 1\n")

    done = subprocess.run(
        [PROGRAM, "check"], cwd=tmp_path, capture_output=True, text=True, check=False
    )

    assert done.returncode == 1
    assert done.stdout.startswith("FAIL  collector.yaml:2: stor — no such key here")


def test_without_a_collector_that_answers_a_command_ends_with_3(tmp_path: Path) -> None:
    done = CollectorProcess(tmp_path).ask("alarms", "list")

    assert done.returncode == 3
    assert done.stderr.startswith("no collector answers at http://127.0.0.1:")


def test_what_answers_like_no_collector_is_told_in_a_line(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.touch(0o600)
    token.write_text("secret")
    with scripted_http(lambda _: Answer(200, b"<html>")) as server:
        done = subprocess.run(
            [PROGRAM, "alarms", "list", "--url", server.url, "--token-file", token],
            capture_output=True,
            text=True,
            check=False,
        )

    assert done.returncode == 3
    assert done.stderr == f"{server.url}/v1/alarms: no collector answers there\n"


def test_what_is_not_stored_is_told_apart_from_what_is_not_of_that_time(
    world: CollectorProcess,
) -> None:
    assert ok(world, "query", "gw-1", "meter-2", "--from", "2020-01-01", "--to", "2020-01-02") == (
        "no values in that range\n"
    )
    assert ok(world, "query", "gw-1", "meter-9") == (
        "nothing is stored of gw-1/meter-9; `collector query` shows what is\n"
    )
    assert ok(world, "query", "gw-9").startswith("nothing is stored of agent gw-9;")


def test_a_bucket_shows_how_many_values_it_holds_and_no_digits_of_its_arithmetic(
    world: CollectorProcess,
) -> None:
    lines = ok(world, "query", "gw-1", "meter-1", "--agg", "mean", "--every", "1d").splitlines()

    assert lines[0].split() == ["TIME", "CHANNEL", "VALUE", "COUNT"]
    assert lines[1].split()[3:] == ["245.3", "2"]


def test_a_start_that_fails_leaves_no_configuration_behind(tmp_path: Path) -> None:
    (tmp_path / "taken").touch()

    done = subprocess.run(
        [PROGRAM, "init", "--data-dir", "taken"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert "taken" in done.stderr
    assert not (tmp_path / "collector.yaml").exists()


def test_rules_are_listed_in_the_operators_language(tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text(RULES)

    shown = CliRunner().invoke(app, ["rules", "list", str(tmp_path / "rules.yaml"), "--lang", "vi"])

    assert shown.stdout.splitlines() == [
        "mains-high  cao",
        "  Điện áp cao",
        "  VIỆC CẦN LÀM: Gọi điện lực",
    ]


def test_one_rule_is_one_rule(tmp_path: Path) -> None:
    file = tmp_path / "rules.yaml"
    file.write_text(RULES)

    shown = CliRunner().invoke(app, ["rules", "check", str(file), "--lang", "en"])

    assert shown.stdout == f"{file}: 1 rule\n"


def test_every_command_teaches_by_an_example() -> None:
    for words in (
        *(["init"], ["check"], ["run"], ["query"], ["watch"]),
        *(["alarms", name] for name in ("list", "show", "ack")),
        *(["agents", name] for name in ("add", "list", "remove")),
        *(["tokens", name] for name in ("add", "list", "remove")),
        *(["dead-letters", "list"], ["store", "init"]),
        *(["rules", name] for name in ("check", "list")),
    ):
        done = CliRunner().invoke(app, [*words, "--help"])
        assert done.exit_code == 0
        assert f"collector {' '.join(words)}" in done.stdout, words


def test_every_text_is_there_in_vietnamese() -> None:
    assert set(VIETNAMESE) == set(Text)


def test_a_state_is_said_in_either_language() -> None:
    assert say("raised", Lang.EN) == "raised"
    assert say("raised", Lang.VI) == "xảy ra"


def test_a_tables_columns_stand_under_each_other_whatever_the_marks() -> None:
    text = table(("MỨC", "X"), [("a", "1"), ("tiê\u0301ng", "2")])

    assert [line.replace("e\u0302\u0301", "e") for line in text] == [
        "MỨC    X",
        "a      1",
        "tiê\u0301ng  2",
    ]
