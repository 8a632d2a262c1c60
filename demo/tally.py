"""The account: what the agent read, against what the store has. Three counts of three sources.

*Read* is counted by the agent as samples come from the buses; *waiting* is what its outbox holds
at the end; *stored* are the rows in the store's file. Nothing is lost if they add up.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """Samples read, stored and waiting; alarms raised and cleared."""

    read: int
    stored: int
    waiting: int
    raised: int
    cleared: int

    @property
    def lost(self) -> int:
        """Samples that were read and are nowhere."""
        return max(0, self.read - self.stored - self.waiting)

    @property
    def doubled(self) -> int:
        """Rows in the store, or batches in the outbox, beyond what was read."""
        return max(0, self.stored + self.waiting - self.read)

    @property
    def is_right(self) -> bool:
        """Whether nothing is lost, nothing is there twice, and most of it has arrived."""
        return self.stored > self.waiting and not self.lost and not self.doubled

    def lines(self) -> list[str]:
        """The account as it is shown."""
        return [
            f"samples read by the agent      {self.read:6}",
            f"rows in the store              {self.stored:6}",
            f"waiting in the agent's outbox  {self.waiting:6}   (kept: the next start sends them)",
            f"lost                           {self.lost:6}",
            f"doubled                        {self.doubled:6}",
            f"alarms raised                  {self.raised:6}",
            f"alarms cleared                 {self.cleared:6}",
        ]
