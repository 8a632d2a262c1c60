"""Of all that some registers can mean, what they do mean is among what is marked as plausible."""

from __future__ import annotations

import struct
from functools import cache
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device_profiles import loader
from device_profiles.model import ModbusProfile
from device_profiles.registers import Type, natural_order
from edge_agent.cli import block
from edge_agent.scan.readings import ORDERS, Reading, readings
from telemetry.language import Lang
from telemetry.layout import COLUMNS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from device_profiles.channel import RegisterChannel
    from device_profiles.evidence import RegisterExample

YEAR = 2026
WORD = st.integers(0, 0xFFFF)
WHOLE = (Type.U16, Type.I16, Type.U32, Type.I32, Type.U64, Type.I64)

FALSE_SHARE = 0.10
"""Of the wrong readings of the catalogue's examples, as many are marked at the most."""


@cache
def examples() -> list[tuple[str, RegisterExample, RegisterChannel]]:
    """Every example's channels that say something by their size: no zeros, codes or single bits."""
    found = []
    for path in loader.catalogue().values():
        profile = loader.load(path)
        if not isinstance(profile, ModbusProfile):
            continue
        channels = {channel.id: channel for channel in profile.channels}
        for example in profile.examples:
            if not example.table.is_bits:
                named = (channels[name] for name in example.values)
                found += [(profile.id, example, c) for c in named if _speaks(c, example)]
    return found


def _speaks(channel: RegisterChannel, example: RegisterExample) -> bool:
    coded = channel.enum or channel.flags or channel.bits or channel.sf
    kinds = (*WHOLE, Type.F32, Type.F64, Type.BCD16, Type.BCD32, Type.BCD64, Type.STR)
    return not coded and channel.type in kinds and any(_words(channel, example))


def _words(channel: RegisterChannel, example: RegisterExample) -> Sequence[int]:
    start = channel.address - example.address
    return example.words[start : start + channel.width]


def _means(reading: Reading, channel: RegisterChannel) -> bool:
    """Whether a reading is what the profile says; the sign of a positive number is nobody's."""
    if reading.address != channel.address:
        return False
    if channel.type is Type.STR:
        return reading.type is Type.STR and reading.order == (channel.order or "AB")
    kind = reading.type is channel.type or (
        {reading.type, channel.type} <= set(WHOLE) and reading.type[1:] == channel.type[1:]
    )
    return kind and reading.order == (channel.order or natural_order(channel.type))


def test_the_right_reading_of_every_catalogue_example_is_marked() -> None:
    missed = [
        (profile, channel.id, _words(channel, example))
        for profile, example, channel in examples()
        if not any(
            reading.plausible and _means(reading, channel)
            for reading in readings(example.address, example.words, year=YEAR)
        )
    ]

    assert len(examples()) > 40
    assert missed == []


def test_few_of_the_wrong_readings_are_marked() -> None:
    wrong = marked = 0
    blocks = {(id(example)): example for _, example, _ in examples()}
    for example in blocks.values():
        right = [channel for _, other, channel in examples() if other is example]
        for reading in readings(example.address, example.words, year=YEAR):
            if not any(_means(reading, channel) for channel in right):
                wrong += 1
                marked += reading.plausible

    assert marked / wrong < FALSE_SHARE


@settings(deadline=None)
@given(st.lists(WORD, min_size=1, max_size=12), st.integers(0, 0xFFFF - 12))
def test_any_block_can_be_read_and_every_reading_stands_in_it(
    words: list[int], address: int
) -> None:
    found = readings(address, words, year=YEAR)

    assert {r.address for r in found} == set(range(address, address + len(words)))
    assert all(r.address + r.registers <= address + len(words) for r in found)
    places = [(r.address, r.type, r.order) for r in found]
    assert len(places) == len(set(places))


@settings(deadline=None)
@given(st.floats(0.015625, 2.0**20, width=32), st.sampled_from(ORDERS[2]))
def test_a_measured_float_is_marked_in_whatever_order_it_comes(value: float, order: str) -> None:
    natural = struct.pack(">f", value)
    wire = bytes(natural["ABCD".index(letter)] for letter in order)
    words = struct.unpack(">2H", wire)

    found = {(r.type, r.order): r for r in readings(0, words, year=YEAR)}

    assert found[Type.F32, order].plausible
    assert found[Type.F32, order].value == pytest.approx(value, rel=1e-6)


@settings(deadline=None)
@given(st.integers(1, 12))
def test_zeros_mean_nothing(count: int) -> None:
    assert not any(r.plausible for r in readings(0, [0] * count, year=YEAR))


@pytest.mark.parametrize(
    ("words", "kind", "order", "value"),
    [
        ([0xFF33], Type.I16, "AB", -205),
        ([0x0026, 0x0000], Type.U32, "CDAB", 38),
        ([0x0000, 0x6E8C], Type.U32, "ABCD", 28_300),
        ([0xFFFF, 0xD8F0], Type.I32, "ABCD", -10_000),
        ([0x0023, 0x4567], Type.BCD32, "ABCD", 234_567),
        ([0x6546, 0x6465, 0x7265], Type.STR, "BA", "Feeder"),
        ([0x6921, 0xF0C0], Type.UNIX32, "", "2025-11-22T17:20:00"),
    ],
)
def test_what_devices_send_is_marked(
    words: list[int], kind: Type, order: str, value: object
) -> None:
    found = [r for r in readings(0, words, year=YEAR) if r.type is kind and r.order == order]

    assert [(r.value, r.plausible) for r in found if r.address == 0] == [(value, True)]


@pytest.mark.parametrize(
    ("words", "kind", "order"),
    [
        ([0x7FFF], Type.U16, "AB"),  # no value
        ([0x0026, 0x0000], Type.U32, "ABCD"),  # 38, read the wrong way
        ([0x0026, 0x0000], Type.F32, "ABCD"),
        ([0x7FC0, 0x0000], Type.F32, "ABCD"),
        ([0x0130, 0x0F42], Type.UNIX32, ""),  # 1970
        ([0x0901], Type.U16, "BA"),  # 2305 needs no swapping
        ([0x3C00], Type.F16, "AB"),
    ],
)
def test_what_no_measured_value_looks_like_is_not(words: list[int], kind: Type, order: str) -> None:
    found = [r for r in readings(0, words, year=YEAR) if r.type is kind and r.order == order]

    assert not any(r.plausible for r in found)


@settings(deadline=None)
@given(
    st.lists(st.one_of(WORD, st.integers(0x2020, 0x7E7E)), min_size=1, max_size=8),
    st.integers(0, 0xFFFF - 8),
    st.sampled_from(Lang),
)
def test_a_block_fits_80_columns(words: list[int], address: int, lang: Lang) -> None:
    found = readings(address, words, year=YEAR)

    shown = [*block.block(address, words, found, lang), *block.plausible(found, lang)]

    assert max(map(len, shown)) <= COLUMNS


def test_the_mark_is_there_without_any_colour() -> None:
    words = [0x4366, 0x199A]

    shown = "\n".join(block.block(0, words, readings(0, words, year=YEAR), Lang.EN))

    assert "* 230.1" in shown
    assert "\x1b" not in shown


def test_bits_are_shown_sixteen_a_line() -> None:
    assert list(block.bits(30, [1] * 17)) == [
        "   30 001eh  " + " ".join("1" * 16),
        "   46 002eh  1",
    ]
