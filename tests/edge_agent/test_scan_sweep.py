"""Whoever answers within a second is found, however late; nobody is ever written to."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from device_profiles import loader
from device_profiles.behaviour import Serial
from device_profiles.model import ModbusProfile
from device_profiles.registers import Parity, Table
from edge_agent.bus.settings import RtuBus, TcpBus
from edge_agent.scan.pace import Pace, factory, likeliest
from edge_agent.scan.scope import ALL_UNITS, FIRST_UNITS, Scope, plan
from edge_agent.scan.sweep import PATIENCE, WAIT, Heard, Probe, Sweep, probes

SLOW, FAST = Pace(4800), Pace(9600)
RTU = RtuBus(id="b", transport="modbus-rtu", port=Path("/dev/ttyUSB0"))
TCP = TcpBus(id="b", transport="modbus-tcp", host="192.0.2.1")


@cache
def catalogue() -> list[ModbusProfile]:
    profiles = map(loader.load, loader.catalogue().values())
    return [profile for profile in profiles if isinstance(profile, ModbusProfile)]


@dataclass
class World:
    """A line with devices: by pace and unit, how many seconds each takes to answer."""

    devices: dict[tuple[Pace | None, int], float]
    now: float = 0.0
    asked: list[Probe] = field(default_factory=list)
    found: set[tuple[Pace | None, int]] = field(default_factory=set)
    _coming: list[tuple[float, Pace | None]] = field(default_factory=list)

    def sweep(self, sweep: Sweep) -> None:
        """Ask whatever it wants asked, until it is done."""
        while (probe := sweep.next()) is not None:
            self.asked.append(probe)
            heard, late = self._ask(probe)
            if heard is Heard.ANSWER:
                self.found.add((probe.pace, probe.unit))
            sweep.tell(probe, heard, late=late)

    def _ask(self, probe: Probe) -> tuple[Heard, bool]:
        begun, delay = self.now, self.devices.get((probe.pace, probe.unit))
        answered = delay is not None and delay <= probe.within
        self.now += delay if answered and delay is not None else probe.seconds
        came = [at for at, pace in self._coming if at < self.now and pace == probe.pace]
        self._coming = [(at, pace) for at, pace in self._coming if at >= self.now]
        if answered:
            return Heard.ANSWER, bool(came)
        if delay is not None:
            self._coming.append((begun + delay, probe.pace))
        # what comes while a probe waits makes noise; what comes in the quiet behind it is late
        if any(at < begun + probe.within for at in came):
            return Heard.NOISE, False
        return Heard.SILENCE, bool(came)


@settings(deadline=None)
@given(
    st.dictionaries(
        st.tuples(st.sampled_from([SLOW, FAST]), st.integers(1, 20)),
        st.floats(0.0, PATIENCE * 0.95),
        max_size=6,
    )
)
@example({(SLOW, 19): 0.75, (SLOW, 20): 0.0})  # the last unit's answer hid the one before it
def test_every_device_is_found_however_late_it_answers(
    devices: dict[tuple[Pace | None, int], float],
) -> None:
    world = World(devices)

    world.sweep(Sweep(probes((FAST, SLOW), range(1, 21))))

    assert world.found == set(devices)


@settings(deadline=None)
@given(st.dictionaries(st.tuples(st.none(), st.integers(1, 20)), st.floats(0.0, 0.9), max_size=6))
def test_a_network_is_swept_in_the_same_way(
    devices: dict[tuple[Pace | None, int], float],
) -> None:
    world = World(devices)

    world.sweep(Sweep(probes((None,), range(1, 21))))

    assert world.found == set(devices)


@settings(deadline=None)
@given(st.lists(st.sampled_from(list(Heard)), min_size=1), st.booleans())
def test_it_ends_whatever_is_heard(replies: list[Heard], late: bool) -> None:  # noqa: FBT001 - drawn
    planned = probes((FAST, SLOW), range(1, 11))
    sweep = Sweep(planned)

    asked = 0
    while (probe := sweep.next()) is not None:
        sweep.tell(probe, replies[asked % len(replies)], late=late)
        asked += 1

    assert asked <= 2 * len(planned) + len({probe.pace for probe in planned})
    assert sweep.left == pytest.approx(0.0, abs=1e-6)


def test_the_time_is_told_before_it_begins() -> None:
    planned = probes((FAST, SLOW), range(1, 11))
    world = World({})

    sweep = Sweep(planned)
    told = sweep.left
    world.sweep(sweep)

    assert told == pytest.approx(world.now)


def test_who_answered_is_left_in_peace() -> None:
    world = World({(FAST, 3): 0.01})

    world.sweep(Sweep(probes((FAST,), range(1, 5))))

    assert [probe.unit for probe in world.asked].count(3) == 1


def test_who_answers_at_another_parity_too_is_one_device() -> None:
    even = Pace(9600, Parity.EVEN)
    world = World({(FAST, 3): 0.01, (even, 3): 0.01})

    world.sweep(Sweep(probes((FAST, even), range(1, 5))))

    assert world.found == {(FAST, 3)}


def test_noise_at_a_unit_s_own_probe_gives_it_patience_once() -> None:
    sweep = Sweep(probes((FAST,), (1, 2)))
    first = sweep.next()
    assert first is not None

    sweep.tell(first, Heard.NOISE)
    again = sweep.next()

    assert again is not None
    assert (again.unit, again.patient, again.within) == (1, True, PATIENCE)
    assert first.within == WAIT


@pytest.mark.parametrize("every", [False, True])
def test_only_reads_of_single_units_are_planned(every: bool) -> None:  # noqa: FBT001 - parametrised
    planned = plan(RTU, Scope(every=every), catalogue())

    assert all(probe.table in Table and probe.unit in ALL_UNITS for probe in planned)
    assert {probe.unit for probe in planned} >= set(ALL_UNITS if every else FIRST_UNITS)


def test_factory_settings_come_first() -> None:
    profiles = catalogue()
    known = {(factory(p.serial), p.unit) for p in profiles}

    planned = plan(RTU, Scope(), profiles)

    first = planned[: next(n for n, probe in enumerate(planned) if _key(probe) not in known)]
    assert {_key(probe) for probe in first} == known


def _key(probe: Probe) -> tuple[Pace | None, int]:
    return probe.pace, probe.unit


@settings(deadline=None)
@given(
    st.sets(st.sampled_from([1200, 9600, 19_200]), max_size=2),
    st.sets(st.sampled_from(Parity), max_size=2),
    st.sets(st.integers(1, 247), max_size=4),
)
def test_what_was_asked_for_is_all_that_is_tried(
    bauds: set[int], parities: set[Parity], units: set[int]
) -> None:
    scope = Scope(bauds=tuple(bauds), parities=tuple(parities), units=tuple(units))

    planned = plan(RTU, scope, catalogue())

    paces = {probe.pace for probe in planned if probe.pace is not None}
    assert not bauds or {pace.baud for pace in paces} == bauds
    assert not parities or {pace.parity for pace in paces} == parities
    assert not units or {probe.unit for probe in planned} == units


def test_a_speed_that_no_device_has_is_tried_if_it_is_asked_for() -> None:
    planned = plan(RTU, Scope(bauds=(230_400,)), catalogue())

    assert {probe.pace for probe in planned} == {Pace(230_400)}


def test_a_network_has_no_pace_and_may_be_addressed_as_itself() -> None:
    planned = plan(TCP, Scope(), catalogue())

    assert {probe.pace for probe in planned} == {None}
    assert {probe.unit for probe in planned} >= {*FIRST_UNITS, 255}


def test_a_network_is_also_asked_for_the_units_that_devices_leave_the_factory_with() -> None:
    planned = plan(TCP, Scope(), catalogue())

    assert len(set(planned)) == len(planned)
    assert {probe.unit for probe in planned} == {
        *(*FIRST_UNITS, 255),
        *(profile.unit for profile in catalogue()),
    }


def test_the_paces_of_most_devices_come_first() -> None:
    devices = [
        Serial(baud=(9600, 19_200)),
        Serial(baud=(9600,), parity=(Parity.EVEN,)),
        Serial(baud=(9600,)),
        Serial(baud=(4800, 9600)),
    ]

    assert likeliest(devices) == (FAST, SLOW, Pace(9600, Parity.EVEN))
    assert likeliest(devices, every=True)[-1] == Pace(19_200)


def test_a_pace_reads_as_technicians_write_it() -> None:
    assert str(Pace(19_200, Parity.EVEN)) == "19200 8E1"
    assert Pace(19_200, Parity.EVEN).wire.bits == 11
