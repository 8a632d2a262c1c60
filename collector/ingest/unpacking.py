"""What a message is: an envelope that arrived, one to refuse, an announcement, or none of ours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from collector.arrival import Arrival
from telemetry import announce, envelope, receipt, topics
from telemetry.announce import About, MalformedAnnouncement, Status
from telemetry.envelope import MalformedEnvelope
from telemetry.receipt import Outcome, Receipt
from telemetry.topics import AboutTopic, EnvelopeTopic, StatusTopic

if TYPE_CHECKING:
    from collector.ingest.inbox import Message


@dataclass(frozen=True, slots=True)
class Refused:
    """An envelope that cannot be read, and what to tell its agent."""

    agent: str
    receipt: Receipt


@dataclass(frozen=True, slots=True)
class News:
    """What an agent announces of itself."""

    agent: str
    at: int
    says: Status | About


class NotOurs(ValueError):
    """The topic, or the announcement on it, is no part of the protocol; there is no answer."""


def unpack(message: Message) -> Arrival | Refused | News:
    """What is in a message.

    Raises:
        NotOurs: if nobody waits for an answer to it.
    """
    topic = topics.parse_up(message.topic)
    try:
        match topic:
            case EnvelopeTopic():
                return _envelope(topic, message)
            case StatusTopic():
                return News(topic.agent, message.at, announce.unpack_status(message.payload))
            case AboutTopic():
                return News(topic.agent, message.at, announce.unpack_about(message.payload))
            case None:
                raise NotOurs(message.topic)
    except MalformedAnnouncement as error:
        raise NotOurs(f"{message.topic}: {error}") from error


def _envelope(topic: EnvelopeTopic, message: Message) -> Arrival | Refused:
    crc = receipt.checksum(message.payload)
    try:
        return Arrival(topic, crc, message.at, envelope.unpack(message.payload))
    except MalformedEnvelope as error:
        answer = Receipt(topic.stream, topic.seq, crc, Outcome.REFUSED, str(error))
        return Refused(topic.agent, answer)
