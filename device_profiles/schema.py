"""The JSON schema of profiles, so that an editor completes keys and marks what cannot be right.

It is made from the models, and accepts every profile that they accept, with numbers written as
numbers. What one part says of another, and what only some types can have, is left to
`edge-agent profiles check`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, get_args

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from device_profiles.model import FieldProfile, FieldProtocol, ModbusProfile
from device_profiles.repeat import Repeat
from device_profiles.sampling import PERCENT
from telemetry.units import UNITS

if TYPE_CHECKING:
    from collections.abc import Iterator

DIALECT = "https://json-schema.org/draft/2020-12/schema"

_ATTRIBUTE = re.compile(r"^ {4}(\w+): (.*(?:\n {8}.*)*)", re.MULTILINE)
"""A line of `Attributes:` in a docstring, with the lines that go on."""


def json_schema() -> dict[str, Any]:
    """The schema of a whole file; a profile without `protocol` is Modbus."""
    models = (ModbusProfile, FieldProfile)
    _, schema = models_json_schema([(model, "validation") for model in models])
    parts = schema["$defs"]
    for model in {part for whole in models for part in _parts(whole)}:
        _explain(parts[model.__name__], model)
    for name in ("RegisterChannel", "FieldChannel"):
        keys = parts[name]["properties"]
        keys["unit"]["enum"] = ["", *UNITS]
        _explain(keys["repeat"], Repeat)
    parts["Deadband"] = _short_deadband(parts["Deadband"])
    speaks = {"properties": {"protocol": {"enum": list(get_args(FieldProtocol))}}}
    return {
        "$schema": DIALECT,
        "title": "device-profile/1",
        "type": "object",
        "if": {**speaks, "required": ["protocol"]},
        "then": {"$ref": "#/$defs/FieldProfile"},
        "else": {"$ref": "#/$defs/ModbusProfile"},
        "$defs": parts,
    }


def _parts(annotation: object) -> Iterator[type[BaseModel]]:
    """The models that a type is made of, to the last."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
        for field in annotation.model_fields.values():
            yield from _parts(field.annotation)
    for part in get_args(annotation):
        yield from _parts(part)


def _explain(schema: dict[str, Any], model: type[BaseModel]) -> None:
    """Put each key's explanation to the key, and take out what says nothing."""
    said = _said_of(model)
    names = {field.alias or name: name for name, field in model.model_fields.items()}
    schema["description"] = schema.get("description", "").partition("\n\nAttributes:")[0]
    for key, entry in schema["properties"].items():
        entry.pop("title", None)
        if "type" not in entry or not entry.get("default"):
            entry.pop("default", None)  # in Python's terms, not as people write it
        if text := said.get(names.get(key, key)):
            entry["description"] = text


def _said_of(model: type[BaseModel]) -> dict[str, str]:
    """What the docstrings say of each attribute; the nearest one of a class and its bases."""
    said: dict[str, str] = {}
    for part in model.__mro__:
        for name, text in _ATTRIBUTE.findall(_cleaned(part.__doc__)):
            said.setdefault(name, " ".join(text.split()))
    return said


def _cleaned(docstring: str | None) -> str:
    return re.sub(r"^ {4}", "", docstring or "", flags=re.MULTILINE)


def _short_deadband(whole: dict[str, Any]) -> dict[str, Any]:
    percent = {"type": "string", "pattern": rf"^\s*{PERCENT.pattern}\s*$"}
    return {"anyOf": [{"type": "number", "minimum": 0}, percent, whole]}
