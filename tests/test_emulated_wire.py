"""Promise: the emulated line has a real one's times, and blames no master for its own lateness."""

from __future__ import annotations

import math
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.emulated_wire import (
    EachByte,
    Exchange,
    Fifo,
    LatencyTimer,
    Noted,
    Pace,
    Slaves,
    crc,
    judge,
)

if TYPE_CHECKING:
    from collections.abc import Callable

SLOW, FAST = Pace(9_600), Pace(115_200)

READ = bytes.fromhex("01 03 00 00 00 02 C4 0B")
"""Registers 0 and 1 of unit 1."""

REPLY = bytes.fromhex("01 03 04 00 00 00 01 3B F3")

SPEEDS = st.sampled_from([1_200, 9_600, 19_200, 38_400, 115_200])


def tellers(pace: Pace) -> list[EachByte | Fifo | LatencyTimer]:
    return [EachByte(), Fifo(14, 4 * pace.character), LatencyTimer(0.016), LatencyTimer(0.001)]


def ask(slaves: Slaves, request: bytes, at: float) -> list[tuple[float, bytes]]:
    """All that the master is told, and when."""
    slaves.hear(request, at)
    told = []
    while slaves.due is not None:
        due = slaves.due
        told.append((due, slaves.take(due)))
    return told


def in_milliseconds(told: list[tuple[float, int]]) -> list[tuple[int, int]]:
    return [(round(at * 1e3), count) for at, count in told]


def test_a_checksum_is_that_of_a_recorded_frame() -> None:
    assert crc(READ[:-2]) == READ[-2:]


@pytest.mark.parametrize(
    ("pace", "registers", "milliseconds"),
    [(SLOW, 2, 25.0), (SLOW, 125, 281.25), (Pace(19_200), 10, 20.83), (FAST, 50, 13.31)],
)
def test_the_limit_is_all_characters_and_two_silences(
    pace: Pace, registers: int, milliseconds: float
) -> None:
    assert pace.limit(registers) * 1e3 == pytest.approx(milliseconds, abs=0.01)


def test_a_slave_answers_after_t35_a_byte_after_the_other() -> None:
    told = ask(Slaves(SLOW), READ, at=100.0)

    characters = [(at - 100.0) / SLOW.character for at, _ in told]
    assert b"".join(piece for _, piece in told) == REPLY
    assert characters == pytest.approx([8 + 3.5 + n for n in range(1, 10)])


def test_a_read_and_the_silence_behind_it_take_just_the_limit() -> None:
    slaves = Slaves(FAST)

    ask(slaves, READ, at=100.0)

    assert slaves.served[0].over + FAST.silence - 100.0 == pytest.approx(FAST.limit(2))


def test_a_request_in_pieces_began_with_its_first_byte() -> None:
    slaves = Slaves(SLOW)

    slaves.hear(READ[:3], 100.0)
    slaves.hear(READ[3:], 100.002)

    assert slaves.served[0].seen == 100.0


@pytest.mark.parametrize("request_", [READ[:-1] + b"\x00", READ[:5]])
def test_what_is_no_whole_request_is_not_answered(request_: bytes) -> None:
    assert ask(Slaves(SLOW), request_, at=100.0) == []


def test_a_dead_unit_does_not_answer() -> None:
    assert ask(Slaves(SLOW, dead=frozenset({1})), READ, at=100.0) == []


def test_a_uart_tells_of_a_full_fifo_at_once_and_of_the_rest_after_silence() -> None:
    ends = [n * 0.001 for n in range(1, 21)]

    told = Fifo(14, idle=0.004)(ends)

    assert in_milliseconds(told) == [(14, 14), (24, 6)]


def test_a_usb_adapter_tells_when_its_timer_runs_out() -> None:
    timer = LatencyTimer(0.016)

    told = [*timer([0.010, 0.011, 0.020]), *timer([0.033])]

    assert in_milliseconds(told) == [(16, 2), (32, 1), (48, 1)]


def test_a_usb_adapter_tells_of_a_full_packet_at_once_and_its_timer_starts_anew() -> None:
    told = LatencyTimer(0.016, packet=2)([0.001, 0.002, 0.003])

    assert in_milliseconds(told) == [(2, 2), (18, 1)]


@given(SPEEDS, st.lists(st.integers(1, 255), min_size=1, max_size=5), st.data())
def test_each_byte_is_told_once_not_before_it_is_over_and_not_long_after(
    baud: int, sizes: list[int], data: st.DataObject
) -> None:
    pace = Pace(baud)
    teller = data.draw(st.sampled_from(tellers(pace)))
    longest = 14 * pace.character + max(4 * pace.character, 0.016)
    begun = 1000.0
    for size in sizes:
        ends = [begun + (n + 1) * pace.character for n in range(size)]
        told = teller(ends)
        behind = list(accumulate(count for _, count in told))
        assert behind[-1] == size
        assert all(before <= after for (before, _), (after, _) in pairwise(told))
        for (at, count), end in zip(told, behind, strict=True):
            assert at >= ends[end - 1]
            assert at - ends[end - count] <= longest + 1e-9
        begun = told[-1][0] + pace.silence


def cycles(pace: Pace, silences: list[float]) -> tuple[list[Exchange], list[Noted]]:
    """Reads of 2 registers, each so long after the one before; and what the master noted."""
    served, noted, at = [], [], 100.0
    for silence in [0.0, *silences]:
        at += silence
        over = at + pace.limit(2) - pace.silence
        served.append(Exchange(at, over, told=[(over - 0.01, 5), (over, 4)]))
        noted.append(Noted(at, heard=[(over - 0.01, 5), (over, 4)]))
        at = over
    return served, noted


def test_a_silence_that_is_too_short_is_a_violation() -> None:
    served, noted = cycles(FAST, [0.00176, 0.00174, 0.00013, 0.004])

    judged = judge(served, FAST, noted)

    assert (judged.violations, judged.reads) == (2, 4)


def test_a_read_is_measured_from_request_to_request() -> None:
    served, noted = cycles(FAST, [FAST.silence + 0.0001] * 3)

    assert judge(served, FAST, noted).seconds == pytest.approx(FAST.limit(2) + 0.0001)


@given(st.lists(st.floats(0.0, 0.05), min_size=1, max_size=20), st.data())
def test_however_late_the_emulator_is_a_master_that_waited_is_not_blamed(
    late: list[float], data: st.DataObject
) -> None:
    pace = Pace(data.draw(SPEEDS))
    slaves, noted = Slaves(pace), [Noted(100.0)]
    for lateness in late:
        slaves.hear(READ, noted[-1].written + data.draw(st.floats(0.0, 0.05)))
        told = 0.0
        while slaves.due is not None:
            told = max(told, slaves.due) + lateness
            noted[-1].heard.append((told, len(slaves.take(told))))
        noted.append(Noted(told + pace.silence))
    slaves.hear(READ, noted[-1].written)

    judged = judge(slaves.served, pace, noted)

    assert judged.violations == 0


def lag(noted: Noted) -> None:
    """Its last bytes are heard late, together."""
    noted.heard = [(noted.heard[-1][0] + 0.001, 9)]


def preempt(noted: Noted) -> None:
    """Something else runs before the request."""
    noted.waited = 0.001


def hold_back(noted: Noted) -> None:
    """The request reaches the wire late."""
    noted.written -= 0.001


@pytest.mark.parametrize(
    ("disturb", "which", "disturbed"),
    [(lag, 1, 1), (preempt, 4, 1), (hold_back, 2, 2), (hold_back, 4, 1)],
)
def test_a_read_of_which_the_machine_took_a_part_is_told_of_and_left_out(
    disturb: Callable[[Noted], None], which: int, disturbed: int
) -> None:
    served, noted = cycles(SLOW, [SLOW.silence] * 4)
    disturb(noted[which])

    judged = judge(served, SLOW, noted)

    assert (judged.disturbed, judged.reads) == (disturbed, 4)


def test_the_median_is_of_those_that_were_not_disturbed() -> None:
    served, noted = cycles(SLOW, [SLOW.silence, 9.0, 9.0, 9.0, 9.0, SLOW.silence, SLOW.silence])
    for slow in noted[1:5]:
        lag(slow)

    judged = judge(served, SLOW, noted)

    assert judged.seconds == pytest.approx(SLOW.limit(2))
    assert judged.of_all == pytest.approx(SLOW.limit(2) - SLOW.silence + 9.0)


def test_where_the_machine_disturbed_nearly_all_the_median_is_of_all() -> None:
    served, noted = cycles(SLOW, [9.0, SLOW.silence, 9.0])
    lag(noted[0])
    lag(noted[2])

    judged = judge(served, SLOW, noted)

    assert judged.seconds == judged.of_all == pytest.approx(SLOW.limit(2) - SLOW.silence + 9.0)


def test_a_master_that_does_not_tell_when_it_wrote_is_judged_by_what_was_seen() -> None:
    served, _ = cycles(FAST, [0.001, math.pi])

    assert judge(served, FAST).violations == 1
