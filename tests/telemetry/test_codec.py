"""Promise: with msgspec or without it, the same document goes out and comes in."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from telemetry import codec

documents = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(2**63), 2**63 - 1),
        st.floats(allow_nan=False, allow_infinity=False),
        st.text(max_size=20),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=10,
)


def has_exponent(document: object) -> bool:
    """Whether a number in it is so large or small that it is written with an exponent."""
    match document:
        case float():
            return "e" in repr(document)
        case dict():
            return any(has_exponent(part) for part in document.values())
        case list():
            return any(has_exponent(part) for part in document)
        case _:
            return False


def decoded(decode: object, payload: bytes) -> object:
    """The document's exact text, or NotJson."""
    assert callable(decode)
    try:
        return repr(decode(payload))
    except codec.NotJson:
        return codec.NotJson


@given(documents)
def test_each_reads_what_the_other_writes(document: object) -> None:
    for payload in (codec.encode(document), codec.encode_standard(document)):
        assert repr(codec.decode(payload)) == repr(document)
        assert repr(codec.decode_standard(payload)) == repr(document)


@given(documents)
def test_the_bytes_are_equal_but_for_the_spelling_of_exponents(document: object) -> None:
    ours, standard = codec.encode(document), codec.encode_standard(document)

    assert ours == standard or has_exponent(document)
    assert json.loads(ours) == json.loads(standard)


@given(st.binary(max_size=60))
@example(b"")
@example(b"\xef\xbb\xbf{}")
@example("{}".encode("utf-16"))
@example(b'"\xff"')
@example(b'"\x01"')
@example(b'"\\ud800"')
@example(b'"\\uD83D\\ude00"')
@example(b'{"\\udfff":1}')
@example(b"NaN")
@example(b"-Infinity")
@example(b"1e999")
@example(b"[1] 2")
@example(b"01")
@example(b"1.")
@example(b'{"a":1,"a":2}')
@example(b"-0.0")
def test_both_read_or_refuse_the_same_bytes(payload: bytes) -> None:
    assert decoded(codec.decode, payload) == decoded(codec.decode_standard, payload)


@given(st.text(alphabet='[]{}",:0123456789.eE+-truefalsn \\ud8', max_size=30))
def test_both_read_or_refuse_the_same_nearly_json(text: str) -> None:
    ours = decoded(codec.decode, text.encode())

    assert ours == decoded(codec.decode_standard, text.encode())


@pytest.mark.parametrize("decode", [codec.decode, codec.decode_standard])
@pytest.mark.parametrize("payload", [b"[" * 100_000, b'{"a":' * 100_000, b"9" * 5_000])
def test_what_would_exhaust_the_reader_is_not_json(decode: object, payload: bytes) -> None:
    assert decoded(decode, payload) is codec.NotJson


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_without_msgspec_no_infinity_is_written(value: float) -> None:
    with pytest.raises(ValueError, match="JSON"):
        codec.encode_standard(value)
