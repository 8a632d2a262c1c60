"""Who is there: an agent's status and description, and a collector's presence. All retained.

A last will answers `offline` for who cannot any more. Client ids are fixed, because a will of an
older connection under another id could overwrite `online`; who sees its own `offline` says
`online` again.
"""

from __future__ import annotations

import reprlib
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

from telemetry import codec
from telemetry.names import CHANNEL, DEVICE, is_name

VERSION = 1

HEARTBEAT_MAX = 366 * 86_400
"""Longest heartbeat, in seconds: a channel that is not sent once a year is not watched."""


class MalformedAnnouncement(ValueError):
    """The payload is not the announcement that its topic promises."""


@dataclass(frozen=True, slots=True)
class Status:
    """An agent's connection: `boot` changes with each start of the process."""

    online: bool
    boot: str


@dataclass(frozen=True, slots=True)
class Presence:
    """A collector's: while it is offline agents keep their data at home.

    `store` is `down` while the collector watches but cannot store; `seen` envelopes wait for `up`.
    `session` counts its connections to the broker: with a new one, whatever was sent before may
    not have been heard, as with a new `boot`.
    """

    online: bool
    boot: str
    store: Literal["up", "down"] = "up"
    session: int = 0


@dataclass(frozen=True, slots=True)
class Channel:
    """A channel as described: SenML unit, stored type, and kind (gauge, counter, state, text)."""

    unit: str
    type: Literal["float", "int", "bool", "str"]
    kind: str = "gauge"
    label: str = ""


@dataclass(frozen=True, slots=True)
class Model:
    """A device profile as its devices use it."""

    revision: int
    measurement: str
    channels: dict[str, Channel]


@dataclass(frozen=True, slots=True)
class DeviceEntry:
    """One device; `heartbeat` (seconds): how often each of its channels is sent at the least."""

    profile: str
    heartbeat: float
    label: str = ""


@dataclass(frozen=True, slots=True)
class About:
    """What an agent is and has, so that a collector needs no configuration a gateway.

    Attributes:
        version: of the agent's software.
        site: the id of the place it stands at.
        position: WGS 84 latitude and longitude, or None.
        config: a hash of the configuration in force.
        models: by profile id.
        devices: by device id.
    """

    version: str
    boot: str
    config: str
    site: str = ""
    position: tuple[float, float] | None = None
    models: dict[str, Model] = field(default_factory=dict)
    devices: dict[str, DeviceEntry] = field(default_factory=dict)


def pack_status(status: Status) -> bytes:
    """The retained payload of an agent's status."""
    return codec.encode({"v": VERSION, "online": status.online, "boot": status.boot})


def unpack_status(payload: bytes) -> Status:
    """An agent's status.

    Raises:
        MalformedAnnouncement: if the payload is none.
    """
    match _document(payload):
        case {"online": bool(online), "boot": str(boot)}:
            return Status(online, boot)
        case _:
            raise MalformedAnnouncement("not a status")


def pack_presence(presence: Presence) -> bytes:
    """The retained payload of a collector's presence."""
    document = {
        "v": VERSION,
        "online": presence.online,
        "boot": presence.boot,
        "store": presence.store,
    }
    return codec.encode(document | ({"session": presence.session} if presence.session else {}))


def unpack_presence(payload: bytes) -> Presence:
    """A collector's presence.

    Raises:
        MalformedAnnouncement: if the payload is none.
    """
    document = _document(payload)
    session = document.get("session", 0)
    match document:
        case {"online": bool(online), "boot": str(boot), "store": ("up" | "down") as store} if (
            type(session) is int and session >= 0
        ):
            return Presence(online, boot, store, session)
        case _:
            raise MalformedAnnouncement("not a presence")


def pack_about(about: About) -> bytes:
    """The retained payload of an agent's description."""
    return codec.encode(
        {
            "v": VERSION,
            "version": about.version,
            "boot": about.boot,
            "config": about.config,
            "site": about.site,
            "position": about.position,
            "models": {name: _model_document(model) for name, model in about.models.items()},
            "devices": {
                name: {"profile": entry.profile, "heartbeat": entry.heartbeat, "label": entry.label}
                for name, entry in about.devices.items()
            },
        }
    )


def unpack_about(payload: bytes) -> About:
    """An agent's description.

    Raises:
        MalformedAnnouncement: if the payload is none.
    """
    document = _document(payload)
    models = _mapping(document.get("models"), "models")
    devices = _mapping(document.get("devices"), "devices")
    return About(
        version=_typed(document, "version", str),
        boot=_typed(document, "boot", str),
        config=_typed(document, "config", str),
        site=_typed(document, "site", str),
        position=_position(document.get("position")),
        models={_name(DEVICE, name): _unpack_model(entry) for name, entry in models.items()},
        devices={_name(DEVICE, name): _unpack_device(entry) for name, entry in devices.items()},
    )


def _model_document(model: Model) -> dict[str, object]:
    return {
        "rev": model.revision,
        "measurement": model.measurement,
        "channels": {
            name: {"unit": c.unit, "type": c.type, "kind": c.kind, "label": c.label}
            for name, c in model.channels.items()
        },
    }


def _unpack_model(entry: object) -> Model:
    document = _mapping(entry, "model")
    channels = _mapping(document.get("channels"), "channels")
    return Model(
        revision=_typed(document, "rev", int),
        measurement=_name(CHANNEL, _typed(document, "measurement", str)),
        channels={_name(CHANNEL, name): _unpack_channel(c) for name, c in channels.items()},
    )


def _unpack_channel(entry: object) -> Channel:
    match entry:
        case {
            "unit": str(unit),
            "type": ("float" | "int" | "bool" | "str") as kept,
            "kind": str(kind),
            "label": str(label),
        }:
            return Channel(unit, kept, kind, label)
        case _:
            raise MalformedAnnouncement(f"channel {reprlib.repr(entry)}")


def _unpack_device(entry: object) -> DeviceEntry:
    match entry:
        case {
            "profile": str(profile),
            "heartbeat": (int() | float()) as beat,
            "label": str(label),
        } if 0 <= beat <= HEARTBEAT_MAX:
            return DeviceEntry(_name(DEVICE, profile), float(beat), label)
        case _:
            raise MalformedAnnouncement(f"device {reprlib.repr(entry)}")


def _position(entry: object) -> tuple[float, float] | None:
    match entry:
        case None:
            return None
        case [(int() | float()) as latitude, (int() | float()) as longitude] if (
            abs(latitude) <= 90 and abs(longitude) <= 180  # noqa: PLR2004 - degrees have these ends
        ):
            return float(latitude), float(longitude)
        case _:
            raise MalformedAnnouncement(f"position {reprlib.repr(entry)}")


def _document(payload: bytes) -> dict[str, Any]:
    try:
        document = codec.decode(payload)
    except codec.NotJson as error:
        raise MalformedAnnouncement(f"not JSON: {error}") from error
    if not isinstance(document, dict) or document.get("v") != VERSION:
        raise MalformedAnnouncement(f"not a version {VERSION} document")
    return document


def _mapping(entry: object, what: str) -> dict[str, Any]:
    if not isinstance(entry, dict):
        raise MalformedAnnouncement(f"{what} is no object")
    return entry


_T = TypeVar("_T")


def _typed(document: dict[str, Any], key: str, kind: type[_T]) -> _T:
    value = document.get(key)
    if type(value) is not kind:
        raise MalformedAnnouncement(f"{key} is {reprlib.repr(value)}")
    return value


def _name(pattern: Any, text: str) -> str:  # noqa: ANN401 - re.Pattern[str]
    if not is_name(pattern, text):
        raise MalformedAnnouncement(f"{reprlib.repr(text)} is no name")
    return text
