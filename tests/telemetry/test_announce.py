"""Promise: who is there, and what it has, reads as it was said; anything else is refused."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry import announce
from telemetry.announce import (
    HEARTBEAT_MAX,
    About,
    Channel,
    DeviceEntry,
    MalformedAnnouncement,
    Model,
    Presence,
    Status,
)

if TYPE_CHECKING:
    from collections.abc import Callable

device_ids = st.from_regex(r"[a-z0-9](?:[a-z0-9_-]{0,38}[a-z0-9])?", fullmatch=True)
channel_names = st.from_regex(r"[a-z](?:_?[a-z0-9]){0,20}", fullmatch=True)
text = st.one_of(st.text(max_size=10), st.just("Trạm đo Cầu Giấy"))
models = st.builds(
    Model,
    st.integers(0, 2**31),
    channel_names,
    st.dictionaries(
        channel_names,
        st.builds(Channel, text, st.sampled_from(["float", "int", "bool", "str"]), text, text),
        max_size=3,
    ),
)
abouts = st.builds(
    About,
    version=text,
    boot=text,
    config=text,
    site=text,
    position=st.none() | st.tuples(st.floats(-90, 90), st.floats(-180, 180)),
    models=st.dictionaries(device_ids, models, max_size=2),
    devices=st.dictionaries(
        device_ids,
        st.builds(DeviceEntry, device_ids, st.floats(0, HEARTBEAT_MAX), text),
        max_size=3,
    ),
)

UNPACKERS = [announce.unpack_status, announce.unpack_presence, announce.unpack_about]
every_kind = pytest.mark.parametrize("unpack", UNPACKERS)

CHANNEL = {"unit": "V", "type": "float", "kind": "gauge", "label": ""}
MODEL = {"rev": 1, "measurement": "electricity_meter", "channels": {"voltage": CHANNEL}}
DEVICE = {"profile": "p", "heartbeat": 60, "label": ""}
ABOUT: dict[str, Any] = {
    "v": 1,
    "version": "0.1.0",
    "boot": "b",
    "config": "c",
    "site": "s",
    "position": [21.0, 105.8],
    "models": {"p": MODEL},
    "devices": {"d": DEVICE},
}


@given(st.booleans(), text)
def test_a_status_unpacks_to_itself(online: bool, boot: str) -> None:  # noqa: FBT001 - hypothesis gives it
    status = Status(online, boot)

    assert announce.unpack_status(announce.pack_status(status)) == status


@given(st.builds(Presence, st.booleans(), text, st.sampled_from(["up", "down"])))
def test_a_presence_unpacks_to_itself(presence: Presence) -> None:
    assert announce.unpack_presence(announce.pack_presence(presence)) == presence


@given(abouts)
def test_an_about_unpacks_to_itself(about: About) -> None:
    assert announce.unpack_about(announce.pack_about(about)) == about


@every_kind
@given(payload=st.binary(max_size=100))
def test_arbitrary_bytes_are_malformed(unpack: Callable[[bytes], object], payload: bytes) -> None:
    with pytest.raises(MalformedAnnouncement):
        unpack(payload)


@every_kind
@pytest.mark.parametrize("payload", [b"", b"[]", b"{}", b'{"v":2}', b'{"v":1}', b"[" * 10_000])
def test_what_is_no_announcement_is_malformed(
    unpack: Callable[[bytes], object], payload: bytes
) -> None:
    with pytest.raises(MalformedAnnouncement):
        unpack(payload)


@pytest.mark.parametrize("store", ["away", None, True])
def test_a_store_is_up_or_down(store: object) -> None:
    payload = json.dumps({"v": 1, "online": True, "boot": "b", "store": store}).encode()

    with pytest.raises(MalformedAnnouncement, match="not a presence"):
        announce.unpack_presence(payload)


def test_a_good_about_is_read() -> None:
    about = announce.unpack_about(json.dumps(ABOUT).encode())

    assert about.devices == {"d": DeviceEntry("p", 60.0)}
    assert about.models["p"].channels == {"voltage": Channel("V", "float")}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"version": None}, "version is None"),
        ({"models": []}, "models is no object"),
        ({"models": {"P!": MODEL}}, "'P!' is no name"),
        ({"models": {"p": MODEL | {"rev": True}}}, "rev is True"),
        ({"models": {"p": MODEL | {"measurement": "A"}}}, "'A' is no name"),
        ({"models": {"p": MODEL | {"channels": {"a__b": CHANNEL}}}}, "'a__b' is no name"),
        ({"models": {"p": MODEL | {"channels": {"a": CHANNEL | {"type": "list"}}}}}, "channel {"),
        ({"models": {"p": []}}, "model is no object"),
        ({"devices": {"d": DEVICE | {"profile": "P!"}}}, "'P!' is no name"),
        ({"devices": {"d": DEVICE | {"heartbeat": "60"}}}, "device {"),
        ({"devices": {"d": DEVICE | {"heartbeat": -1}}}, "device {"),
        ({"devices": {"d": DEVICE | {"heartbeat": 10**400}}}, "device {"),
        ({"position": [91, 0]}, "position [91, 0]"),
        ({"position": [0, 10**400]}, "position [0, 1"),
        ({"position": [1]}, "position [1]"),
        ({"position": "here"}, "position 'here'"),
    ],
)
def test_what_is_wrong_in_an_about_is_named(changes: dict[str, object], words: str) -> None:
    with pytest.raises(MalformedAnnouncement) as refused:
        announce.unpack_about(json.dumps(ABOUT | changes).encode())

    assert words in str(refused.value)
    assert len(str(refused.value)) < 200
