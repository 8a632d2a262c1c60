"""A recording: a table of rows in time, as a CSV file holds it, and the tracks made from it.

A row holds until the next one, so that a device says exactly what was recorded. An empty cell is
no reading: the one before it holds on.
"""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from statistics import median
from typing import TYPE_CHECKING

from edge_agent.simulate.signal import Track

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    Reading = Callable[[datetime, float], float]
    """What a channel says, given the time of a row (as recorded) and the number in a column."""

MIN_ROWS = 2
"""Two rows tell how long one lasts."""


class BadRecording(ValueError):
    """The table cannot be replayed; the message says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Recording:
    """Rows in time.

    Attributes:
        times: of the rows, ascending; a time without a zone is taken as UTC.
        columns: by name, the cells as they are written.
        start: the recorded time to begin at.
        speed: recorded seconds a second.
    """

    times: Sequence[datetime]
    columns: dict[str, Sequence[str]]
    start: datetime
    speed: float

    def track(self, column: str, reading: Reading) -> Track:
        """A column's track, with `reading` made of each of its cells.

        Raises:
            BadRecording: if there is no such column, or a cell in it is no number.
        """
        if column not in self.columns:
            raise BadRecording(f"has no column {column!r}; it has {', '.join(self.columns)}")
        if not self.columns[column][0].strip():
            raise BadRecording(f"column {column!r} begins with an empty cell")
        rows = [
            (time, reading(time, _number(cell, column, time)))
            for time, cell in zip(self.times, self.columns[column], strict=True)
            if cell.strip()
        ]
        return Track(
            times=[self._seconds(time) for time, _ in rows],
            values=[value for _, value in rows],
            period=self._seconds(self.times[-1]) + self._last_row(),
            phase=self._seconds(self.start),
        )

    def _seconds(self, time: datetime) -> float:
        return (time - self.times[0]).total_seconds() / self.speed

    def _last_row(self) -> float:
        """How long the last row holds: as long as most do."""
        return median(self._seconds(b) - self._seconds(a) for a, b in pairwise(self.times))


def parse(lines: Iterable[str], *, time_column: str, start: str | None, speed: float) -> Recording:
    """The recording in the lines of a CSV file whose first line names the columns.

    Raises:
        BadRecording: if it is none, or `start` is not a time within it.
    """
    header, *rows = [*csv.reader(lines)] or [[]]
    if time_column not in header:
        raise BadRecording(f"has no column {time_column!r}; it has {', '.join(header)}")
    for number, row in enumerate(rows, start=2):
        if len(row) != len(header):
            raise BadRecording(f"row {number} has {len(row)} cells; the first has {len(header)}")
    if len(rows) < MIN_ROWS:
        raise BadRecording(f"has {len(rows)} rows; it takes {MIN_ROWS} to replay")
    columns = dict(zip(header, zip(*rows, strict=True), strict=True))
    times = [_time(cell) for cell in columns.pop(time_column)]
    for earlier, later in pairwise(times):
        if later <= earlier:
            raise BadRecording(f"{later} stands after {earlier}")
    begin = times[0] if start is None else _time(start)
    if not times[0] <= begin <= times[-1]:
        raise BadRecording(f"start {begin} is not within {times[0]} and {times[-1]}")
    return Recording(times, dict(columns), begin, speed)


def _time(text: str) -> datetime:
    try:
        time = datetime.fromisoformat(text.strip().replace("/", "-"))
    except ValueError as error:
        raise BadRecording(f"{text!r} is no time") from error
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def _number(cell: str, column: str, time: datetime) -> float:
    try:
        number = float(cell)
    except ValueError as error:
        raise BadRecording(f"column {column!r} at {time}: {cell!r} is no number") from error
    if not math.isfinite(number):
        raise BadRecording(f"column {column!r} at {time}: {cell!r} is no number")
    return number
