"""Which samples the collector has stored, by its receipts: the proof of a point-to-point test.

    appended ──► waiting (seq, CRC, when each device's samples in it were taken)
                    └── receipt `stored` ──► stored (device: its newest sample so far)

A sample is stored if one as new of its device is, and no batch that waits may hold it. Only this
process's batches are known, and the latest `MEMORY` of them: of older ones nothing is claimed.
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

    def may_hold(self, device: str, at: int) -> bool:
        first, last = self.spans.get(device, (at + 1, at))
        return first <= at <= last


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

    def is_stored(self, device: str, at: int) -> bool:
        """Whether the sample that this device gave at `at` (ms since epoch) is known to be."""
        if at > self._stored.get(device, -1) or at <= self._forgotten_to:
            return False
        return not any(batch.may_hold(device, at) for batch in self._waiting.values())
