"""YAML as people mean it: a text becomes a document, and the line of each key and item in it.

It is YAML 1.2's core schema: only `true` and `false` are booleans (`off` is a word), and `12:30` is
text. A key may stand only once, however it is spelt: `1` and `0x1` are one. What a terminal or a
store could not show stands nowhere, not even written as an escape.
"""

from __future__ import annotations

import re
from itertools import islice
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator

    from telemetry.settings import Place

_TAG = "tag:yaml.org,2002:"
_MERGE = f"{_TAG}merge"
_INT = f"{_TAG}int"


PARTS_MAX = 1_000_000
"""Most places in a document, a key's and its value's each counted: a profile of 10,000 channels has
some 200,000. A few aliases of aliases would make billions."""


class NoDocument(ValueError):
    """A text is not one YAML document: why, in which line (from 1), and at which key."""

    def __init__(self, why: str, line: int | None = None, place: Place = ()) -> None:
        super().__init__(why)
        self.line = line
        self.place = place


def read(text: str) -> tuple[Any, dict[Place, int]]:
    """The document in `text`, and the line (from 1) of every key and item in it.

    Raises:
        NoDocument: if it is not one YAML document.
    """
    try:
        return _read(_Loader(text))
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise NoDocument(str(error.problem or error.context), line) from error
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise NoDocument(f"character {error.character:#06x} cannot stand here", line) from error
    except RecursionError as error:
        raise NoDocument("nested too deep, or an alias stands for itself") from error


class _Loader(yaml.SafeLoader):
    """YAML 1.2's core schema: what a person means, and no more booleans than two."""


_Loader.yaml_implicit_resolvers = {}
_Loader.yaml_constructors = {
    tag: constructor
    for tag, constructor in yaml.SafeLoader.yaml_constructors.items()
    if tag is None or tag.rpartition(":")[2] in ("null", "str", "seq", "map")
}
for _tag, _pattern, _first in (
    ("null", r"~|null|", ["~", "n", ""]),
    ("bool", r"true|false", list("tf")),
    ("int", r"[-+]?[0-9]+|0x[0-9a-fA-F]+", list("-+0123456789")),
    (
        "float",
        r"[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+|[0-9]+(?=[eE]))(?:[eE][-+]?[0-9]+)?",
        list("-+.0123456789"),
    ),
    ("merge", r"<<", ["<"]),
):
    _Loader.add_implicit_resolver(_TAG + _tag, re.compile(f"^(?:{_pattern})$"), _first)


def _construct_bool(loader: _Loader, node: yaml.ScalarNode) -> bool:
    text = loader.construct_scalar(node)
    if text not in ("true", "false"):
        raise _no(node, f"{text!r} is neither true nor false")
    return bool(text == "true")


def _construct_int(loader: _Loader, node: yaml.ScalarNode) -> int:
    text = str(loader.construct_scalar(node))
    try:
        return int(text, 16) if text.startswith("0x") else int(text)
    except ValueError as error:
        raise _no(node, f"{_short(text)} is no whole number, or too long a one") from error


def _construct_float(loader: _Loader, node: yaml.ScalarNode) -> float:
    text = str(loader.construct_scalar(node))
    try:
        return float(text)
    except ValueError as error:
        raise _no(node, f"{_short(text)} is no number") from error


_Loader.add_constructor(f"{_TAG}bool", _construct_bool)
_Loader.add_constructor(_INT, _construct_int)
_Loader.add_constructor(f"{_TAG}float", _construct_float)


def _no(node: yaml.Node, why: str) -> yaml.constructor.ConstructorError:
    return yaml.constructor.ConstructorError(None, None, why, node.start_mark)


def _short(text: str) -> str:
    return repr(text if len(text) <= 40 else f"{text[:40]}...")  # noqa: PLR2004 - half a line


def _read(loader: _Loader) -> tuple[Any, dict[Place, int]]:
    node = loader.get_single_node()
    if node is None:
        return None, {}
    # first: construction replaces merge keys by their keys
    lines = list(islice(_lines(loader, node, ()), PARTS_MAX + 1))
    if len(lines) > PARTS_MAX:
        raise NoDocument("it has too many keys and items, or aliases of aliases make it so")
    return loader.construct_document(node), dict(lines)


def _lines(loader: _Loader, node: yaml.Node, place: Place) -> Iterator[tuple[Place, int]]:
    yield place, node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        yield from _lines_of_keys(loader, node, place)
    elif isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            yield from _lines(loader, item, (*place, index))
    else:
        _look_at(node, place)


def _lines_of_keys(
    loader: _Loader, node: yaml.MappingNode, place: Place
) -> Iterator[tuple[Place, int]]:
    seen: dict[str, int] = {}
    for key, value in sorted(node.value, key=lambda pair: pair[0].tag != _MERGE):
        line = key.start_mark.line + 1
        if key.tag == _MERGE:
            for merged in value.value if isinstance(value, yaml.SequenceNode) else [value]:
                yield from _lines(loader, merged, place)
            continue
        if not isinstance(key, yaml.ScalarNode):
            raise NoDocument("a key must be a word or a number", line)
        _look_at(key, place)
        name = str(_construct_int(loader, key)) if key.tag == _INT else key.value
        if name in seen:
            raise NoDocument(f"stands in line {seen[name]} too", line, (*place, name))
        seen[name] = line
        yield from _lines(loader, value, (*place, name))
        yield (*place, name), line


def _look_at(scalar: yaml.Node, place: Place) -> None:
    """What the reader refuses in the text, an escape may still have brought in."""
    if strange := _Loader.NON_PRINTABLE.search(scalar.value):
        line = scalar.start_mark.line + 1
        raise NoDocument(f"character {ord(strange[0]):#06x} cannot stand here", line, place)
