"""Promise: what is wrong stands first, in 80 columns, and a live view sends only what changed."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from edge_agent.cli import app
from edge_agent.cli.picture import is_working, picture, problems, redrawn, shortened
from edge_agent.delivery.outbox_file import OutboxFile
from edge_agent.vitals import status
from telemetry.language import Lang

NOW = 1_795_330_800.0


def state(**changes: Any) -> dict[str, Any]:  # noqa: ANN401 - a JSON document
    """An agent that works."""
    return {
        "agent": "gw-1",
        "version": "1.0",
        "running": True,
        "at": NOW,
        "started_at": NOW - 3700,
        "clock": "synced",
        "samples_read": 9,
        "delivery": delivery(),
        "buses": [bus()],
        "devices": [device()],
    } | changes


def delivery(**changes: Any) -> dict[str, Any]:  # noqa: ANN401 - as above
    return {"connected": True, "batches": 1, "delivered": 1, "refused": 0, "dropped": 0} | changes


def bus(**changes: Any) -> dict[str, Any]:  # noqa: ANN401 - as above
    usual = {"id": "rs485", "place": "/dev/ttyUSB0 9600 8N1", "state": "up", "down_for": None}
    return usual | {"late_replies": 0} | changes


def device(**changes: Any) -> dict[str, Any]:  # noqa: ANN401 - as above
    counts = dict.fromkeys(("requests", "replies", "timeouts", "bad_replies", "skipped"), 7)
    usual = {"id": "meter-1", "bus": "rs485", "state": "answering", "last_reply_age": 0.4}
    return usual | counts | {"exceptions": {}} | changes


def shown(document: dict[str, Any], lang: Lang = Lang.EN) -> str:
    return "\n".join(picture(document, NOW, lang))


def test_one_is_not_called_many() -> None:
    assert "1 batch\n" in shown(state())
    assert "2 batches\n" in shown(state(delivery=delivery(batches=2)))
    assert "delivered   1 sample\n" in shown(state())
    assert "2 lô" in shown(state(delivery=delivery(batches=2)), Lang.VI)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"running": False, "at": NOW - 90}, "start it"),
        ({"buses": [bus(state="down", down_for=42.0)]}, "bus rs485 is down for 42 s"),
        ({"buses": [bus(state="down")]}, "bus rs485 is down ("),
        ({"devices": [device(state="silent")]}, "device meter-1 on rs485 is silent"),
        (
            {"devices": [device(state="silent", last_reply_age=None)]},
            "device meter-1 on rs485 has never answered",
        ),
        ({"devices": [device(exceptions={"2": 3})]}, "exceptions (2: 3)"),
        ({"delivery": delivery(connected=False)}, "the broker is away"),
        ({"clock": "unknown"}, "not synchronised"),
        ({"delivery": delivery(dropped=1)}, "lost for want of room: 1 sample"),
        ({"delivery": delivery(refused=2)}, "as unreadable: 2 batches"),
    ],
)
def test_what_is_wrong_stands_right_behind_the_head(changes: dict[str, Any], says: str) -> None:
    lines = picture(state(**changes), NOW, Lang.EN)

    assert lines[1].startswith("! ")
    assert says in " ".join(" ".join(lines[1:4]).split())


def test_a_site_that_works_has_nothing_to_say_against_it() -> None:
    assert list(problems(state(), Lang.EN)) == []
    assert is_working(state())


def test_a_silent_device_on_a_bus_that_is_down_is_no_second_problem() -> None:
    both = state(buses=[bus(state="down")], devices=[device(state="silent")])

    assert len(list(problems(both, Lang.VI))) == 1


COUNT = st.integers(0, 9_999_999)
ID = st.text("abcdefghij-0123", min_size=1, max_size=40)


@given(ID, ID, COUNT, st.sampled_from(Lang), st.sampled_from(["answering", "silent", "not yet"]))
def test_it_fits_80_columns(name: str, bus_name: str, n: int, lang: Lang, how: str) -> None:
    document = state(
        agent=name,
        buses=[bus(id=bus_name, state="down", late_replies=n)],
        devices=[device(id=name, bus="x", state=how, requests=n, skipped=n, timeouts=n)],
        samples_read=n,
    )

    assert max(map(len, picture(document, NOW, lang))) <= 80


class Terminal:
    """What a screen shows of what it is sent: the few sequences that are used."""

    def __init__(self) -> None:
        self.rows: dict[int, str] = {}

    def show(self, drawn: str) -> None:
        """Take what is sent."""
        for row, text in re.findall(r"\x1b\[(\d+);1H([^\x1b]*)\x1b\[K", drawn):
            self.rows[int(row)] = text

    @property
    def lines(self) -> list[str]:
        """From the top, without empty rows at the end."""
        lines = [self.rows.get(row, "") for row in range(1, max(self.rows, default=0) + 1)]
        while lines and not lines[-1]:
            lines.pop()
        return lines


LINES = st.lists(st.text("ab ", max_size=5).map(str.rstrip), max_size=6)


@given(st.lists(LINES, max_size=6))
def test_after_each_step_the_screen_shows_the_picture(pictures: list[list[str]]) -> None:
    terminal = Terminal()
    before: list[str] = []
    for each in pictures:
        terminal.show(redrawn(before, each))
        before = each

        expected = list(each)
        while expected and not expected[-1]:
            expected.pop()
        assert terminal.lines == expected


def test_what_has_not_changed_is_not_sent() -> None:
    lines = picture(state(), NOW, Lang.EN)

    assert redrawn(lines, lines) == ""
    assert len(redrawn(lines, picture(state(samples_read=10), NOW, Lang.EN))) < 70


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "agent.yaml"
    path.write_text(f"agent: {{id: gw-1}}\ndata_dir: {tmp_path}\n")
    return path


def test_a_live_view_follows_the_agent_until_ctrl_c(config: Path) -> None:
    status.write(config.parent, state(at=time.time(), pid=os.getpid()))
    ours, theirs = pty.openpty()
    program = Path(sys.executable).with_name("edge-agent")
    command = [str(program), "status", "--watch", "--lang", "en", "-c", str(config)]
    with subprocess.Popen(command, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        first = until(ours, "9 samples since")
        status.write(config.parent, state(at=time.time(), pid=os.getpid(), samples_read=12_345))
        second = until(ours, "12345 samples since")
        process.send_signal(signal.SIGINT)
        code = process.wait(30)
    os.close(ours)

    assert "agent gw-1 1.0: running" in first
    assert "meter-1" not in second.partition("12345")[2]
    assert code == 0


def until(terminal: int, said: str) -> str:
    heard = ""
    while said not in heard:
        assert select.select([terminal], [], [], 60)[0], heard
        heard += os.read(terminal, 4096).decode()
    return heard


def test_a_live_view_needs_a_terminal(config: Path) -> None:
    done = CliRunner().invoke(app, ["status", "--watch", "-c", str(config)])

    assert done.exit_code == 2
    assert "needs a terminal" in done.output


def test_the_outbox_is_told_in_either_language(config: Path) -> None:
    OutboxFile(config.parent / "outbox.db", machine="m", max_size=2_000_000_000, quarantine=10**6)

    for lang, word in (("en", "waiting"), ("vi", "đang chờ")):
        done = CliRunner().invoke(app, ["outbox", "-c", str(config), "--lang", lang])

        assert done.exit_code == 0, done.output
        assert word in done.output
        long = [line for line in done.output.splitlines() if str(config.parent) not in line]
        assert max(map(len, long)) <= 80
    assert json.loads(CliRunner().invoke(app, ["outbox", "-c", str(config), "--json"]).output)


def test_a_picture_is_never_larger_than_the_terminal_and_tells_what_is_hidden() -> None:
    lines = [f"device {n} " + "x" * 70 for n in range(60)]

    shown = shortened(lines, os.terminal_size((60, 24)), Lang.EN)

    assert len(shown) == 23
    assert max(map(len, shown)) == 60
    assert shown[-1] == "… more lines: 38"
    assert shortened(lines[:3], os.terminal_size((80, 24)), Lang.EN) == lines[:3]
