"""Promise: SunSpec models are found where they are, and no nonsense leads a scan astray."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from device_profiles.addressing import BASES, END_ID, MARKER
from device_profiles.registers import ADDRESS_MAX, Table
from edge_agent.scan.recognise import Read, Recognition, Sure
from edge_agent.scan.signature import signature
from edge_agent.scan.sunspec import MOST_MODELS, Model, Walk
from edge_agent.simulate.replay import Replay
from edge_agent.simulate.signal import Constant
from edge_agent.simulate.sunspec import NEAREST, USUAL, NoRoom
from parts.profiles import modbus

METER = modbus("sunspec-203")
ASKED_AT_MOST = len(BASES) + MOST_MODELS + 1

Cells = dict[int, int]


def walked(cells: Cells) -> tuple[Walk, list[int]]:
    """The walk over a device that refuses what it has not, and where it looked."""
    walk, asked = Walk(), list[int]()
    while (address := walk.address) is not None:
        asked.append(address)
        walk.tell(
            [cells[address], cells[address + 1]] if {address, address + 1} <= set(cells) else None
        )
    return walk, asked


def chain(base: int, models: list[tuple[int, int]]) -> Cells:
    """A device's registers: what a chain of models with these lengths looks like."""
    cells = dict(enumerate(MARKER, start=base))
    address = base + len(MARKER)
    for number, length in models:
        cells |= {address: number, address + 1: length}
        address += 2 + length
    return cells | {address: END_ID, address + 1: 0}


MODELS = st.lists(st.tuples(st.integers(1, END_ID - 1), st.integers(0, 200)), max_size=MOST_MODELS)


@given(st.sampled_from(BASES), MODELS)
def test_every_model_is_found_where_it_begins(base: int, models: list[tuple[int, int]]) -> None:
    walk, asked = walked(chain(base, models))

    assert [(model.id, model.length) for model in walk.models] == models
    behind = base + len(MARKER)
    for model in walk.models:
        assert model.offset == behind
        behind += 2 + model.length
    assert len(asked) == len(set(asked)) <= ASKED_AT_MOST


WORDS = st.lists(st.integers(0, 0xFFFF), max_size=4) | st.none() | st.just(list(MARKER))


@given(st.lists(WORDS))
@example([list(MARKER), [1, ADDRESS_MAX]])
@example([list(MARKER), *[[1, 0]] * 200])
def test_whatever_a_device_says_the_walk_ends_and_stays_within_what_can_be_addressed(
    answers: list[list[int] | None],
) -> None:
    walk, asked = Walk(), list[int]()

    for words in [*answers, *[None] * ASKED_AT_MOST]:
        if (address := walk.address) is not None:
            asked.append(address)
            walk.tell(words)

    assert walk.address is None
    assert len(asked) <= ASKED_AT_MOST
    assert all(0 <= address <= ADDRESS_MAX - 1 for address in asked)
    assert all(model.offset + 2 + model.length <= ADDRESS_MAX + 1 for model in walk.models)


def test_a_device_without_the_marker_is_asked_three_times() -> None:
    walk, asked = walked({})

    assert asked == list(BASES)
    assert walk.models == ()


def test_registers_that_are_empty_behind_the_marker_are_no_model() -> None:
    walk, _ = walked(dict.fromkeys(range(40000, 40010), 0) | dict(enumerate(MARKER, start=40000)))

    assert walk.models == ()


def recognised(cells: dict[Table, Cells]) -> Recognition:
    """What is made of a device that has these registers."""
    recognition = Recognition([signature(METER), signature(modbus("eastron-sdm630"))])
    while (question := recognition.question()) is not None:
        if not isinstance(question, Read):
            recognition.named(None)
            continue
        wanted = range(question.address, question.address + question.count)
        there = cells.get(question.table, {})
        has = all(address in there for address in wanted)
        recognition.answered(question, [there[a] for a in wanted] if has else None)
    return recognition


@given(st.integers(NEAREST, ADDRESS_MAX + 1 - 4 - 105))
@example(USUAL)
@example(40000 + NEAREST - 1)
def test_a_simulated_meter_is_certain_with_the_offset_that_its_configuration_needs(
    offset: int,
) -> None:
    image = Replay(METER, {}, offset=offset).image(0)

    recognition = recognised({table: dict(cells) for table, cells in image.items()})

    (found,) = recognition.candidates()
    assert (found.profile.id, found.sure, found.offset) == ("sunspec-203", Sure.CERTAIN, offset)


def test_each_of_two_equal_models_is_offered() -> None:
    cells = chain(40000, [(1, 66), (203, 105), (203, 105)])

    recognition = recognised({Table.HOLDING: cells})

    assert [c.offset for c in recognition.candidates()] == [40070, 40177]
    assert recognition.models == (
        Model(1, 40002, 66),
        Model(203, 40070, 105),
        Model(203, 40177, 105),
    )


def test_a_model_that_nobody_has_a_profile_of_is_told_all_the_same() -> None:
    recognition = recognised({Table.HOLDING: chain(0, [(1, 66), (64001, 10)])})

    assert recognition.candidates() == ()
    assert [model.id for model in recognition.models] == [1, 64001]


def test_the_simulated_values_are_scaled_by_the_factors_that_are_simulated_with_them() -> None:
    fed = {"v_sf": Constant(-1), "voltage_l1": Constant(230.1)}

    cells = Replay(METER, fed).image(0)[Table.HOLDING]

    assert (cells[USUAL + 8], cells[USUAL + 15]) == (2301, 0xFFFF)


@pytest.mark.parametrize("offset", [1, NEAREST - 1, ADDRESS_MAX - 4 - 103])
def test_a_model_that_no_device_can_have_there_is_not_simulated(offset: int) -> None:
    with pytest.raises(NoRoom, match=f"not at {offset}"):
        Replay(METER, {}, offset=offset)
