"""The promise: what InfluxDB reads in a line is what the sample said, to the bit."""

from __future__ import annotations

import math
import re

from hypothesis import given
from hypothesis import strategies as st

from collector.stores.lineprotocol import TIME_MAX, encode
from collector.stores.rows import Field, SeriesKey
from telemetry.names import AGENT, CHANNEL, DEVICE

KEY = SeriesKey("agent-1", "meter-1", "acme-1", "electricity_meter")

keys = st.builds(
    SeriesKey,
    st.from_regex(AGENT, fullmatch=True),
    st.from_regex(DEVICE, fullmatch=True),
    st.from_regex(DEVICE, fullmatch=True),
    st.from_regex(CHANNEL, fullmatch=True),
)
values = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False),
    st.integers(-(2**63), 2**63 - 1),
    st.text(max_size=40),
    st.text(alphabet='"\\,= \n', max_size=10),
)
fields = st.dictionaries(st.from_regex(CHANNEL, fullmatch=True), values, min_size=1, max_size=8)


def parse(line: bytes) -> tuple[str, dict[str, str], dict[str, Field], int]:
    """One line by the grammar of InfluxDB's documentation, written apart from the encoder.

    https://docs.influxdata.com/influxdb/v2/reference/syntax/line-protocol/
    """
    series, rest = line.decode().split(" ", 1)
    measurement, *tags = re.split(r"(?<!\\),", series)
    found: dict[str, Field] = {}
    while True:
        name, rest = rest.split("=", 1)
        if rest.startswith('"'):
            text, rest = _quoted(rest)
            found[name] = text
        else:
            token = re.match(r"[^, ]+", rest)
            assert token is not None
            rest = rest[token.end() :]
            number = token.group()
            found[name] = int(number[:-1]) if number.endswith("i") else float(number)
        if rest.startswith(" "):
            break
        assert rest.startswith(",")
        rest = rest[1:]
    return measurement, dict(tag.split("=") for tag in tags), found, int(rest[1:])


def _quoted(text: str) -> tuple[str, str]:
    """The string that `text` begins with, and what follows it."""
    read, at = "", 1
    while text[at] != '"':
        if text[at] == "\\" and text[at + 1] in '"\\':
            at += 1
        read += text[at]
        at += 1
    return read, text[at + 1 :]


@given(keys, fields, st.integers(0, TIME_MAX))
def test_a_line_says_what_the_row_says(key: SeriesKey, row: dict[str, Field], at: int) -> None:
    measurement, tags, found, time = parse(encode(key, row, at))

    assert (measurement, time) == (key.measurement, at)
    assert tags == {"agent": key.agent, "device": key.device, "profile": key.profile}
    assert found == row
    assert {name: type(value) for name, value in found.items()} == {
        name: type(value) for name, value in row.items()
    }


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_float_keeps_every_bit(value: float) -> None:
    found = parse(encode(KEY, {"power": value}, 0))[2]["power"]

    assert isinstance(found, float)
    assert math.copysign(1, found) == math.copysign(1, value)
    assert found.hex() == value.hex()


@given(keys)
def test_no_name_needs_an_escape(key: SeriesKey) -> None:
    assert all(re.fullmatch(r"[a-z0-9_-]+", name) for name in key)


def test_a_line_reads_as_the_documentation_shows_it() -> None:
    row: dict[str, Field] = {"voltage": 230.1, "state": 3, "mode": 'a "b" \\c'}

    assert encode(KEY, row, 1_700_000_000_000) == (
        b"electricity_meter,agent=agent-1,device=meter-1,profile=acme-1 "
        b'voltage=230.1,state=3i,mode="a \\"b\\" \\\\c" 1700000000000'
    )
