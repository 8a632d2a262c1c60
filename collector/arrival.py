"""What arrived: one envelope of one agent, with all that is needed to receipt it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from telemetry.envelope import Envelope
    from telemetry.topics import EnvelopeTopic


@dataclass(frozen=True, slots=True)
class Arrival:
    """An envelope as it came in.

    Attributes:
        topic: whose it is: agent, lane, stream and seq.
        crc: the CRC-32 of the payload, which its receipt must name.
        at: when it arrived, in ms since the epoch, UTC.
        envelope: its samples.
    """

    topic: EnvelopeTopic
    crc: int
    at: int
    envelope: Envelope

    @property
    def agent(self) -> str:
        """The agent whose samples these are."""
        return self.topic.agent
