"""`repeat`: one entry of a profile that stands for several channels; `{n}` tells them apart.

    {id: "det{n}", address: 16, repeat: {count: 3, stride: 2}}  ─►  det1 at 16, det2 at 18, …

It is unfolded while the profile is read, each entry in its place: so an error in any of its
channels is told at the line of the entry.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, Field, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import core_schema

from telemetry.settings import Settings

if TYPE_CHECKING:
    from pydantic.json_schema import JsonSchemaValue
    from pydantic_core.core_schema import CoreSchema, SerializerFunctionWrapHandler

NUMBER = "{n}"
"""What stands in an entry's texts for the number of the channel."""


class Repeat(Settings):
    """How an entry is repeated.

    Attributes:
        count: how many channels it becomes.
        stride: from one channel's address to the next one's.
        first: the number of the first.
    """

    count: Annotated[int, Field(ge=1, le=500)]
    stride: Annotated[int, Field(ge=1)] | None = None
    first: Annotated[int, Field(ge=0)] = 1


class Entries:
    """Marks a tuple of channels as written in a profile: entries, some of which repeat."""

    @classmethod
    def __get_pydantic_core_schema__(
        cls, source: object, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        """A list of lists, one an entry: pydantic's place of an error begins with the entry's."""
        channels = handler(source)
        entry = core_schema.no_info_before_validator_function(unfolded, channels)
        return core_schema.no_info_after_validator_function(
            _joined,
            core_schema.tuple_variable_schema(entry, min_length=1),
            serialization=core_schema.wrap_serializer_function_ser_schema(
                _as_they_are, schema=channels
            ),
        )

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """What an editor sees: a list of entries."""
        written = handler(schema)
        return {**written, "items": written["items"]["items"]}


def as_entry(schema: dict[str, Any]) -> None:
    """A channel's JSON schema as an entry of a profile: it may repeat, and has defaults."""
    schema["properties"]["repeat"] = Repeat.model_json_schema()
    schema["required"] = [key for key in schema["required"] if key not in ("table", "type")]


class _Repeating(BaseModel):
    repeat: Repeat


def unfolded(entry: Any) -> Any:  # noqa: ANN401 - YAML can be anything
    """The channels that an entry stands for.

    Raises:
        ValueError: if they cannot be told apart.
    """
    if not isinstance(entry, dict) or "repeat" not in entry:
        return [entry]
    repeat = _Repeating.model_validate(entry).repeat
    if NUMBER not in str(entry.get("id")):
        raise ValueError(f"id should hold {NUMBER}, the number of the channel")
    if "address" in entry and type(entry["address"]) is not int:
        raise ValueError("address should be a whole number, from which the others count")
    if "address" in entry and repeat.stride is None:
        raise ValueError("repeat needs a stride: from one address to the next")
    once = {key: value for key, value in entry.items() if key != "repeat"}
    return [_numbered(once, repeat, index) for index in range(repeat.count)]


def times(entry: Any) -> int:  # noqa: ANN401 - YAML can be anything
    """How many channels a good entry stands for."""
    return len(unfolded(entry))


def _numbered(entry: dict[str, Any], repeat: Repeat, index: int) -> dict[str, Any]:
    numbered: dict[str, Any] = _named(entry, str(repeat.first + index))
    if "address" in entry and repeat.stride is not None:
        numbered["address"] = entry["address"] + repeat.stride * index
    return numbered


def _named(part: Any, number: str) -> Any:  # noqa: ANN401 - YAML can be anything
    match part:
        case str():
            return part.replace(NUMBER, number)
        case dict():
            return {key: _named(value, number) for key, value in part.items()}
        case _:
            return part


def _as_they_are(channels: object, serialize: SerializerFunctionWrapHandler) -> object:
    return serialize(channels)


def _joined(entries: tuple[tuple[Any, ...], ...]) -> tuple[Any, ...]:
    return tuple(channel for entry in entries for channel in entry)
