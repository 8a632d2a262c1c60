"""What the API serves from: the collector's parts, as `app.py` puts them together."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Query, Request

from collector.alarms.acknowledging import OpenAlarms
from collector.api.tokens import Tokens
from collector.ingest.intake import Intake
from collector.journal.journal import Journal
from collector.live import Live
from collector.stores import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """The parts that requests are answered from.

    Attributes:
        alarms: what is open, for operators to acknowledge.
        broker_restarts: how often the embedded broker had to be started again.
        stopping: set when the collector stops: streams end.
    """

    store: Store
    journal: Journal
    live: Live
    alarms: OpenAlarms
    intake: Intake
    tokens: Tokens
    broker_restarts: Callable[[], int]
    stopping: asyncio.Event


def _parts(request: Request) -> Parts:
    parts = request.app.state.parts
    assert isinstance(parts, Parts)  # noqa: S101 - put there by application.build
    return parts


PartsOf = Annotated[Parts, Depends(_parts)]
"""The parts, in a path's function."""

After = Annotated[int, Query(ge=0, lt=2**63, description="`next` of the page before")]
"""Where a page begins, in a path's function: a row of SQLite, and so 63 bits."""
