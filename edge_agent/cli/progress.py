"""A progress bar for slow links: redrawn twice a second at most, a line a step where there is none.

It goes to standard error, so that the results can be piped or copied.
"""

from __future__ import annotations

import shutil
import time
from typing import TYPE_CHECKING, TextIO

from telemetry.language import Lang, Phrase
from telemetry.layout import COLUMNS

if TYPE_CHECKING:
    from collections.abc import Callable

REDRAWN_EVERY = 0.5
"""Seconds; a line of 80 characters then takes 160 bytes a second of the link."""

CELLS = 20

LEFT = Phrase(en="{time} left", vi="còn {time}")
SECONDS = Phrase(en="{n} s", vi="{n} giây")
MINUTES = Phrase(en="{m} min {s:02} s", vi="{m} phút {s:02} giây")
HOURS = Phrase(en="{h} h {m:02} min", vi="{h} giờ {m:02} phút")


def spoken_time(seconds: float, lang: Lang) -> str:
    """A duration as people say it."""
    minutes, rest = divmod(round(seconds), 60)
    if not minutes:
        return SECONDS(lang, n=rest)
    hours, minutes = divmod(minutes, 60)
    return HOURS(lang, h=hours, m=minutes) if hours else MINUTES(lang, m=minutes, s=rest)


def drawn(done: float, left: float, doing: str, lang: Lang, columns: int = COLUMNS) -> str:
    """The bar, in a line shorter than a terminal is wide: one that is full would begin another."""
    share = done / (done + left) if done + left else 1.0
    cells = "#" * round(CELLS * share)
    time_left = LEFT(lang, time=spoken_time(left, lang))
    text = f"[{cells:.<{CELLS}}] {share:4.0%}  {time_left}  {doing}"
    return text[: columns - 1]


class Bar:
    """A bar on a terminal; elsewhere a line when a new step begins."""

    def __init__(
        self, out: TextIO, lang: Lang, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._out = out
        self._lang = lang
        self._clock = clock
        self._drawn_at = -REDRAWN_EVERY
        self._width = 0
        self._step = ""

    def show(self, done: float, left: float, step: str, doing: str) -> None:
        """Seconds done and left, the step that this belongs to, and what is done now."""
        if not self._out.isatty():
            if step != self._step:
                self._step = step
                self._out.write(drawn(done, left, step, self._lang) + "\n")
                self._out.flush()
        elif self._clock() - self._drawn_at >= REDRAWN_EVERY:
            self._drawn_at = self._clock()
            columns = min(COLUMNS, shutil.get_terminal_size().columns)
            self._redraw(drawn(done, left, f"{step} {doing}", self._lang, columns))

    def clear(self) -> None:
        """Make room for other lines."""
        if self._width:
            self._redraw("")
            self._out.write("\r")
            self._out.flush()
            self._drawn_at = -REDRAWN_EVERY

    def _redraw(self, text: str) -> None:
        self._out.write("\r" + text.ljust(self._width))
        self._out.flush()
        self._width = len(text)
