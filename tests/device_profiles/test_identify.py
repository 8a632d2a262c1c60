"""Promise: a device is taken for a model only if all that the profile names holds."""

from __future__ import annotations

from typing import Any

import pytest

from device_profiles.decode import decoder
from device_profiles.identify import Identify, KnownRegister, Nameplate


def register(**more: Any) -> KnownRegister:  # noqa: ANN401 - its keys
    entry = {"table": "holding", "address": 9, "type": "u16", **more}
    return KnownRegister.model_validate(entry)


def test_a_nameplate_must_match_whole_in_all_that_is_named() -> None:
    nameplate = Nameplate(vendor="Acme", product="EM3.*")

    assert nameplate.fits({0: "Acme", 1: "EM3-S", 2: "V1.0"})
    assert not nameplate.fits({0: "Acme Ltd", 1: "EM3-S"})
    assert not nameplate.fits({0: "Acme"})


def test_a_register_holds_the_value_or_one_of_the_values() -> None:
    assert register(equals=17).fits(17)
    assert not register(equals=17).fits(18)
    assert register(equals=[17, 18]).fits(18)
    assert register(equals="SunS", type="str", length=2).fits("SunS")


def test_a_register_can_match_a_pattern() -> None:
    assert register(regex="EM[0-9]", type="str", length=2).fits("EM3")
    assert not register(regex="EM[0-9]", type="str", length=2).fits("EM34")
    assert register(regex="1[0-9]").fits(17)


def test_the_values_that_it_may_hold_are_told_where_they_are_named() -> None:
    assert register(equals=17).examples == (17,)
    assert register(equals=[17, 18]).examples == (17, 18)
    assert register(regex="1[0-9]").examples == ()


def test_a_register_is_read_like_a_channel() -> None:
    channel = register(equals="SunS", type="str", length=2).channel

    assert (channel.table, channel.address, channel.width) == ("holding", 9, 2)
    assert decoder(channel)([0x5375, 0x6E53]) == "SunS"


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"equals": "EM3"}, "text is no number"),
        ({"equals": 70_000}, "raw 70000 does not fit into 16 bits"),
        ({"equals": [1, -1]}, "raw -1 does not fit into 16 bits"),
        ({"equals": []}, "equals should name a value"),
        ({"equals": True}, "equals should be a number, not true"),
        ({"equals": "EM3-S", "type": "str", "length": 2}, "5 bytes; it holds 4"),
        ({}, "should have either equals or regex"),
    ],
)
def test_what_a_register_can_never_hold_identifies_nothing(
    more: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        register(**more)


def test_a_nameplate_that_names_nothing_would_fit_every_device() -> None:
    with pytest.raises(ValueError, match="should name vendor, product or revision"):
        Nameplate(vendor=None)


@pytest.mark.parametrize("entry", [{}, {"probe": []}])
def test_an_identification_says_something(entry: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="should have probe or fc43 or read"):
        Identify.model_validate(entry)
