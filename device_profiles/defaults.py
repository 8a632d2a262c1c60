"""What channels have unless they say otherwise: the `defaults` of a profile, spread over them.

`scale` is inherited only where there is a number to it, `order` where it has the type's length,
`nan` where the type is that of the defaults.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from device_profiles.meaning import Stored
from device_profiles.registers import Table, Type, natural_order
from telemetry.settings import Settings


class Defaults(Settings):
    """What channels have unless they say otherwise; `scale` only where there is a number to it."""

    scale: Decimal | None = None
    group: str | None = None


class RegisterDefaults(Defaults):
    """The same of registers: `order` where it has the type's length, `nan` with the type here."""

    table: Table | None = None
    type: Type | None = None
    order: str | None = None
    nan: tuple[int, ...] | None = None


class FieldDefaults(Defaults):
    """The same of a protocol's fields."""

    type: Stored | None = None


def inherited(document: Any) -> Any:  # noqa: ANN401 - YAML can be anything
    """The profile's document with what its channels inherit."""
    match document:
        case {"defaults": dict(defaults), "channels": list(channels)}:
            known = {key: defaults[key] for key in RegisterDefaults.model_fields if key in defaults}
            return {**document, "channels": [_inheriting(known, entry) for entry in channels]}
        case _:
            return document


def _inheriting(defaults: dict[str, Any], entry: Any) -> Any:  # noqa: ANN401 - YAML
    if not isinstance(entry, dict):
        return entry
    merged = {**defaults, **entry}
    unfit = {
        "order": not _order_fits(merged),
        "nan": "type" in entry,
        "scale": not _is_scalable(merged),
    }
    return {
        key: value for key, value in merged.items() if key in entry or not unfit.get(key, False)
    }


def _order_fits(entry: dict[str, Any]) -> bool:
    kind = _type(entry)
    return kind is not None and len(str(entry.get("order"))) == len(natural_order(kind))


def _is_scalable(entry: dict[str, Any]) -> bool:
    if any(key in entry for key in ("enum", "flags", "sf")):
        return False
    kind = _type(entry)
    return kind is None or kind.is_number


def _type(entry: dict[str, Any]) -> Type | None:
    """The type of registers that an entry names; a protocol's `bool` and `str` are named alike."""
    kind = entry.get("type")
    return Type(kind) if isinstance(kind, str) and kind in set(Type) else None
