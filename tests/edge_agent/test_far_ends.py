"""Promise: what a simulated device says is what its protocol reads, byte for byte as recorded.

Recorded frames and the tests' own meter are the truth that does not come from the product.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial, reduce
from operator import xor
from typing import TYPE_CHECKING, Any

import pytest
from crccheck.crc import CrcArc  # type: ignore[import-untyped] # it has no type hints
from hypothesis import given
from hypothesis import strategies as st

from device_profiles.encode import NotEncodable
from device_profiles.loader import CATALOGUE, load
from device_profiles.model import FieldProfile
from edge_agent.protocols import PROTOCOLS
from edge_agent.protocols.conversation import Refused, replay
from edge_agent.protocols.megatec import BITS, NOW, RATED, WHO
from edge_agent.protocols.plantower import FIELDS, LAYOUTS
from edge_agent.simulate.far_ends import MODULES, NotPlayed, far_end_of
from edge_agent.simulate.far_ends.dlt645 import Meter
from edge_agent.simulate.far_ends.far_end import UNASKED
from parts.meters import Dlt645Meter
from parts.recorded import INSTRUMENTS, pieces_of
from parts.talk import ask, talk
from telemetry.sample import NOT_VALID, Flag, Value

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edge_agent.simulate.far_ends.far_end import FarEnd, Said

    Strategy = st.SearchStrategy[Value]

STATION = "000000000161"
PROFILES = {
    profile.id: profile
    for profile in map(load, sorted(CATALOGUE.glob("*.yaml")))
    if isinstance(profile, FieldProfile) and profile.protocol in MODULES
}


def read_back(far_end: FarEnd, protocol: str, address: str, said: Said) -> dict[str, Any]:
    """What an agent reads of a device that has this to say."""
    sayings = far_end.sayings(said)
    answer = partial(far_end.answer, sayings=sayings)
    found: dict[str, Any] = {}
    for question in PROTOCOLS[protocol].questions(address, list(said)):
        found |= ask(question, answer, sayings.get(UNASKED, b"")).said or {}
    return found


def round_trip(protocol: str, address: str, said: Said) -> dict[str, Any]:
    return read_back(far_end_of(protocol, address, list(said)), protocol, address, said)


# What is said is read


def words(names: Sequence[str]) -> st.SearchStrategy[dict[str, int]]:
    layout = LAYOUTS[40]
    limits = {">B": (0, 0xFF), ">H": (0, 0xFFFF), ">h": (-0x8000, 0x7FFF)}
    return st.fixed_dictionaries({name: st.integers(*limits[layout[name][1]]) for name in names})


MASSES = ["pm1_cf1", "pm25_cf1", "pm10_cf1", "pm1", "pm25", "pm10"]
COUNTS = ["n0_3", "n0_5", "n1_0", "n2_5"]
LARGE = ["n5_0", "n10_0"]
CLIMATE = ["temperature", "humidity"]


@given(
    said=st.one_of(
        words(MASSES),
        words([*MASSES, *COUNTS, *LARGE, "error"]),
        words([*MASSES, *COUNTS, *CLIMATE, "error"]),
        words([*MASSES, *COUNTS, *LARGE, "hcho"]).filter(lambda said: any(said.values())),
        words([*MASSES, *COUNTS, *LARGE, *CLIMATE, "hcho", "error"]),
    ),
    address=st.sampled_from(["", "active", "passive"]),
)
def test_a_plantower_sensor_of_any_family_says_its_words(said: Said, address: str) -> None:
    assert round_trip("plantower", address, said) == said


@given(
    pm25=st.integers(0, 0xFFFF),
    pm10=st.integers(1, 0xFFFF),
    device=st.binary(min_size=2, max_size=2).filter(lambda id_: id_ != b"\xff\xff"),
    mode=st.sampled_from(["active", "query", "id"]),
)
def test_an_sds011_says_its_words(pm25: int, pm10: int, device: bytes, mode: str) -> None:
    said: Said = {"pm25": pm25, "pm10": pm10, "device_id": device.hex()}
    address = device.hex() if mode == "id" else mode

    assert round_trip("sds011", address, said) == said


@given(st.integers(1, 0xFFFF))
def test_an_sds198_says_coarse_dust(pm100: int) -> None:
    assert round_trip("sds011", "active", {"pm100": pm100}) == {"pm100": pm100}


MEGATEC = [*NOW, *BITS, *RATED, *WHO]
tenths = st.integers(0, 9999).map(lambda n: n / 10)
NUMBERS = {
    **dict.fromkeys((*NOW, *RATED), tenths),
    "battery_voltage": tenths | st.integers(0, 999).map(lambda n: n / 100),
    "load": st.integers(0, 999),
    "nominal_current": st.integers(0, 999),
}
TEXTS = st.text("ABCabc 019-./", max_size=10).map(str.strip)


@given(
    numbers=st.fixed_dictionaries({}, optional=NUMBERS),
    bits=st.fixed_dictionaries({name: st.booleans() for name in BITS}),
    who=st.fixed_dictionaries({"company": TEXTS, "model": TEXTS, "version": TEXTS}),
)
def test_a_power_supply_says_its_three_lines(
    numbers: dict[str, float], bits: dict[str, bool], who: dict[str, str]
) -> None:
    said: Said = {**numbers, **bits, **who}

    assert round_trip("megatec", "", said) == said


@given(st.text("01", min_size=8, max_size=8))
def test_a_power_supplys_status_is_its_bits(status: str) -> None:
    far_end = far_end_of("megatec", "", ["status"])
    fields = ["status", *BITS]
    (question,) = PROTOCOLS["megatec"].questions("", fields)

    said = ask(question, partial(far_end.answer, sayings=far_end.sayings({"status": status}))).said

    assert said == {"status": status, **{n: b == "1" for n, b in zip(BITS, status, strict=True)}}


def test_what_a_power_supply_does_not_know_is_dashes() -> None:
    far_end = far_end_of("megatec", "", [*NOW, *RATED])
    answer = partial(far_end.answer, sayings=far_end.sayings({}))

    said = [ask(q, answer).said for q in PROTOCOLS["megatec"].questions("", [*NOW, *RATED])]

    assert said == [dict.fromkeys(NOW, NOT_VALID), dict.fromkeys(RATED, NOT_VALID)]


ITEMS: dict[str, st.SearchStrategy[Any]] = {
    "02010100": st.integers(0, 9999),
    "02020100": st.integers(-799_999, 799_999),
    "00000000": st.integers(-79_999_999, 79_999_999),
    "00010000": st.integers(0, 99_999_999),
    "0201FF00.0": st.integers(0, 9999),
    "0201FF00.2": st.integers(0, 9999),
    "04000501": st.integers(0, 0xFFFF),
    "04000402": st.text("0123456789", min_size=12, max_size=12),
    "0400040B": st.text("ABC 019", max_size=10).map(str.strip),
    "04001234:3s": st.integers(-799_999, 799_999),
}


@given(
    said=st.fixed_dictionaries({}, optional=ITEMS),
    address=st.sampled_from([STATION, "AAAAAAAAAAAA", "AAAA00000161"]),
    part=st.integers(1, 12),
)
def test_a_meter_says_its_items_in_as_many_parts_as_it_takes(
    said: Said, address: str, part: int
) -> None:
    assert read_back(Meter(STATION, part), "dlt645", address, said) == said


@given(
    content=st.binary(min_size=1, max_size=30),
    part=st.integers(1, 12),
    asked=st.sampled_from(["02010100", "02020100"]),
    cuts=st.lists(st.integers(0, 100), max_size=4),
)
def test_a_meter_answers_as_one_that_shares_no_code_with_it(
    content: bytes, part: int, asked: str, cuts: list[int]
) -> None:
    other = Dlt645Meter(STATION, {"02010100": content}, part)
    meter = Meter(STATION, part)
    sayings = {bytes.fromhex("02010100")[::-1]: content}
    heard: list[bytes] = []

    def answer(request: bytes) -> bytes:
        said = b"".join(meter.answer(piece, sayings) for piece in pieces_of(request, cuts))
        heard.append(said.lstrip(b"\xfe"))
        assert heard[-1] == other.answer(request).lstrip(b"\xfe")
        return said

    (question,) = PROTOCOLS["dlt645"].questions(STATION, [f"{asked}:{len(content)}a"])
    if asked == "02020100":
        with pytest.raises(Refused, match="no such data"):
            ask(question, answer)
    else:
        ask(question, answer)
    assert heard


def test_a_meter_of_another_address_is_silent() -> None:
    (question,) = PROTOCOLS["dlt645"].questions("000000000162", ["02010100"])
    meter = Meter(STATION)

    said = ask(question, partial(meter.answer, sayings=meter.sayings({"02010100": 1}))).said

    assert said is None


CODES: dict[str, st.SearchStrategy[Any]] = {
    "1.8.0 kWh": st.floats(0, 1e7).map(lambda v: round(v, 3)),
    "1-0:2.8.0*255 kWh": st.floats(-1e7, 1e7),
    "14.7": st.integers(-(10**9), 10**9),
    "0.9.2 text": st.text("0123456789-:", max_size=12),
}


@given(
    said=st.fixed_dictionaries({}, optional=CODES),
    address=st.sampled_from(["", "00012345", "push"]),
)
def test_an_optical_head_says_its_data_sets(said: Said, address: str) -> None:
    assert round_trip("iec62056-21", address, said) == said


def test_an_optical_heads_checks_are_those_of_others() -> None:
    said = {"1.8.0 kWh": 502.853}
    block = far_end_of("iec62056-21", "", list(said)).sayings(said)[b"\x06000\r\n"]
    telegram = far_end_of("iec62056-21", "push", list(said)).sayings(said)[UNASKED]

    assert block[:-1] == b"\x021.8.0(502.853*kWh)\r\n!\r\n\x03"
    assert block[-1] == reduce(xor, block[1:-1])
    text, crc = telegram[:-6], telegram[-6:]
    assert crc == f"{CrcArc.calc(text):04X}\r\n".encode()


# It is said as real devices say it


@dataclass(frozen=True, slots=True)
class Seen:
    """A frame of a protocol."""

    protocol: str
    frame: bytes

    @property
    def address(self) -> str:
        """Whose it is, if it says."""
        if self.protocol != "dlt645":
            return ""
        start = self.frame.index(b"\x68") + 1
        return self.frame[start : start + 6][::-1].hex()

    @property
    def fields(self) -> Sequence[str]:
        """All that such a frame can say."""
        match self.protocol, len(self.frame):
            case "plantower", 24:
                return MASSES
            case "plantower", 32:
                return [*MASSES, *COUNTS, *LARGE, "version", "error"]
            case "plantower", _:
                return list(LAYOUTS[40])
            case "sds011", _:
                return ["pm25", "pm10", "device_id"]
            case "megatec", _:
                return MEGATEC
            case _:
                return [c.field for c in PROFILES["dlt645-2007"].channels]

    def read(self) -> dict[str, Any]:
        """What it says; what is no value stands apart."""
        questions = PROTOCOLS[self.protocol].questions(self.address, self.fields)
        answers = [said for q in questions if (said := replay(q, self.frame)) is not None]
        return {n: v for said in answers for n, v in said.items() if not isinstance(v, Flag)}


def seen() -> dict[str, Seen]:
    """Every recorded or published frame with values, where a protocol leaves no choice."""
    examples = {
        f"{profile.id}-{number}": Seen(profile.protocol, example.data)
        for profile in PROFILES.values()
        for number, example in enumerate(profile.examples)
        if example.values
    }
    records = {
        f"{record}-{number}": Seen(record.protocol, record.frame)
        for number, record in enumerate(INSTRUMENTS)
        if record.device != "nova-sds198"  # its first word is nobody knows what
    }
    exact = MODULES.keys() - {"iec62056-21"}
    return {name: one for name, one in (examples | records).items() if one.protocol in exact}


FRAMES = seen()


@pytest.mark.parametrize("name", FRAMES)
def test_a_frame_is_said_byte_for_byte_as_it_was_seen(name: str) -> None:
    one = FRAMES[name]
    read = one.read()
    far_end = far_end_of(one.protocol, one.address, one.fields)

    sayings = far_end.sayings(read)

    if one.protocol == "dlt645":
        (question,) = PROTOCOLS["dlt645"].questions(one.address, list(read))
        (request,) = talk(question, []).sent
        said = far_end.answer(request, sayings)
        assert said.lstrip(b"\xfe") == one.frame.lstrip(b"\xfe")
    else:
        assert one.frame in sayings.values()


# What it cannot say is told


@pytest.mark.parametrize(
    ("protocol", "address", "said", "why"),
    [
        ("plantower", "", {"pm25": 65536}, "field 'pm25' cannot say 65536: it says 0 to 65535"),
        ("plantower", "", {"pm25": "high"}, "field 'pm25' cannot say 'high'"),
        ("sds011", "", {"pm25": -1}, "field 'pm25' cannot say -1: it says 0 to 65535"),
        ("sds011", "", {"device_id": "A160"}, "field 'device_id' cannot say 'A160'"),
        ("sds011", "58d9", {"device_id": "a160"}, "cannot say 'a160': it answers to 58d9"),
        ("megatec", "", {"temperature": -0.1}, "field 'temperature' cannot say -0.1"),
        ("megatec", "", {"load": "full"}, "field 'load' cannot say 'full'"),
        ("megatec", "", {"status": "0000"}, "field 'status' cannot say '0000'"),
        ("megatec", "", {"model": "ELEVEN CHAR"}, "10 characters, and no #"),
        ("megatec", "", {"company": "#1"}, "15 characters, and no #"),
        ("dlt645", STATION, {"02010100": 10_000}, "it says 0 to 9999"),
        ("dlt645", STATION, {"02020100": -800_000}, "it says -799999 to 799999"),
        ("dlt645", STATION, {"04000501": -1}, "it says 0 to 65535"),
        ("dlt645", STATION, {"04000402": "161"}, "cannot say '161': 12 digits"),
        ("dlt645", STATION, {"0400040B": "eleven char"}, "at most 10 ASCII characters"),
        ("iec62056-21", "", {"1.8.0": "much"}, "field '1.8.0' cannot say 'much'"),
        ("iec62056-21", "", {"0.9.2 text": "(2022)"}, "cannot say '(2022)'"),
    ],
)
def test_a_value_that_no_frame_can_hold_is_told(
    protocol: str, address: str, said: dict[str, Value], why: str
) -> None:
    far_end = far_end_of(protocol, address, list(said))

    with pytest.raises(NotEncodable, match=re.escape(why)):
        far_end.sayings(said)


@pytest.mark.parametrize(
    ("protocol", "address", "field", "why"),
    [
        ("sps30", "0", "pm25", "sps30 cannot be simulated; modbus, dlt645, iec62056-21, megatec"),
        ("plantower", "loud", "pm25", "address 'loud' should be active or passive"),
        ("plantower", "", "pm4", "there is no field 'pm4'"),
    ],
)
def test_what_cannot_be_played_is_told(protocol: str, address: str, field: str, why: str) -> None:
    with pytest.raises(NotPlayed, match=re.escape(why)):
        far_end_of(protocol, address, [field])


def test_a_plantower_sensor_has_whatever_fields_its_profile_names() -> None:
    far_end = far_end_of("plantower", "", FIELDS)

    (frame,) = far_end.sayings({}).values()

    assert len(frame) == 40


# It hears what is meant for it


@given(noise=st.binary(max_size=20), cuts=st.lists(st.integers(0, 100), max_size=5))
def test_a_request_is_heard_behind_noise_and_in_pieces(noise: bytes, cuts: list[int]) -> None:
    far_end = far_end_of("megatec", "", ["load"])
    sayings = far_end.sayings({"load": 14})
    request = noise.replace(b"\r", b"") + b"Q1\r"

    heard = [far_end.answer(piece, sayings) for piece in pieces_of(request, cuts)]

    assert b"".join(heard) == sayings[b"Q1\r"]
    assert far_end.answer(b"\r", sayings) == b""


def test_a_sensor_that_speaks_by_itself_answers_nothing() -> None:
    far_end = far_end_of("sds011", "active", ["pm25"])
    query = bytes.fromhex("aab4 04 000000000000000000000000 ffff 02ab")

    assert far_end.answer(query, far_end.sayings({"pm25": 1})) == b""
    assert far_end.every == 1.0
