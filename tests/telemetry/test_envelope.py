"""Promise: samples arrive as they were sent, to the bit; any other bytes are MalformedEnvelope.

Deflated payloads carry zlib's Adler-32, so damage is found. A flipped byte in plain JSON may be
another valid document: there the promise is only that nothing but an envelope or MalformedEnvelope
comes out; the receipt's CRC is what ties an envelope to its bytes.
"""

from __future__ import annotations

import contextlib
import json
import sys
import zlib
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from telemetry import envelope
from telemetry.envelope import (
    MAX_BYTES,
    MAX_UNPACKED,
    TIME_MAX,
    Clock,
    Device,
    Envelope,
    EnvelopeTooLarge,
    MalformedEnvelope,
)
from telemetry.sample import (
    INT_MAX,
    INT_MIN,
    NO_REPLY,
    OUT_OF_RANGE,
    SENTINEL,
    TEXT_MAX,
    Flag,
    Quality,
    Sample,
    Value,
)

device_ids = st.from_regex(r"[a-z0-9](?:[a-z0-9_-]{0,38}[a-z0-9])?", fullmatch=True)
channels = st.from_regex(r"[a-z](?:_?[a-z0-9]){0,20}", fullmatch=True)
values = st.one_of(
    st.booleans(),
    st.integers(INT_MIN, INT_MAX),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from([0.0, -0.0, 5e-324, sys.float_info.max, 1e16, 0.1, INT_MIN, INT_MAX]),
    st.sampled_from(["Trạm đo Cầu Giấy", "Điện áp (V)", "ngập 0,5 m", "", "x" * TEXT_MAX]),
    st.text(max_size=30),
)
flags = st.builds(
    Flag,
    st.sampled_from(Quality),
    st.from_regex(r"[a-z](?:_?[a-z0-9]){0,20}", fullmatch=True),
)


@st.composite
def samples_of(draw: st.DrawFn, device: str) -> Sample:
    given_values: dict[str, Value] = draw(st.dictionaries(channels, values, max_size=5))
    given_flags = draw(st.dictionaries(channels, flags, max_size=3))
    for name in list(given_values)[:2]:
        given_flags |= draw(st.dictionaries(st.just(name), flags, max_size=1))
    for name, flag in given_flags.items():
        if not flag.quality.keeps_value:
            given_values.pop(name, None)
    return Sample(device, draw(st.integers(0, TIME_MAX)), given_values, given_flags)


@st.composite
def envelopes(draw: st.DrawFn) -> Envelope:
    ids = draw(st.lists(device_ids, unique=True, max_size=3))
    table = tuple(
        Device(name, draw(device_ids), draw(st.integers(0, INT_MAX)), draw(channels))
        for name in ids
    )
    samples = [one for name in ids for one in draw(st.lists(samples_of(name), max_size=3))]
    return Envelope(draw(st.sampled_from(Clock)), table, tuple(samples))


def exactly(one: Envelope) -> str:
    """Text in which `1`, `1.0`, `True`, `0.0` and `-0.0` differ, and the order of maps does not."""
    return repr(
        [(s.device, s.at, sorted(s.values.items()), sorted(s.flags.items())) for s in one.samples]
        + [one.clock, one.devices]
    )


METER = Device("meter-1", "eastron-sdm630", 1, "electricity_meter")


def document(**changes: object) -> dict[str, Any]:
    """A good document with one device, whose entry is changed by `changes`."""
    entry = {
        "id": "meter-1",
        "profile": "eastron-sdm630",
        "rev": 1,
        "measurement": "electricity_meter",
        "channels": ["voltage_l1", "frequency"],
        "at": [1, 2],
        "rows": [[230.1, 50.0], [230.2, None]],
        "flags": [[1, 1, "missing:no_reply"]],
    }
    return {"v": 1, "clock": "synced", "devices": [entry | changes]}


def malformed(payload: object) -> str:
    """What is said of a document that is none of ours."""
    raw = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    with pytest.raises(MalformedEnvelope) as refused:
        envelope.unpack(raw)
    return str(refused.value)


@given(envelopes(), st.booleans())
def test_what_is_packed_unpacks_to_itself(sent: Envelope, deflate: bool) -> None:  # noqa: FBT001 - hypothesis gives it
    received = envelope.unpack(envelope.pack(sent, deflate=deflate))

    assert exactly(received) == exactly(sent)


def test_samples_of_a_device_come_back_together_in_their_order() -> None:
    other = Device("b", "p", 1, "m")
    sent = [Sample("b", 5, {"x": 1}), Sample("meter-1", 9, {"x": 2}), Sample("b", 4, {"x": 3})]

    received = envelope.unpack(envelope.pack(Envelope(Clock.HELD, (METER, other), tuple(sent))))

    assert list(received.samples) == [sent[1], sent[0], sent[2]]
    assert received.devices == (METER, other)
    assert received.clock is Clock.HELD


def test_a_null_is_unchanged_and_a_flag_says_why_there_is_no_value() -> None:
    first, second = envelope.unpack(json.dumps(document()).encode()).samples

    assert (first.values, first.flags) == ({"voltage_l1": 230.1, "frequency": 50.0}, {})
    assert (second.values, second.flags) == ({"voltage_l1": 230.2}, {"frequency": NO_REPLY})


def test_the_first_byte_tells_whether_it_is_deflated() -> None:
    sent = Envelope(Clock.SYNCED, (METER,), ())

    assert envelope.pack(sent, deflate=False)[:1] == b"{"
    assert envelope.pack(sent)[:1] == b"x"


@given(envelopes(), st.data())
def test_a_deflated_payload_that_is_cut_is_malformed(sent: Envelope, data: st.DataObject) -> None:
    payload = envelope.pack(sent)

    malformed(payload[: data.draw(st.integers(0, len(payload) - 1))])


@given(envelopes(), st.data())
def test_a_plain_payload_that_is_cut_is_malformed(sent: Envelope, data: st.DataObject) -> None:
    payload = envelope.pack(sent, deflate=False)

    malformed(payload[: data.draw(st.integers(0, len(payload) - 1))])


@given(envelopes(), st.data())
def test_a_flipped_byte_in_a_deflated_payload_never_gives_other_values(
    sent: Envelope, data: st.DataObject
) -> None:
    payload = bytearray(envelope.pack(sent))
    payload[data.draw(st.integers(0, len(payload) - 1))] ^= data.draw(st.integers(1, 255))

    try:
        received = envelope.unpack(bytes(payload))
    except MalformedEnvelope:
        return
    assert exactly(received) == exactly(sent)  # bits that mean nothing: zlib's level


@given(envelopes(), st.data())
def test_a_flipped_byte_in_plain_json_gives_an_envelope_or_malformed(
    sent: Envelope, data: st.DataObject
) -> None:
    payload = bytearray(envelope.pack(sent, deflate=False))
    payload[data.draw(st.integers(0, len(payload) - 1))] ^= data.draw(st.integers(1, 255))

    try:
        received = envelope.unpack(bytes(payload))
    except MalformedEnvelope:
        return
    envelope.pack(received)  # whatever it says now, it can be stored


@given(st.binary(max_size=300))
@example(b"")
@example(b"{")
@example(zlib.compress(b""))
@example(zlib.compress(b"{}") + b"x")
def test_arbitrary_bytes_are_malformed(payload: bytes) -> None:
    malformed(payload)
    malformed(zlib.compress(payload))


json_values = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(allow_nan=False, allow_infinity=False),
        st.text(max_size=5),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)


@given(st.sampled_from(sorted(document()["devices"][0])), json_values)
def test_any_json_in_any_place_gives_an_envelope_or_malformed(key: str, value: object) -> None:
    for changed in (document(**{key: value}), document() | {key: value}, {"v": 1, "clock": value}):
        with contextlib.suppress(MalformedEnvelope):
            envelope.pack(envelope.unpack(json.dumps(changed).encode()))


@pytest.mark.parametrize("depth", [10, 900, 950, 980, 990, 1000, 100_000])
@pytest.mark.parametrize("key", ["v", "clock", "devices", "rows", "flags", "id", "rev", "at"])
def test_deep_nesting_is_malformed(depth: int, key: str) -> None:
    good = document()
    changed = good | {key: "HERE"} if key in good else document(**{key: "HERE"})
    payload = json.dumps(changed).replace('"HERE"', "[" * depth + "]" * depth).encode()

    assert len(malformed(payload)) < 500


def test_a_zip_bomb_is_malformed_before_it_takes_memory() -> None:
    bomb = zlib.compress(b"{" + b" " * (MAX_UNPACKED * 4), 9)
    assert len(bomb) < MAX_BYTES

    assert "inflates to more than" in malformed(bomb)


def test_a_document_of_exactly_the_limit_is_read() -> None:
    text = b'{"v":1,"clock":"synced","devices":[]'
    payload = zlib.compress(text + b" " * (MAX_UNPACKED - len(text) - 1) + b"}")

    assert envelope.unpack(payload) == Envelope(Clock.SYNCED, (), ())


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        (zlib.compress(b"[]"), "the envelope is no object"),
        (document() | {"v": 7}, "version 7 is not 1"),
        (document() | {"v": True}, "version True is not 1"),
        (document() | {"clock": "later"}, "clock 'later'"),
        (document() | {"clock": None}, "clock None"),
        (document() | {"devices": {}}, "devices: a list is missing"),
        (document() | {"devices": [1]}, "the device is no object"),
        (document() | {"devices": document()["devices"] * 2}, "'meter-1' stands twice"),
        (document(id="Meter 1"), "'Meter 1' is no device name"),
        (document(profile=None), "None is no profile name"),
        (document(measurement="a__b"), "'a__b' is no measurement name"),
        (document(rev=-1), "revision -1"),
        (document(rev=True), "revision True"),
        (document(rev=2**63), "revision 9223372036854775808"),
        (document(channels=["a", "a"]), "meter-1: a channel stands twice"),
        (document(channels=["a", "B"]), "meter-1: 'B' is no channel name"),
        (document(channels=["a", "b" * 126]), "is no channel name"),
        (document(channels=["a", 1]), "meter-1: a channel's name is no text"),
        (document(channels=["a", ["b"]]), "meter-1: a channel's name is no text"),
        (document(at=[1]), "meter-1: 1 times for 2 rows"),
        (document(at=[1, TIME_MAX + 1]), f"meter-1: time {TIME_MAX + 1}"),
        (document(at=[1, -1]), "meter-1: time -1"),
        (document(at=[1, 1.5]), "meter-1: time 1.5"),
        (document(at=[1, True]), "meter-1: time True"),
        (document(rows=[[1], [1]]), "meter-1: a row does not fit 2 channels"),
        (document(rows=[{}, {}]), "meter-1: a row does not fit 2 channels"),
        (document(rows=[[1, 2], [1, [2]]]), "meter-1: frequency has no storable value"),
        (document(rows=[[1, 2**63], [1, None]]), "meter-1: frequency has no storable value"),
        (document(rows=[[1, "x" * (TEXT_MAX + 1)], [1, None]]), "frequency has no storable"),
        (document(rows=[[1, 2], [1, 2]]), "frequency is missing:no_reply and has a value"),
        (document(flags=[[2, 0, "missing:no_reply"]]), "meter-1: flag [2, 0, 'missing:no_reply']"),
        (document(flags=[[0, 2, "missing:no_reply"]]), "meter-1: flag [0, 2, 'missing:no_reply']"),
        (document(flags=[[-1, 0, "missing:no_reply"]]), "meter-1: flag [-1, 0"),
        (document(flags=[[1, 1, "gone:x"]]), "meter-1: no flag 'gone:x'"),
        (document(flags=[[1, 1, "missing:"]]), "meter-1: no flag 'missing:'"),
        (document(flags=[[1, 1, "missing:a"], [1, 1, "bad:b"]]), "two flags for one value"),
        (document(flags=None), "meter-1: a list is missing"),
    ],
)
def test_what_is_wrong_is_named(changed: object, words: str) -> None:
    assert words in malformed(changed)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "-1e999"])
def test_no_number_beyond_a_float_comes_in(number: str) -> None:
    payload = json.dumps(document(rows=[[1.5, 2.5], [1.5, None]])).replace("2.5", number)

    assert "not JSON" in malformed(payload.encode())


def test_a_long_wrong_name_is_told_in_few_words() -> None:
    assert len(malformed(document(channels=["a", "é" * 1_000_000]))) < 200


@pytest.mark.parametrize(
    "sample",
    [
        Sample("stranger", 1, {"a": 1}),
        Sample("meter-1", 1, {"a": float("nan")}),
        Sample("meter-1", 1, {"a": float("inf")}),
        Sample("meter-1", 1, {"a": 2**63}),
        Sample("meter-1", 1, {"a": "x" * (TEXT_MAX + 1)}),
        Sample("meter-1", 1, {"a": "\ud800"}),
        Sample("meter-1", 1, {"a": 1}, {"a": NO_REPLY}),
        Sample("meter-1", 1, {"a": 1}, {"a": SENTINEL}),
        Sample("meter-1", 1, {"a": None}),  # type: ignore[dict-item] # on purpose
    ],
)
def test_what_no_store_could_hold_is_not_packed(sample: Sample) -> None:
    with pytest.raises(ValueError, match=r"is no value to store|not in the envelope's table"):
        envelope.pack(Envelope(Clock.SYNCED, (METER,), (sample,)))


def test_a_doubted_value_travels_with_its_flag() -> None:
    doubted = Sample("meter-1", 1, {"a": 1.5}, {"a": OUT_OF_RANGE})

    received = envelope.unpack(envelope.pack(Envelope(Clock.SYNCED, (METER,), (doubted,))))

    assert received.samples == (doubted,)


def test_samples_for_more_than_one_envelope_are_not_packed() -> None:
    many = tuple(Sample("meter-1", at, {"a": at * 1.1}) for at in range(30_000))

    with pytest.raises(EnvelopeTooLarge, match="limit"):
        envelope.pack(Envelope(Clock.SYNCED, (METER,), many), deflate=False)


def test_a_document_beyond_the_inflated_limit_is_not_packed() -> None:
    alike = tuple(Sample("meter-1", 1, {"a": "x" * TEXT_MAX}) for _ in range(9_000))

    with pytest.raises(EnvelopeTooLarge, match="before compression"):
        envelope.pack(Envelope(Clock.SYNCED, (METER,), alike))
