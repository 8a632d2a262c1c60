"""Where messages go. Identity is in the topic, so a broker's access list can bind it.

    ct/v1/<agent>/up/<lane>/<stream>/<seq>     envelopes, agent to collector
    ct/v1/<agent>/up/status                    retained, with a last will: online or offline
    ct/v1/<agent>/up/about                     retained: what the agent is and has
    ct/v1/<agent>/down/receipts                receipts, collector to agent
    ct/v1/collector/<id>/presence              retained, with a last will: online, store up or down

The words follow MQTT 3.1.1; nothing here needs version 5.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from telemetry.names import is_agent

ROOT = "ct/v1"
STREAM = re.compile(r"[0-9a-f]{16}")
SEQ_MAX = 2**63 - 1


class Lane(StrEnum):
    """`live` is what is measured now; `backlog` is what an outage left behind."""

    LIVE = "live"
    BACKLOG = "backlog"


@dataclass(frozen=True, slots=True)
class EnvelopeTopic:
    """Whose envelope this is: `seq` never repeats within a stream, nor a stream within an agent."""

    agent: str
    lane: Lane
    stream: str
    seq: int

    def __str__(self) -> str:
        """The topic's text."""
        return f"{ROOT}/{self.agent}/up/{self.lane}/{self.stream}/{self.seq}"


@dataclass(frozen=True, slots=True)
class StatusTopic:
    """An agent's retained `online` or `offline`."""

    agent: str

    def __str__(self) -> str:
        """The topic's text."""
        return f"{ROOT}/{self.agent}/up/status"


@dataclass(frozen=True, slots=True)
class AboutTopic:
    """An agent's retained description of itself."""

    agent: str

    def __str__(self) -> str:
        """The topic's text."""
        return f"{ROOT}/{self.agent}/up/about"


UpTopic = EnvelopeTopic | StatusTopic | AboutTopic
ALL_UP = f"{ROOT}/+/up/#"
"""What a collector subscribes to."""
ALL_PRESENCE = f"{ROOT}/collector/+/presence"
"""What an agent subscribes to, beside its own receipts."""


def receipts(agent: str) -> str:
    """Where an agent finds its receipts."""
    return f"{ROOT}/{agent}/down/receipts"


def presence(collector: str) -> str:
    """Where a collector says that it is there."""
    return f"{ROOT}/collector/{collector}/presence"


def parse_up(topic: str) -> UpTopic | None:
    """What an agent's topic says, or None for one that is not ours."""
    match topic.split("/"):
        case ["ct", "v1", agent, "up", "status"] if is_agent(agent):
            return StatusTopic(agent)
        case ["ct", "v1", agent, "up", "about"] if is_agent(agent):
            return AboutTopic(agent)
        case ["ct", "v1", agent, "up", ("live" | "backlog") as lane, stream, seq] if (
            is_agent(agent) and STREAM.fullmatch(stream) and _is_seq(seq)
        ):
            return EnvelopeTopic(agent, Lane(lane), stream, int(seq))
        case _:
            return None


def _is_seq(text: str) -> bool:
    return re.fullmatch(r"[1-9][0-9]{0,18}", text) is not None and int(text) <= SEQ_MAX
