"""Requests are found in a stream however it is cut, after noise too; nothing makes it crash."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from edge_agent import crc16
from edge_agent.simulate.frames import (
    MbapSplitter,
    NotModbus,
    Request,
    RtuSplitter,
    mbap,
    rtu,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

READ = bytes.fromhex("03 0064 0002")

units = st.integers(0, 255)
reads = st.builds(
    lambda function, rest: bytes((function,)) + rest,
    st.sampled_from([1, 2, 3, 4, 5, 6]),
    st.binary(min_size=4, max_size=4),
)
pdus = st.binary(min_size=1, max_size=253)
cuts = st.lists(st.integers(1, 20), max_size=60)


class Splitter(Protocol):
    """Either of the two."""

    def feed(self, data: bytes) -> list[Request]:
        """The requests that it completes."""
        ...


def feed(splitter: Splitter, stream: bytes, sizes: Sequence[int]) -> list[Request]:
    """Feed the stream in pieces of these sizes, and then the rest of it."""
    requests = []
    for size in sizes:
        requests += splitter.feed(stream[:size])
        stream = stream[size:]
    return requests + splitter.feed(stream)


def test_a_frame_is_as_the_standard_shows_it() -> None:
    assert rtu(0x02, bytes((0x07,))).hex(" ") == "02 07 41 12"
    assert mbap(Request(17, READ, 0x1501), b"\x83\x02").hex(" ") == "15 01 00 00 00 03 11 83 02"


@given(st.lists(st.builds(Request, units, pdus, st.integers(0, 65_535)), max_size=5), cuts)
def test_tcp_requests_come_out_as_they_went_in(requests: list[Request], sizes: list[int]) -> None:
    stream = b"".join(mbap(request, request.pdu) for request in requests)

    assert feed(MbapSplitter(), stream, sizes) == requests


@pytest.mark.parametrize(
    "header", ["0001 0001 0006", "0001 0000 0001", "0001 0000 00ff", "4745 5420 2f20"]
)
def test_a_header_that_cannot_be_true_ends_the_connection(header: str) -> None:
    with pytest.raises(NotModbus):
        MbapSplitter().feed(bytes.fromhex(header))


@given(st.binary(max_size=600), cuts)
def test_any_tcp_stream_gives_requests_or_is_not_modbus(stream: bytes, sizes: list[int]) -> None:
    def outcome(pieces: Sequence[int]) -> list[Request] | None:
        try:
            return feed(MbapSplitter(), stream, pieces)
        except NotModbus:
            return None

    assert outcome(sizes) == outcome([])


@given(st.lists(st.builds(Request, units, reads), max_size=8), cuts)
def test_serial_requests_need_no_silence_between_them(
    requests: list[Request], sizes: list[int]
) -> None:
    stream = b"".join(rtu(request.unit, request.pdu) for request in requests)

    assert feed(RtuSplitter(), stream, sizes) == requests


def test_writes_are_whole_when_their_own_count_says_so() -> None:
    write = bytes.fromhex("10 0000 0002 04 00010002")
    coils = bytes.fromhex("0f 0000 0003 01 05")
    stream = rtu(1, write) + rtu(2, coils) + rtu(3, READ)

    assert RtuSplitter().feed(stream) == [Request(1, write), Request(2, coils), Request(3, READ)]


@given(st.integers(44, 255).filter(lambda function: function != 43), st.binary(max_size=200))
def test_an_unknown_function_is_whole_when_the_line_falls_silent(
    function: int, rest: bytes
) -> None:
    splitter = RtuSplitter()
    pdu = bytes((function,)) + rest

    assert splitter.feed(rtu(9, pdu)) == []
    assert splitter.silence() == [Request(9, pdu)]
    assert splitter.feed(rtu(9, READ)) == [Request(9, READ)]


def is_no_frame(noise: bytes, behind: bytes) -> bool:
    """Whether nothing that begins in the noise is a frame by accident, as 1 in 65536 is."""
    data = noise + behind
    return all(
        crc16.MODBUS(data[begin:end])  # of a whole frame it is 0
        for begin in range(len(noise))
        for end in range(begin + 4, len(data) + 1)
    )


@given(st.binary(max_size=24))
def test_requests_are_found_behind_noise_by_the_end_of_the_silence(noise: bytes) -> None:
    requests = rtu(17, READ) + rtu(18, READ)
    assume(is_no_frame(noise, requests))
    splitter = RtuSplitter()

    found = splitter.feed(noise + requests) + splitter.silence()

    assert found[-2:] == [Request(17, READ), Request(18, READ)]


@given(st.binary(max_size=40))
def test_noise_before_a_silence_costs_the_next_request_nothing(noise: bytes) -> None:
    splitter = RtuSplitter()
    splitter.feed(noise)
    splitter.silence()

    assert splitter.feed(rtu(17, READ)) == [Request(17, READ)]


@given(st.binary(max_size=1200), cuts)
def test_any_serial_stream_gives_the_same_requests_however_it_is_cut(
    stream: bytes, sizes: list[int]
) -> None:
    pieces, whole = RtuSplitter(), RtuSplitter()

    found = feed(pieces, stream, sizes) + pieces.silence()

    assert found == whole.feed(stream) + whole.silence()


def test_what_is_longer_than_any_frame_does_not_pile_up() -> None:
    splitter = RtuSplitter()

    splitter.feed(b"\x41" * 10_000)

    assert len(splitter._buffer) <= 256
