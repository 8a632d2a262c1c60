"""A point-to-point test at work: look at the agent until enough is seen, then ask the collector."""

from __future__ import annotations

import shutil
import sys
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import typer

from edge_agent.acceptance.point import ReadBack
from edge_agent.acceptance.text import WIDTH
from edge_agent.acceptance.trial import Trial
from edge_agent.cli import running_agent, sheets
from edge_agent.cli.centre import NoAnswer
from edge_agent.cli.options import fail
from edge_agent.cli.running_agent import AgentFailed
from edge_agent.exits import Exit
from telemetry.language import Phrase

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from edge_agent.acceptance.point import Point, Reference
    from edge_agent.acceptance.trial import Key
    from edge_agent.cli.centre import Centre
    from edge_agent.site.site import Site, SiteDevice
    from telemetry.language import Lang

WAITING = Phrase(
    en="{passed} of {total} channels proven; {left} s left; waiting for {key}",
    vi="đã kiểm chứng {passed}/{total} kênh; còn {left} giây; đang chờ {key}",
)
BEGUN = Phrase(
    en="no agent runs: one is started for the test",
    vi="chưa có agent nào chạy: khởi động tạm một agent để kiểm tra",
)
OLD_CONFIG = Phrase(
    en="the running agent has another version of {path}: restart it first",
    vi="agent đang chạy dùng bản cấu hình khác với {path}: hãy khởi động lại agent trước",
)

State = dict[str, Any]
"""An agent's status document."""


@dataclass(frozen=True, slots=True)
class Order:
    """What was asked for."""

    path: Path
    site: Site
    devices: tuple[SiteDevice, ...]
    references: Mapping[Key, Reference]
    waived: Mapping[Key, str]
    within: float
    centre: Centre | None
    lang: Lang


@dataclass(frozen=True, slots=True)
class Seen:
    """The agent's first and last state, if there was one, and every channel as it came out."""

    first: State | None
    last: State | None
    points: dict[Key, Point]

    def more(self, count: str) -> int:
        """By how much a count of delivery rose."""
        if self.first is None or self.last is None:
            return 0
        return int(self.last["delivery"][count] - self.first["delivery"][count])


def prove(order: Order) -> Seen:
    """Every channel that was asked for, as far as it can be proven in the time; ends on Ctrl-C."""
    seen = _watched(order)
    if order.centre is None:
        return seen
    return replace(seen, points=_read_back(order, order.centre, seen.points))


def _watched(order: Order) -> Seen:
    trial = Trial(sheets.wanted(order.devices, order.references, order.waived), began=now())
    first: State | None = None
    last: State | None = None
    if running_agent.found(order.site) is None:
        typer.echo(BEGUN(order.lang), err=True)
    with running_agent.agent(order.site, order.path) as look:
        try:
            deadline = time.monotonic() + order.within
            while trial.awaited and time.monotonic() < deadline:
                last = _look(look, order) or last
                first = first or last
                if last is not None:
                    trial.look(last, now())
                _tell_progress(trial, deadline, order.lang)
                time.sleep(running_agent.LOOK_EVERY)
        except KeyboardInterrupt:
            pass
        finally:
            _clear_line()
    return Seen(first, last, trial.points)


def _look(look: Callable[[], State | None], order: Order) -> State | None:
    try:
        state = look()
    except AgentFailed as error:
        fail(str(error), code=Exit.NOT_WORKING)
    if state is not None and state.get("config") != order.site.digest:
        fail(OLD_CONFIG(order.lang, path=order.path), code=Exit.NOT_WORKING)
    return state


def _read_back(order: Order, centre: Centre, points: dict[Key, Point]) -> dict[Key, Point]:
    """The points with what the collector gives back of those that are stored."""
    agent = order.site.config.agent.id
    given: dict[tuple[str, int], dict[str, ReadBack]] = {}
    asked = {
        (device, point.reading.at)
        for (device, _), point in points.items()
        if point.reading and point.reading.stored
    }
    try:
        for device, at in sorted(asked):
            given[device, at] = centre.read_back(agent, device, at)
    except NoAnswer as error:
        fail(str(error), code=Exit.NOT_WORKING)
    return {key: _with_read_back(key, point, given) for key, point in points.items()}


def _with_read_back(
    key: Key, point: Point, given: Mapping[tuple[str, int], Mapping[str, ReadBack]]
) -> Point:
    if point.reading is None or (key[0], point.reading.at) not in given:
        return point
    back = given[key[0], point.reading.at].get(point.channel, ReadBack(None))
    return replace(point, read_back=back)


def _tell_progress(trial: Trial, deadline: float, lang: Lang) -> None:
    """One line that is written over, on a terminal only."""
    awaited = trial.awaited
    if not sys.stderr.isatty() or not awaited:
        return
    total, left = len(trial.points), max(0, round(deadline - time.monotonic()))
    passed = sum(point.finding.passes for point in trial.points.values())
    line = WAITING(lang, passed=passed, total=total, left=left, key=".".join(awaited[0]))
    room = min(WIDTH, shutil.get_terminal_size().columns) - 1
    typer.echo(f"\r{line[:room]:<{room}}", nl=False, err=True)


def _clear_line() -> None:
    if sys.stderr.isatty():
        typer.echo("\r\033[K", nl=False, err=True)


def now() -> int:
    """In ms since the epoch."""
    return time.time_ns() // 1_000_000
