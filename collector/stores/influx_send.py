"""Lines to the server in bounded requests; bad ones are found by halving, the rest stored."""

from __future__ import annotations

from typing import TYPE_CHECKING

from collector.stores.influx_answers import LinesRefused

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from collector.stores.influx_server import InfluxServer
    from collector.stores.query import Source

MAX_LINES = 5_000
"""Most lines a request; InfluxData's own advice for batches."""


def send_lines(
    server: InfluxServer, source: Source, lines: Sequence[bytes]
) -> list[tuple[int, str]]:
    """Store lines; return the number of each refused one, with the server's words.

    Raises:
        StoreUnavailable: if the server could not take them all; some may be stored.
    """
    starts = range(0, len(lines), MAX_LINES)
    return [
        refused
        for first in starts
        for refused in _bisect(server, source, lines[first : first + MAX_LINES], first)
    ]


def _bisect(
    server: InfluxServer, source: Source, lines: Sequence[bytes], first: int
) -> Iterator[tuple[int, str]]:
    """Halve until only the bad lines are left; what is sent again changes nothing."""
    try:
        server.write(source, b"\n".join(lines))
    except LinesRefused as refused:
        if len(lines) == 1:
            yield first, str(refused)
            return
        middle = len(lines) // 2
        yield from _bisect(server, source, lines[:middle], first)
        yield from _bisect(server, source, lines[middle:], first + middle)
