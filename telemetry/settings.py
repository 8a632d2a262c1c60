"""One YAML file becomes one frozen model; what is wrong in it is told by file, line and field.

    agent.yaml:14: devices[3].unit — should be at most 247
    agent.yaml:20: uplnk — no such key here; did you mean 'uplink'?

What YAML is here, `documents` says.
"""

from __future__ import annotations

import difflib
import os
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from telemetry import documents

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic_core import ErrorDetails

Place = tuple[str | int, ...]
"""Where in a document: keys and indices from the root."""


class Settings(BaseModel):
    """A frozen part of a configuration; a key that it does not know is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _numbers_are_numbers(cls, entry: Any) -> Any:  # noqa: ANN401 - YAML can be anything
        """Pydantic takes `true` for 1."""
        if isinstance(entry, dict):
            for key in _numbers(cls) & entry.keys():
                if isinstance(entry[key], bool):
                    said = str(entry[key]).lower()
                    raise ValueError(f"{key} should be a number, not {said}")  # noqa: TRY004 - told
        return entry


@cache
def _numbers(model: type[BaseModel]) -> frozenset[str]:
    """The keys whose value can be a number, and not true or false."""
    kinds = {f.alias or name: list(_kinds(f.annotation)) for name, f in model.model_fields.items()}
    return frozenset(
        key
        for key, found in kinds.items()
        if (int in found or float in found) and bool not in found
    )


def _kinds(annotation: object) -> Iterator[object]:
    """A type, and those that it is made of."""
    yield annotation
    for part in get_args(annotation):
        yield from _kinds(part)


M = TypeVar("M", bound=BaseModel)


class SettingsError(Exception):
    """What is wrong with a file, a line an error, ready to be shown."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def load(path: Path, model: type[M]) -> M:
    """The file at `path` as a `model`.

    Raises:
        SettingsError: if it cannot be read, is not YAML, or does not fit the model.
    """
    return parse(read(path), model, str(path))


def read(path: Path) -> str:
    """What stands in the file at `path`.

    Raises:
        SettingsError: if it cannot be read.
    """
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "is not UTF-8"
        raise SettingsError([f"{path}: {reason}"]) from error


def parse(text: str, model: type[M], name: str) -> M:
    """`text` as a `model`; `name` is what errors call it.

    Raises:
        SettingsError: if it is not YAML or does not fit the model.
    """
    document, lines = read_yaml(text, name)
    return fit(document, lines, model, name)


def fit(document: object, lines: dict[Place, int], model: type[M], name: str) -> M:
    """A document that `read_yaml` has read, as a `model`.

    Raises:
        SettingsError: if it does not fit the model.
    """
    try:
        return model.model_validate({} if document is None else document)
    except ValidationError as error:
        told = (
            _tell(problem, document, lines, model, name)
            for problem in error.errors()
            if not _is_consequence(problem, error.errors())
        )
        raise SettingsError(list(dict.fromkeys(told))) from error


def read_yaml(text: str, name: str) -> tuple[Any, dict[Place, int]]:
    """The document in `text`, and the line (from 1) of every key and item in it.

    Raises:
        SettingsError: if it is not one YAML document.
    """
    try:
        return documents.read(text)
    except documents.NoDocument as error:
        where = name if error.line is None else f"{name}:{error.line}"
        field = f"{spell(error.place)} — " if error.place else ""
        raise SettingsError([f"{where}: {field}{error}"]) from error


def spell(place: Place) -> str:
    """A place as people write it: `devices[3].unit`."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in place)
    return text.removeprefix(".") or "the file"


def read_secret(path: Path) -> str:
    """The secret in a file; a bare name is looked up among systemd's credentials first.

    Raises:
        SettingsError: if it cannot be read, or others than its owner and group may read it.
    """
    directory = os.environ.get("CREDENTIALS_DIRECTORY")
    if directory and not path.is_absolute() and Path(directory, path.name).exists():
        path = Path(directory, path.name)
    try:
        if path.stat().st_mode & 0o007:
            raise SettingsError([f"{path}: others may read this secret; chmod 600 {path}"])
        return path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise SettingsError([f"{path}: {error.strerror}"]) from error
    except UnicodeDecodeError as error:
        raise SettingsError([f"{path}: is not UTF-8"]) from error


_IN_WORDS = {
    "model_type": "should be keys with values",
    "dict_type": "should be keys with values",
    "tuple_type": "should be a list",
    "list_type": "should be a list",
    "path_type": "should be a path",
}
"""What pydantic says in terms of Python, by the error's type."""


def _tell(
    error: ErrorDetails,
    document: object,
    lines: dict[Place, int],
    model: type[BaseModel],
    name: str,
) -> str:
    place = _place(error["loc"], lines)
    message = _IN_WORDS.get(error["type"], error["msg"])
    message = message.removeprefix("Value error, ").removeprefix("Input ")
    if error["type"] == "too_short":
        message = f"should have at least {error['ctx']['min_length']} item"
    elif error["type"] == "too_long":
        message = f"should have at most {error['ctx']['max_length']} items"
    elif error["type"] == "extra_forbidden" and not _ends(place, error["loc"]):
        message = f"{error['loc'][-1]} does not belong here"
    elif error["type"] == "extra_forbidden":
        message = "no such key here" + _suggestion(place, document, model)
    elif error["type"] == "missing":
        missing = error["loc"][-1]
        return f"{name}:{lines.get(place, 1)}: {spell((*place, missing))} — is missing"
    return f"{name}:{lines.get(place, 1)}: {spell(place)} — {message[:1].lower()}{message[1:]}"


def _is_consequence(error: ErrorDetails, errors: list[ErrorDetails]) -> bool:
    """Whether a list is too short only because items in it are wrong: pydantic counts the right."""
    loc = error["loc"]
    return error["type"] == "too_short" and any(
        len(other["loc"]) > len(loc) and other["loc"][: len(loc)] == loc for other in errors
    )


def _place(loc: tuple[str | int, ...], lines: dict[Place, int]) -> Place:
    """The part of a pydantic location that stands in the file (it names union members too)."""
    place: Place = ()
    for part in loc:
        for step in (part, str(part)):
            if (*place, step) in lines:
                place = (*place, step)
                break
    return place


def _ends(place: Place, loc: tuple[str | int, ...]) -> bool:
    """Whether the file itself has the key; what is inherited stands elsewhere."""
    return bool(place) and str(place[-1]) == str(loc[-1])


def _suggestion(place: Place, document: object, model: type[BaseModel]) -> str:
    key = str(place[-1])
    siblings: Any = document
    for part in place[:-1]:
        siblings = siblings[part] if isinstance(part, int) else _by_text(siblings)[part]
    others = _by_text(siblings).keys() - {key}
    known = (_root_keys(model) if len(place) == 1 else _known_keys(others, model)) - others - {key}
    close = difflib.get_close_matches(key, known, n=1, cutoff=0.6)
    if close:
        return f"; did you mean {close[0]!r}?"
    return f"; known are {', '.join(sorted(known))}" if known else ""


def _by_text(mapping: dict[object, Any]) -> dict[str, Any]:
    """`mapping` by its keys as a file spells them: `true` and `1` are no text in the document."""
    return {str(key): value for key, value in mapping.items()}


def _known_keys(siblings: set[str], model: type[BaseModel]) -> set[str]:
    """The keys of that part of the model which shares the most keys with `siblings`."""
    schema = model.model_json_schema()
    parts = [schema, *schema.get("$defs", {}).values()]
    keys = [set(part.get("properties", {})) for part in parts]
    best = max((len(known & siblings) for known in keys), default=0)
    return set().union(*(known for known in keys if len(known & siblings) == best))


def _root_keys(model: type[BaseModel]) -> set[str]:
    """The keys of the model itself; none if it is one of several."""
    schema = model.model_json_schema()
    name = schema.get("$ref", "").rpartition("/")[2]
    return set(schema.get("$defs", {}).get(name, schema).get("properties", {}))
