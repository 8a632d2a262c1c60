"""A simulated device says what was recorded, when it was recorded, and what is stated beside it."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device_profiles.decode import decoder
from device_profiles.encode import NotEncodable
from device_profiles.registers import Table
from edge_agent.simulate.recording import BadRecording, Recording, parse
from edge_agent.simulate.replay import Replay
from edge_agent.simulate.scenario import (
    ConstantSource,
    CycleSource,
    Event,
    LoadSource,
    SeriesSource,
    Source,
    SumSource,
    TotalSource,
)
from edge_agent.simulate.script import UnknownChannel
from edge_agent.simulate.signal import Constant, Sum, Total, Track
from edge_agent.simulate.wiring import BadWiring, signals
from parts.profiles import modbus

if TYPE_CHECKING:
    from edge_agent.simulate.signal import Flow, Signal

WATER = """Time,flow,note
2022-03-20T11:00:00+01:00,100.59,
2022-03-20T12:00:00+01:00,24.25,x
2022-03-20T13:00:00+01:00,,
2022-03-20T14:00:00+01:00,99.5,
"""
METER = modbus("eastron-sdm630")
SIGNAL = modbus("traffic-signal-plc")
MAIN = modbus("water-main-flow")

steps = st.lists(st.tuples(st.floats(0.1, 50), st.floats(-1e3, 1e3)), min_size=1, max_size=8)
seconds = st.floats(0, 1e4)


def recording(text: str = WATER, *, start: str | None = None, speed: float = 3600) -> Recording:
    return parse(text.splitlines(), time_column="Time", start=start, speed=speed)


def flow(cells: Recording) -> Track:
    return cells.track("flow", lambda _, cell: cell)


def track(pairs: list[tuple[float, float]], phase: float = 0.0) -> Track:
    spans = [span for span, _ in pairs]
    times = [math.fsum(spans[:place]) for place in range(len(spans))]
    period = math.fsum(spans)
    return Track(times=times, values=[v for _, v in pairs], period=period, phase=phase % period)


def decoded(replay: Replay, channel_id: str, at: float) -> object:
    channel = next(
        c for c in METER.channels + SIGNAL.channels + MAIN.channels if c.id == channel_id
    )
    cells = replay.image(at)[channel.table]
    return decoder(channel)([cells[address] for address in range(channel.address, channel.end)])


def test_a_row_holds_until_the_next_and_an_empty_cell_changes_nothing() -> None:
    said = [flow(recording()).value(at) for at in (0, 0.99, 1, 2, 2.99, 3, 3.99, 4, 5)]

    assert said == [100.59, 100.59, 24.25, 24.25, 24.25, 99.5, 99.5, 100.59, 24.25]


def test_it_begins_where_the_scenario_says() -> None:
    begun = recording(start="2022-03-20T12:30:00+01:00", speed=1800)

    assert [flow(begun).value(at) for at in (0, 2.99, 3, 5)] == [24.25, 24.25, 99.5, 100.59]


def test_a_time_without_a_zone_is_utc_and_slashes_are_dashes() -> None:
    text = "Time,flow\n2010/01/01 00:00,1\n2010-01-01 01:00,2\n"

    assert recording(text).times[0] == datetime(2010, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "start", "message"),
    [
        ("", None, "has no column 'Time'; it has "),
        ("time,flow\n", None, "has no column 'Time'; it has time, flow"),
        ("Time,flow\n2022-01-01,1\n", None, "has 1 rows; it takes 2"),
        ("Time,flow\n2022-01-01,1\n2022-01-02\n", None, "row 3 has 1 cells; the first has 2"),
        ("Time,flow\n2022-01-01,1\nsoon,2\n", None, "'soon' is no time"),
        ("Time,flow\n2022-01-02,1\n2022-01-01,2\n", None, "2022-01-01.* stands after 2022-01-02"),
        (WATER, "2023-01-01", "start 2023-01-01.* is not within"),
    ],
)
def test_a_table_that_cannot_be_replayed_is_refused_with_the_reason(
    text: str, start: str | None, message: str
) -> None:
    with pytest.raises(BadRecording, match=message):
        recording(text, start=start)


@pytest.mark.parametrize(
    ("column", "message"),
    [("nope", "no column 'nope'; it has flow, note"), ("note", "begins with an empty cell")],
)
def test_a_column_that_cannot_be_replayed_is_refused(column: str, message: str) -> None:
    with pytest.raises(BadRecording, match=message):
        recording().track(column, lambda _, cell: cell)


@pytest.mark.parametrize("cell", ["much", "nan", "inf"])
def test_a_cell_that_is_no_number_is_refused(cell: str) -> None:
    with pytest.raises(BadRecording, match=f"{cell}' is no number"):
        flow(recording(WATER.replace("24.25", cell)))


@given(steps, seconds, seconds)
def test_a_track_repeats_itself_and_adds_up_to_the_area_below_it(
    pairs: list[tuple[float, float]], phase: float, at: float
) -> None:
    whole = track(pairs)
    shifted = track(pairs, phase)
    area = sum(span * value for span, value in pairs)

    assert shifted.value(0) == whole.value(phase % whole.period)
    assert math.isclose(whole.total(3 * whole.period), 3 * area, abs_tol=1e-6)
    assert shifted.total(0) == 0
    moved = shifted.total(at + whole.period) - shifted.total(at)
    assert math.isclose(moved, area, rel_tol=1e-6, abs_tol=1e-3)


@given(steps, seconds, st.floats(-10, 10), st.floats(-10, 10))
def test_a_sum_is_the_same_before_and_after_adding_up(
    pairs: list[tuple[float, float]], at: float, factor: float, offset: float
) -> None:
    part: Flow = track(pairs)

    total = Sum([part, Constant(2)], factor, offset).total(at)

    assert math.isclose(total, factor * (part.total(at) + 2 * at) + offset * at, abs_tol=1e-3)


def test_a_meters_register_goes_on_from_its_start_and_wraps_when_it_is_full() -> None:
    register = Total(Constant(10), factor=0.5, start=3, wrap=100)

    assert [register.value(at) for at in (0, 1, 19, 20)] == [3, 8, 98, 3]


def test_load_follows_the_hour_and_the_temperature() -> None:
    first = datetime(2022, 1, 1, tzinfo=UTC)
    rows = "".join(f"{first + timedelta(hours=hour)},25\n" for hour in range(24))
    cells = recording(f"Time,temp\n{rows}")
    source = LoadSource(
        kind="load",
        temperature=SeriesSource(kind="series", recording="air", column="temp"),
        base=500,
        daily=1000,
        peak=19,
        per_degree=10,
        comfort=20,
    )

    load = signals({"power": source}, {"air": cells})["power"]

    assert load.value(19) == 500 + 1000 + 50
    assert load.value(7) == 500 + 50


def test_channels_are_wired_from_what_stands_above_them() -> None:
    sources: dict[str, Source] = {
        "a": SeriesSource(kind="series", recording="w", column="flow", factor=2, offset=1),
        "b": ConstantSource(kind="constant", value=10),
        "c": CycleSource.model_validate(
            {"kind": "cycle", "steps": [{"value": "x", "for": "1s"}, {"value": "y", "for": "2s"}]}
        ),
        "d": SumSource(kind="sum", of=("a", "b"), factor=0.5),
        "e": TotalSource(kind="total", of="d", start=7),
        "f": TotalSource(kind="total", of=1),
    }

    wired = signals(sources, {"w": recording()})

    assert {name: signal.value(1.0) for name, signal in wired.items()} == pytest.approx(
        {"a": 49.5, "b": 10, "c": "y", "d": 29.75, "e": 7 + (202.18 + 10) / 2, "f": 1}
    )


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (SeriesSource(kind="series", recording="x", column="flow"), "no recording 'x'; known"),
        (SeriesSource(kind="series", recording="w", column="y"), "recording 'w': has no column"),
        (SumSource(kind="sum", of=("z",)), "no channel 'z' stands above it"),
        (TotalSource(kind="total", of="text"), "'text' cannot be added up"),
        (SumSource(kind="sum", of=("register",)), "'register' cannot be added up"),
    ],
)
def test_a_source_that_feeds_on_nothing_is_refused_by_name(source: Source, message: str) -> None:
    above: dict[str, Source] = {
        "text": ConstantSource(kind="constant", value="on"),
        "register": TotalSource(kind="total", of=1),
    }

    with pytest.raises(BadWiring, match=f"^bad: {message}"):
        signals({**above, "bad": source}, {"w": recording()})


def test_registers_say_what_the_profile_decodes_to_the_recorded_value() -> None:
    fed: dict[str, Signal] = {"flow": flow(recording()), "volume": Constant(123456.4)}
    replay = Replay(MAIN, fed)

    assert [decoded(replay, "flow", at) for at in (0, 1, 3)] == [100.59, 24.25, 99.5]
    assert decoded(replay, "volume", 0) == 123456
    assert decoded(replay, "pressure", 0) == 0.0


def test_channels_of_single_bits_share_their_register_and_an_event_passes() -> None:
    event = Event.model_validate({"at": "8s", "for": "10s", "set": {"red_lamp_failed": True}})
    replay = Replay(SIGNAL, {"door_open": Constant(constant=True)}, events=[event])

    faults = [replay.image(at)[Table.HOLDING][11] for at in (7.9, 8.0, 17.9, 18.0)]

    assert faults == [0x400, 0x408, 0x408, 0x400]


def test_it_answers_from_its_first_channel_to_its_last_less_what_is_refused() -> None:
    cells = Replay(METER, {}, illegal=[(0x0C, 0x0D), (0x15E, 0x200)]).image(0)[Table.INPUT]

    assert [a for a in range(-1, 0x400) if a in cells] == [*range(0x0C), *range(0x0E, 0x15E)]


def test_it_says_which_model_it_is() -> None:
    single = modbus("eastron-sdm120")

    image = Replay(single, {}).image(0)

    assert image[Table.HOLDING] == {0xFC02: 0x0020}


def test_it_answers_in_the_ranges_that_its_profile_names() -> None:
    limits = METER.limits.model_copy(update={"ranges": {Table.INPUT: ((0, 80), (300, 400))}})
    replay = Replay(METER.model_copy(update={"limits": limits}), {})

    assert list(replay.image(0)[Table.INPUT]) == [*range(81), *range(300, 401)]


def test_a_channel_that_the_profile_has_not_is_refused_by_name() -> None:
    event = Event.model_validate({"set": {"lamp": True}})

    with pytest.raises(UnknownChannel, match="'water-main-flow' has no channel 'level'"):
        Replay(MAIN, {"level": Constant(1)})
    with pytest.raises(UnknownChannel, match="'traffic-signal-plc' has no channel 'lamp'"):
        Replay(SIGNAL, {}, events=[event])


def test_a_value_that_the_registers_cannot_hold_is_refused_before_it_is_due() -> None:
    event = Event.model_validate({"at": "60s", "set": {"group_1": "purple"}})

    with pytest.raises(NotEncodable, match="purple"):
        Replay(SIGNAL, {}, events=[event])
