"""Receipts on their way out: the outcomes of one group, a message an agent and stream."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from telemetry import receipt, topics

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from telemetry.receipt import Receipt

MOST = 1000
"""Receipts in one message: some 35 kB, more than any agent has in flight."""


class Outgoing(NamedTuple):
    """A message to publish."""

    topic: str
    payload: bytes


def messages(outcomes: Iterable[tuple[str, Receipt]]) -> Iterator[Outgoing]:
    """The messages that carry each (agent, receipt) once, in order within a stream."""
    by_stream: dict[tuple[str, str], list[Receipt]] = {}
    for agent, outcome in outcomes:
        by_stream.setdefault((agent, outcome.stream), []).append(outcome)
    for (agent, stream), found in by_stream.items():
        for start in range(0, len(found), MOST):
            payload = receipt.pack(stream, found[start : start + MOST])
            yield Outgoing(topics.receipts(agent), payload)
