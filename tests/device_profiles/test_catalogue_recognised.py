"""Promise: no device is taken for another model of the catalogue when a scan is sure of it."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import pytest

from device_profiles import loader
from device_profiles.model import ModbusProfile
from edge_agent.scan.recognise import Read, Recognition, Sure
from edge_agent.scan.signature import Signature, signature
from edge_agent.simulate.replay import Replay
from edge_agent.simulate.signal import Constant
from edge_agent.simulate.sunspec import USUAL as BEHIND_COMMON
from telemetry.sample import UNKNOWN_CODE, Flag

if TYPE_CHECKING:
    from collections.abc import Mapping

    from device_profiles.channel import RegisterChannel
    from device_profiles.registers import Table
    from edge_agent.scan.recognise import Candidate
    from telemetry.sample import Value

PROFILES = {
    profile.id: profile
    for profile in map(loader.load, loader.catalogue().values())
    if isinstance(profile, ModbusProfile)
}
REAL = [p for p in PROFILES.values() if not any(source.own for source in p.sources)]

USUAL = {"Hz": 50.0, "V": 230.0, "Cel": 22.5, "%RH": 55.0, "hPa": 1010.0, "Pa": 101_000.0, "/": 0.9}
"""What is usual in a city, by unit."""

ALIKE = {
    "eastron-sdm72": {"eastron-sdm630"},
    "eastron-sdm230": {"eastron-sdm120"},
    "eastron-sdm630": {"eastron-sdm230"},
}
"""Models that a scan also offers for devices of another one, because their registers fit too."""


def typical(channel: RegisterChannel) -> Value:
    """Something that such a device may well say."""
    if channel.enum:
        return next(reversed(channel.enum.values()))
    low, high = channel.range or (0, 100)
    usual = USUAL.get(channel.unit, low)
    value = usual if low < usual <= high else low + (high - low) * 0.4
    step = abs(float(channel.scale)) if channel.type.is_integer else 0.25
    steps = round(value / step)
    return steps if channel.stored == "int" else steps * step


def speaks(channel: RegisterChannel) -> bool:
    """Whether a scan looks at what it says, and a number can be put into it as it is."""
    return channel.access.is_read and not channel.sf and (bool(channel.enum) or bool(channel.range))


@cache
def signatures() -> tuple[Signature, ...]:
    return tuple(map(signature, PROFILES.values()))


def taken_for(image: Mapping[Table, Mapping[int, int]]) -> tuple[Candidate, ...]:
    """What a device with these registers is taken for, among the whole catalogue."""
    recognition = Recognition(signatures())
    while (question := recognition.question()) is not None:
        if not isinstance(question, Read):
            recognition.named(None)
            continue
        cells = image.get(question.table, {})
        asked = range(question.address, question.address + question.count)
        has = all(address in cells for address in asked)
        recognition.answered(question, [cells[a] for a in asked] if has else None)
    return recognition.candidates()


@pytest.mark.parametrize("profile", REAL, ids=[profile.id for profile in REAL])
def test_a_device_is_taken_for_its_own_model(profile: ModbusProfile) -> None:
    said = {c.id: Constant(typical(c)) for c in profile.channels if speaks(c)}

    best, *others = taken_for(Replay(profile, said).image(0.0))

    assert best.profile.id == profile.id
    assert all(other.sure is Sure.POSSIBLE for other in others)


@pytest.mark.parametrize(
    ("name", "other"), [(name, other) for other, names in ALIKE.items() for name in names]
)
def test_a_model_that_is_alike_is_offered_beside_it(name: str, other: str) -> None:
    said = {c.id: Constant(typical(c)) for c in PROFILES[name].channels if speaks(c)}

    found = taken_for(Replay(PROFILES[name], said).image(0.0))

    assert other in {candidate.profile.id for candidate in found[1:]}


@pytest.mark.parametrize("profile", REAL, ids=[profile.id for profile in REAL])
def test_its_own_examples_do_not_speak_against_it(profile: ModbusProfile) -> None:
    said = {c.id: Constant(typical(c)) for c in profile.channels if speaks(c)}
    usual = Replay(profile, said).image(0.0)
    offset = BEHIND_COMMON if profile.addressing else 0
    for example in profile.examples:
        if UNKNOWN_CODE in map(Flag.parse, example.flags.values()):
            continue  # what such a device does not say
        image = {table: dict(cells) for table, cells in usual.items()}
        image[example.table] |= dict(enumerate(example.words, start=example.address + offset))

        found = taken_for(image)

        assert profile.id in {candidate.profile.id for candidate in found}, example
