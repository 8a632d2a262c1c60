"""Since when and until when the collector has stored what a device said, by its receipts.

    appended ──► waiting (seq, CRC, when each device's samples in it were taken)
                    └── receipt `stored` ──► stored (device: its newest sample so far)

All up to the newest stored sample is stored that is older than what waits. Only this process's
batches are known, and `MEMORY` of those that wait: before what was forgotten nothing is claimed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from telemetry.receipt import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from edge_agent.delivery.batch import Batch
    from telemetry.receipt import Receipt

MEMORY = 300
"""Batches without a receipt that are remembered: five minutes at one a second."""


@dataclass(frozen=True, slots=True)
class _Waiting:
    crc: int
    last_at: int
    spans: Mapping[str, tuple[int, int]]


class Trace:
    """What is known of the batches of this process."""

    def __init__(self) -> None:
        self._waiting: dict[int, _Waiting] = {}
        self._stored: dict[str, int] = {}
        self._forgotten_to = 0

    def appended(self, newest: int, batches: Sequence[Batch]) -> None:
        """The outbox keeps these, one seq after the other up to `newest`."""
        for seq, batch in enumerate(batches, newest - len(batches) + 1):
            self._waiting[seq] = _Waiting(batch.crc, batch.last_at, batch.spans)
        while len(self._waiting) > MEMORY:
            lost = self._waiting.pop(next(iter(self._waiting)))
            self._forgotten_to = max(self._forgotten_to, lost.last_at)

    def receipted(self, receipts: Iterable[Receipt]) -> None:
        """The collector's word; hearing it again changes nothing."""
        for receipt in receipts:
            batch = self._waiting.get(receipt.seq)
            if batch and batch.crc == receipt.crc and receipt.outcome is Outcome.STORED:
                del self._waiting[receipt.seq]
                for device, (_, last) in batch.spans.items():
                    self._stored[device] = max(last, self._stored.get(device, last))

    def stored(self, device: str) -> tuple[int, int] | None:
        """The times (ms since epoch) between which all that the device said is stored."""
        if device not in self._stored:
            return None
        waiting = [b.spans[device][0] - 1 for b in self._waiting.values() if device in b.spans]
        first, last = self._forgotten_to + 1, min([self._stored[device], *waiting])
        return (first, last) if first <= last else None
