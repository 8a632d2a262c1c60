"""A simulated line gives other bytes to who listens at another speed, as a real one does."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from edge_agent.simulate.frames import RtuSplitter, rtu
from edge_agent.simulate.uart import FRAME_BITS, heard

SPEEDS = st.sampled_from([1200, 2400, 4800, 9600, 14_400, 19_200, 38_400, 57_600, 115_200])


@settings(deadline=None)
@given(st.binary(max_size=40), SPEEDS)
def test_the_same_speed_hears_what_was_sent(data: bytes, speed: int) -> None:
    assert heard(data, sent=speed, at=speed) == data


@settings(deadline=None)
@given(st.binary(max_size=40), SPEEDS)
def test_a_clock_that_is_two_percent_off_still_hears_it(data: bytes, speed: int) -> None:
    assert heard(data, sent=speed, at=speed * 102 // 100) == data


@settings(deadline=None)
@given(st.binary(max_size=40), SPEEDS, SPEEDS)
def test_no_more_bytes_are_heard_than_there_is_time_for(data: bytes, sent: int, at: int) -> None:
    seconds = len(data) * FRAME_BITS / sent

    # The last one may be heard at its start bit alone, and its end in the rest behind.
    assert len(heard(data, sent=sent, at=at)) <= seconds * at / (FRAME_BITS - 0.5) + 1


@settings(deadline=None)
@given(st.integers(1, 247), SPEEDS, SPEEDS)
def test_a_request_at_another_speed_is_no_request(unit: int, sent: int, at: int) -> None:
    frame = rtu(unit, bytes.fromhex("03 0000 0001"))
    ear = RtuSplitter()

    requests = [*ear.feed(heard(frame, sent=sent, at=at)), *ear.silence()]

    assert bool(requests) == (sent == at)


def test_half_the_speed_is_heard_as_every_bit_twice() -> None:
    # start 0, then 1 0 1 0 1 0 1 0, stop: each bit is as long as two of the listener's, which
    # takes the first four for 0 0 | 1 1 0 0 1 1 0 0 and a stop bit that is high
    assert heard(b"\x55", sent=4800, at=9600)[0] == 0b01100110


def test_nothing_is_heard_of_who_hung_up() -> None:
    assert heard(b"\x55", sent=0, at=9600) == b""
