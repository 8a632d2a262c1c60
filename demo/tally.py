"""The account: what the agent read, against what the store and its outbox have.

*Read* is counted by the agent as samples come from the buses. Each sample is known by its device
and time; it is *stored* if the store's file has a row of it, and *waiting* if only the outbox has
it. One that is in neither is lost; a second row of one is doubled.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from collections.abc import Set as AbstractSet

Key = tuple[str, int]
"""A sample: its device, and its time in ms since the epoch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """Samples by what became of them; alarms raised and cleared."""

    read: int
    stored: int
    waiting: int
    doubled: int
    raised: int
    cleared: int

    @property
    def lost(self) -> int:
        """Samples that were read and are nowhere."""
        return max(0, self.read - self.stored - self.waiting)

    @property
    def is_right(self) -> bool:
        """Whether nothing is lost, nothing is there twice, and most of it has arrived."""
        return self.stored > self.waiting and not self.lost and not self.doubled

    def lines(self) -> list[str]:
        """The account as it is shown."""
        return [
            f"samples read by the agent      {self.read:6}",
            f"stored                         {self.stored:6}",
            f"waiting in the agent's outbox  {self.waiting:6}   (kept: the next start sends them)",
            f"lost                           {self.lost:6}",
            f"doubled                        {self.doubled:6}",
            f"alarms raised                  {self.raised:6}",
            f"alarms cleared                 {self.cleared:6}",
        ]


def account(
    *, read: int, rows: Sequence[Key], kept: AbstractSet[Key], raised: int, cleared: int
) -> Tally:
    """The account of `rows` in the store and samples `kept` in the outbox."""
    stored = set(rows)
    return Tally(
        read=read,
        stored=len(stored),
        waiting=len(kept - stored),
        doubled=len(rows) - len(stored),
        raised=raised,
        cleared=cleared,
    )
