"""A byte is never thought to have ended earlier than it did, and buffers cost no pause."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.bus.echo import Echo
from edge_agent.bus.hearing import Hearing

CHARACTER = 1.0


def told(ends: list[float], fifo: int, late: list[float]) -> list[tuple[int, float]]:
    """Bytes that ended at `ends`, told of `fifo` at a time or after 4 characters, and later."""
    pieces = []
    before = 0.0
    for index, start in enumerate(range(0, len(ends), fifo)):
        piece = ends[start : start + fifo]
        at = piece[-1] + (0 if len(piece) == fifo else 4 * CHARACTER)
        before = max(before, at + late[index % len(late)])
        pieces.append((len(piece), before))
    return pieces


@given(
    count=st.integers(5, 255),
    fifo=st.integers(1, 64),
    pace=st.floats(1.0, 2.5),
    late=st.lists(st.sampled_from([0.0, 0.0, 0.0, 0.3, 2.0]), min_size=1, max_size=5),
)
def test_it_is_never_too_early(count: int, fifo: int, pace: float, late: list[float]) -> None:
    ends = [10.0 + pace * (index + 1) for index in range(count)]
    # The pace is judged by pieces, of which one of the first was told of in time.
    late = [0.0, *late]
    hearing = Hearing(CHARACTER, 0.0)

    for size, at in told(ends, fifo, late):
        hearing.heard(size, at)

    assert hearing.at >= ends[-1] - 1e-6


@pytest.mark.parametrize("fifo", [1, 8, 14, 56])
def test_a_fifo_costs_nothing(fifo: int) -> None:
    ends = [index + 1.0 for index in range(255)]
    hearing = Hearing(CHARACTER, 0.0)

    for size, at in told(ends, fifo, [0.0]):
        hearing.heard(size, at)

    assert hearing.at == pytest.approx(ends[-1])


def test_a_reply_in_one_piece_ended_when_it_came() -> None:
    hearing = Hearing(CHARACTER, 0.0)

    hearing.heard(9, 40.0)

    assert hearing.at == 40.0


def test_a_frame_tells_nothing_of_the_next_ones_end() -> None:
    hearing = Hearing(CHARACTER, 0.0)
    for at in range(10):
        hearing.heard(1, float(at))

    hearing.begin()
    assert hearing.at == 9.0
    hearing.heard(5, 100.0)

    assert hearing.at == 100.0


@given(st.binary(min_size=8, max_size=8), st.binary(max_size=20), st.integers(1, 7))
def test_an_echo_is_cut_off_however_it_comes(request: bytes, reply: bytes, cut: int) -> None:
    for mode in (True, "auto"):
        echo = Echo(mode)
        echo.sent(request)
        line = request + reply

        assert echo.strip(line[:cut]) + echo.strip(line[cut:]) == reply


@given(st.binary(min_size=8, max_size=8), st.lists(st.binary(max_size=9), max_size=5))
def test_what_is_no_echo_is_left_whole(request: bytes, pieces: list[bytes]) -> None:
    reply = b"".join(pieces)
    echo = Echo("auto")
    echo.sent(request)

    left = b"".join(echo.strip(piece) for piece in pieces) + echo.release()

    assert left == (reply[8:] if reply.startswith(request) else reply)


def test_a_damaged_echo_is_cut_off_where_one_is_known_to_come() -> None:
    echo = Echo(True)  # noqa: FBT003 - as configured
    echo.sent(b"request!")

    assert echo.strip(b"rXquest!reply") == b"reply"


def test_without_an_echo_nothing_is_cut_off() -> None:
    echo = Echo(False)  # noqa: FBT003 - as configured
    echo.sent(b"request!")

    assert echo.strip(b"request!") == b"request!"
