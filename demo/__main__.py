"""`make demo`: start everything, cut the broker half-way, show it, and account for every sample.

DEMO_SECONDS=30 ends it by itself; it exits with 1 if anything was lost or doubled.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from typing import TYPE_CHECKING

from rich.console import Console
from rich.live import Live

from demo.town import CannotStart, Town
from demo.view import WHERE, Picture, draw, line

if TYPE_CHECKING:
    from collections.abc import Iterator

CUT_AT = 30.0
"""Second at which the broker is cut when no end is given; otherwise half-way."""

FROZEN_FOR = 4.0
"""Seconds that the broker hangs before it is killed."""

SHORTEST = 10
"""Seconds that it takes to cut the broker and to see it back."""

LINE_EVERY = 5.0
"""Seconds between two lines where there is no terminal."""


class Interrupted(Exception):
    """Somebody wants it to end."""


def main() -> int:
    """The exit code."""
    signal.signal(signal.SIGTERM, _interrupt)
    signal.signal(signal.SIGINT, _interrupt)
    console = Console()
    try:
        until = _end(os.environ.get("DEMO_SECONDS", ""))
        town = Town()
        with town.running():
            return _perform(town, console, until)
    except CannotStart as error:
        console.print(f"The demonstration cannot start: {error}", style="red", markup=False)
        return 1
    except Interrupted:
        return 130


def _end(seconds: str) -> float | None:
    """When it ends by itself, if it does."""
    if not seconds:
        return None
    if not (seconds.isdecimal() and int(seconds) >= SHORTEST):
        raise CannotStart(f"DEMO_SECONDS={seconds} should be a whole number, at least {SHORTEST}")
    return float(seconds)


def _interrupt(*_: object) -> None:
    raise Interrupted


def _perform(town: Town, console: Console, until: float | None) -> int:
    picture = Picture(seconds=0, until=until, api=town.api)
    with contextlib.suppress(Interrupted), _shown(console, town.api) as show:
        begun, cut = time.monotonic(), _Cut(town, until / 2 if until else CUT_AT)
        while until is None or picture.seconds < until:
            picture.seconds = time.monotonic() - begun
            if dead := town.dead():
                console.print(dead, style="red", markup=False)
                return 1
            cut.act(picture)
            _look(town, picture)
            show(picture)
            time.sleep(0.5)
    return _account(town, console)


def _account(town: Town, console: Console) -> int:
    """The summary: the agent ends first, so that nothing is on its way."""
    console.print("Ending: the agent puts what it has read into its outbox ...")
    town.stop_agent()
    tally = town.account()
    console.print("\n".join(["", *tally.lines(), ""]), highlight=False, markup=False)
    if tally.is_right:
        console.print("Nothing was lost, nothing was doubled.", style="bold green")
        return 0
    console.print("The account does not balance; the logs are in var/demo.", style="bold red")
    return 1


class _Cut:
    """The broker is frozen at `at` (s), killed `FROZEN_FOR` later, and comes back by itself."""

    def __init__(self, town: Town, at: float) -> None:
        self._town = town
        self._at = at
        self._pid: int | None = None
        self._step = 0

    def act(self, picture: Picture) -> None:
        """What is due at this second."""
        if self._step == 0 and picture.seconds >= self._at:
            self._pid = self._town.broker_pid()
            self._town.freeze_broker()
            self._tell(picture, "the broker is cut: it hangs, then it will be killed (kill -9)")
        elif self._step == 1 and picture.seconds >= self._at + FROZEN_FOR:
            self._town.kill_broker()
            self._tell(picture, "the broker is dead; samples wait in the agent's outbox")
        elif self._step == 2 and self._town.broker_pid() not in (None, self._pid):  # noqa: PLR2004
            self._tell(picture, "the collector has started its broker anew")

    def _tell(self, picture: Picture, text: str) -> None:
        self._step += 1
        picture.news.append(f"{picture.seconds:4.0f} s  {text}")


def _look(town: Town, picture: Picture) -> None:
    picture.stored = town.rows_stored()  # before the agent's own count, which may be older
    status = town.agent_status()
    delivery = status.get("delivery", {})
    picture.read = status.get("samples_read", 0)
    picture.waiting = delivery.get("samples", 0) + delivery.get("queued", 0)
    picture.delivered = delivery.get("delivered", 0)
    picture.connected = delivery.get("connected", False)
    picture.latest = town.ask("/v1/latest") or picture.latest
    alarms = town.ask("/v1/alarms")
    picture.alarms = picture.alarms if alarms is None else alarms


@contextlib.contextmanager
def _shown(console: Console, api: str) -> Iterator[_Show]:
    if console.is_terminal:
        with Live(console=console, auto_refresh=False) as live:
            yield lambda picture: live.update(draw(picture), refresh=True)
        return
    console.print(WHERE.format(api=api), highlight=False, markup=False)
    yield _Lines(console).show


class _Lines:
    """The news as they come, and the state now and then."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._told = 0
        self._next = 0.0

    def show(self, picture: Picture) -> None:
        """What is new since the last call."""
        for text in picture.news[self._told :]:
            self._console.print(text, highlight=False, markup=False)
        self._told = len(picture.news)
        if picture.seconds >= self._next:
            self._console.print(line(picture), highlight=False, markup=False)
            self._next = picture.seconds + LINE_EVERY


if TYPE_CHECKING:
    from collections.abc import Callable

    _Show = Callable[[Picture], None]

if __name__ == "__main__":
    sys.exit(main())
