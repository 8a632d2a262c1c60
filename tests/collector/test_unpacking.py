"""The promise: whatever bytes come on whatever topic, there is one clear answer, or none."""

from __future__ import annotations

import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.arrival import Arrival
from collector.ingest.inbox import Message
from collector.ingest.unpacking import News, NotOurs, Refused, unpack
from telemetry import announce, envelope
from telemetry.announce import About, Status
from telemetry.envelope import Clock, Device, Envelope
from telemetry.receipt import Outcome, Receipt
from telemetry.sample import Sample

TOPIC = "ct/v1/gw-1/up/live/0123456789abcdef/7"
ENVELOPE = Envelope(
    Clock.SYNCED,
    (Device("meter-1", "eastron-sdm630", 1, "electricity_meter"),),
    (Sample("meter-1", 5, {"voltage": 230.0}),),
)


def test_an_envelope_is_an_arrival_with_its_checksum() -> None:
    payload = envelope.pack(ENVELOPE)

    arrival = unpack(Message(TOPIC, payload, 9))

    assert isinstance(arrival, Arrival)
    assert (str(arrival.topic), arrival.crc, arrival.at) == (TOPIC, zlib.crc32(payload), 9)
    assert arrival.envelope == ENVELOPE


def test_an_unreadable_envelope_is_refused_with_the_reason() -> None:
    payload = b'{"v":7}'

    refused = unpack(Message(TOPIC, payload, 9))

    told = Receipt(
        "0123456789abcdef", 7, zlib.crc32(payload), Outcome.REFUSED, "version 7 is not 1"
    )
    assert refused == Refused("gw-1", told)


@pytest.mark.parametrize(
    ("topic", "payload", "says"),
    [
        ("status", announce.pack_status(Status(online=True, boot="b")), Status(True, "b")),  # noqa: FBT003 - a value
        (
            "about",
            announce.pack_about(About(version="1", boot="b", config="c")),
            About(version="1", boot="b", config="c"),
        ),
    ],
)
def test_announcements_are_news(topic: str, payload: bytes, says: Status | About) -> None:
    assert unpack(Message(f"ct/v1/gw-1/up/{topic}", payload, 9)) == News("gw-1", 9, says)


@pytest.mark.parametrize(
    "topic",
    ["ct/v1/gw-1/up/status", "ct/v1/gw-1/up/about", "ct/v1/gw-1/up/live/x/1", "ct/v1/GW/up/status"],
)
def test_what_is_no_part_of_the_protocol_has_no_answer(topic: str) -> None:
    with pytest.raises(NotOurs):
        unpack(Message(topic, b"{}", 9))


@given(st.binary())
def test_any_bytes_as_an_envelope_are_answered(payload: bytes) -> None:
    assert isinstance(unpack(Message(TOPIC, payload, 9)), Arrival | Refused)
