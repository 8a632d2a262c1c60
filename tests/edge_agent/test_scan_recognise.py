"""A device's own model is never ruled out by what it says, and is named where it says enough."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from device_profiles import loader
from device_profiles.model import ModbusProfile
from device_profiles.registers import Table, Type
from edge_agent.scan.recognise import POSSIBLE_BITS, Read, Recognition, Sure, WhoAreYou
from edge_agent.scan.signature import Signature, signature, worth
from edge_agent.simulate.replay import Replay
from edge_agent.simulate.signal import Constant
from edge_agent.simulate.slave import READS, answer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from device_profiles.channel import RegisterChannel
    from edge_agent.scan.recognise import Candidate, Question
    from edge_agent.simulate.slave import Image
    from telemetry.sample import Value

FUNCTIONS = {table: function for function, table in READS.items()}


@cache
def profiles() -> dict[str, ModbusProfile]:
    found = map(loader.load, loader.catalogue().values())
    return {
        profile.id: profile
        for profile in found
        if isinstance(profile, ModbusProfile) and _can_be_played(profile)
    }


def _can_be_played(profile: ModbusProfile) -> bool:
    """Whether a simulation can say what the model is told by: of a pattern there is no example."""
    by_nameplate = profile.identify is not None and profile.identify.fc43 is not None
    known = profile.known_register
    return not by_nameplate and (known is None or bool(known.examples))


@cache
def signatures() -> tuple[Signature, ...]:
    return tuple(map(signature, profiles().values()))


class Device:
    """What answers the questions: registers, and perhaps a nameplate."""

    def __init__(self, image: Image, nameplate: Mapping[int, str] | None = None) -> None:
        self.asked: list[Question] = []
        self._image = image
        self._nameplate = nameplate

    def recognised(self) -> tuple[Candidate, ...]:
        """What it is taken for."""
        recognition = Recognition(signatures())
        while (question := recognition.question()) is not None:
            self.asked.append(question)
            match question:
                case WhoAreYou():
                    recognition.named(self._nameplate)
                case Read():
                    recognition.answered(question, self._words(question))
        return recognition.candidates()

    def _words(self, read: Read) -> list[int] | None:
        function = FUNCTIONS[read.table]
        request = bytes([function]) + read.address.to_bytes(2) + read.count.to_bytes(2)
        reply = answer(request, self._image, None)
        assert reply is not None
        if reply[0] & 0x80:
            return None
        if read.table.is_bits:
            bits = [byte >> bit & 1 for byte in reply[2:] for bit in range(8)]
            return bits[: read.count]
        return [int.from_bytes(reply[at : at + 2]) for at in range(2, len(reply), 2)]


def credible(channel: RegisterChannel) -> st.SearchStrategy[Value]:
    """Values that a device may well say."""
    if channel.enum:
        return st.sampled_from(list(channel.enum.values()))
    low, high = channel.range or (1, 100)
    step = abs(float(channel.scale)) if channel.type.is_integer else (high - low) / 1000
    steps = int((high - low) / step)
    return st.integers(steps // 4, max(steps * 3 // 4, 1)).map(lambda n: low + n * step)


def is_simple(channel: RegisterChannel) -> bool:
    """Whether a number or a code can be put into it as it is."""
    awkward = channel.bits or channel.flags or channel.sf or channel.valid_if
    return channel.type.is_number and not awkward and channel.type is not Type.SUNSSF


@st.composite
def devices(draw: st.DrawFn) -> tuple[ModbusProfile, Device]:
    """A device of some model, which says something credible."""
    profile = draw(st.sampled_from(list(profiles().values())))
    simple = [c for c in profile.channels if is_simple(c) and (c.range or c.enum)]
    values = {channel.id: Constant(draw(credible(channel))) for channel in simple}
    return profile, Device(Replay(profile, values).image(0.0))


def said(profile: ModbusProfile) -> float:
    """What the credible values of a model are worth, at the least: those that cannot be 0."""
    asked = [c for request in signature(profile).reads for c in request.channels]
    return sum(worth(c) for c in asked if is_simple(c) and c.range and c.range[0] >= 0)


def test_what_a_device_has_no_value_for_rules_no_model_out() -> None:
    text = ACME.format(name="acme", identify="{probe: [voltage, frequency]}")
    gone = text.replace("range: [45, 55]", "range: [45, 55], nan_reasons: {0xFFFF: no_phase}")
    profile = loader.parse(gone, "acme.yaml")
    assert isinstance(profile, ModbusProfile)

    found = taken_for((signature(profile),), None, MAINS | {(Table.INPUT, 1): 0xFFFF})

    assert found == [("acme", Sure.POSSIBLE)]


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(devices())
def test_a_device_s_own_model_is_among_the_candidates_if_it_says_anything(
    found: tuple[ModbusProfile, Device],
) -> None:
    profile, device = found

    candidates = device.recognised()

    names_itself = profile.addressing is not None or profile.known_register is not None
    if candidates and candidates[0].sure is Sure.CERTAIN:
        assert names_itself  # and no other model's register is there by chance
    if names_itself or said(profile) >= POSSIBLE_BITS:
        assert profile.id in {candidate.profile.id for candidate in candidates}


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(devices())
def test_nothing_is_asked_twice(found: tuple[ModbusProfile, Device]) -> None:
    _, device = found

    device.recognised()

    assert len(device.asked) == len(set(device.asked))


@settings(deadline=None)
@given(st.dictionaries(st.integers(0, 2), st.text(max_size=10)))
def test_a_device_that_refuses_everything_is_nothing_known(nameplate: dict[int, str]) -> None:
    assert Device({}, nameplate).recognised() == ()


def test_a_device_full_of_zeros_is_nothing_known() -> None:
    image = {table: dict.fromkeys(range(0x10000), 0) for table in Table}

    assert Device(image).recognised() == ()


def test_no_register_that_reading_changes_is_asked_for() -> None:
    channels = [c for each in signatures() for request in each.reads for c in request.channels]

    assert channels
    assert not any(channel.resets or not channel.access.is_read for channel in channels)


ACME = """
schema: device-profile/1
id: {name}
revision: 1
title: Made for tests
class: electricity-meter
measurement: test
sources: [{{own: for tests}}]
groups: {{all: {{interval: 1s}}}}
defaults: {{group: all, table: input, type: u16}}
identify: {identify}
channels:
  - {{id: voltage, address: 0, scale: 0.1, range: [200, 260]}}
  - {{id: frequency, address: 1, scale: 0.01, range: [45, 55]}}
examples: [{{table: input, address: 0, hex: "0901", values: {{voltage: 230.5}}, source: computed}}]
"""


def model(name: str, identify: str) -> Signature:
    """A model of two channels that is recognised so."""
    profile = loader.parse(ACME.format(name=name, identify=identify), f"{name}.yaml")
    assert isinstance(profile, ModbusProfile)
    return signature(profile)


VALUES = model("by-values", "{probe: [voltage, frequency]}")
PLATE = model("by-plate", "{fc43: {vendor: Acme, product: 'M[0-9]+'}, probe: [voltage]}")
OTHER = model("by-other-plate", "{fc43: {vendor: Other}}")
REGISTER = model(
    "by-register", "{read: {table: holding, address: 9, type: u16, equals: 42}, probe: [voltage]}"
)


def taken_for(
    signatures: tuple[Signature, ...],
    nameplate: dict[int, str] | None,
    words: dict[tuple[Table, int], int],
) -> list[tuple[str, Sure]]:
    """What a device with these words is taken for."""
    recognition = Recognition(signatures)
    while (question := recognition.question()) is not None:
        if isinstance(question, WhoAreYou):
            recognition.named(nameplate)
        else:
            cells = [(question.table, question.address + n) for n in range(question.count)]
            known = all(cell in words for cell in cells)
            recognition.answered(question, [words[c] for c in cells] if known else None)
    return [(each.profile.id, each.sure) for each in recognition.candidates()]


MAINS = {(Table.INPUT, 0): 2301, (Table.INPUT, 1): 5001}


def test_a_nameplate_makes_it_certain() -> None:
    found = taken_for((VALUES, PLATE, OTHER), {0: "Acme", 1: "M7"}, MAINS)

    assert found[0] == ("by-plate", Sure.CERTAIN)
    assert "by-other-plate" not in dict(found)


def test_a_known_register_makes_it_certain() -> None:
    found = taken_for((VALUES, REGISTER), None, MAINS | {(Table.HOLDING, 9): 42})

    assert found[0] == ("by-register", Sure.CERTAIN)


def test_another_value_in_the_known_register_rules_a_model_out() -> None:
    assert "by-register" not in dict(
        taken_for((VALUES, REGISTER), None, MAINS | {(Table.HOLDING, 9): 43})
    )


def test_values_that_fit_well_make_it_likely() -> None:
    assert taken_for((VALUES,), None, MAINS) == [("by-values", Sure.LIKELY)]


def test_two_models_that_fit_alike_are_only_possible() -> None:
    twin = model("twin", "{probe: [voltage, frequency]}")

    found = taken_for((VALUES, twin), None, MAINS)

    assert found == [("by-values", Sure.POSSIBLE), ("twin", Sure.POSSIBLE)]


@pytest.mark.parametrize("frequency", [0, 4499, 5501])
def test_a_value_out_of_its_range_rules_a_model_out(frequency: int) -> None:
    assert taken_for((VALUES,), None, MAINS | {(Table.INPUT, 1): frequency}) == []


def test_many_small_codes_make_no_model_likely() -> None:
    template = signature(profiles()["traffic-signal-plc"])
    ones = {(table, address): 1 for table in Table for address in range(1000)}

    assert taken_for((template,), None, ones) in ([], [("traffic-signal-plc", Sure.POSSIBLE)])


def test_a_device_that_named_itself_is_not_asked_for_all_the_others() -> None:
    recognition = Recognition((VALUES, REGISTER, PLATE))
    recognition.named({0: "Acme", 1: "M7"})

    asked = []
    while isinstance(question := recognition.question(), Read):
        asked.append(question)
        recognition.answered(question, [2301])

    assert asked == [Read(Table.INPUT, 0, 1)]
