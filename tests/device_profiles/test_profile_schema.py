"""Promise: the schema that editors use accepts what the loader accepts, and marks what it can."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

import device_profiles
from device_profiles import loader
from device_profiles.schema import json_schema
from telemetry import settings
from telemetry.settings import SettingsError

SCHEMA = json_schema()
VALIDATOR = Draft202012Validator(SCHEMA)

PROFILE: dict[str, Any] = {
    "schema": "device-profile/1",
    "id": "acme-meter",
    "revision": 1,
    "title": "Acme meter",
    "class": "electricity-meter",
    "measurement": "electricity_meter",
    "sources": [{"manual": "Acme manual"}],
    "groups": {"fast": {"interval": "5s"}, "first": {"interval": "once"}},
    "defaults": {"table": "holding", "type": "u16", "group": "fast"},
    "channels": [{"id": "power", "address": 0}],
    "examples": [
        {"table": "holding", "address": 0, "hex": "0001", "values": {"power": 1}, "source": "x"}
    ],
}
FIELDS: dict[str, Any] = {
    **PROFILE,
    "protocol": "ab3418",
    "defaults": {"type": "int", "group": "fast"},
    "channels": [{"id": "power", "field": "power"}],
    "examples": [{"hex": "7e", "values": {"power": 1}, "source": "x"}],
}


def as_json(document: Any) -> Any:  # noqa: ANN401 - YAML can be anything
    """A document as an editor sees it: keys are texts."""
    return json.loads(json.dumps(document))


def is_accepted(document: dict[str, Any]) -> bool:
    return bool(VALIDATOR.is_valid(as_json(document)))


def loads(document: dict[str, Any]) -> bool:
    try:
        loader.parse(yaml.safe_dump(document), "acme.yaml")
    except SettingsError:
        return False
    return True


def power(document: dict[str, Any], **more: Any) -> dict[str, Any]:  # noqa: ANN401 - its keys
    return {**document, "channels": [{**document["channels"][0], **more}]}


def test_it_is_a_schema() -> None:
    Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("path", loader.catalogue().values(), ids=loader.catalogue())
def test_the_catalogue_follows_it(path: Path) -> None:
    document, _ = settings.read_yaml(path.read_text(), path.name)

    assert [error.message for error in VALIDATOR.iter_errors(as_json(document))] == []


SPELLINGS = [
    {"deadband": 0.5},
    {"deadband": "1%"},
    {"deadband": " 2.5 %"},
    {"deadband": {"absolute": 1, "percent": 2}},
    {"tests": {"rate": 5, "flat": {"for": "10 min", "within": 0.1}, "spike": 3}},
    {"kind": "counter", "wrap": 4294967296},
    {"scale": 0.1, "offset": -40},
    {"flags": {0: "door_open"}},
    {"enum": {0: "off", 0xFFFF: "failed"}},
    {"nan": [0xFFFF], "nan_reasons": {210: "stuck_on"}},
    {"range": [0, 1.5]},
    {"verify": ["scale"], "label": "of all phases", "unit": "W"},
]


@pytest.mark.parametrize("document", [PROFILE, FIELDS], ids=["modbus", "fields"])
@pytest.mark.parametrize("more", SPELLINGS, ids=str)
def test_it_accepts_what_people_write(document: dict[str, Any], more: dict[str, Any]) -> None:
    assert loads(power(document, **more))
    assert is_accepted(power(document, **more))


@pytest.mark.parametrize(
    "more",
    [
        {"timing": {"response_timeout": "500ms", "turnaround": "0.2 s", "pause": 0}},
        {"identify": {"fc43": {"vendor": "Acme", "product": "EM.*"}}},
        {"identify": {"read": {"table": "input", "address": 9, "type": "u16", "equals": [7, 8]}}},
        {"limits": {"ranges": {"holding": [[0, 9], [100, 200]]}, "coherent": True}},
        {"serial": {"baud": [9600, 300], "parity": ["E"], "data_bits": 7, "stop_bits": 1}},
        {"commands": [{"id": "reset", "hex": "42", "danger": "irreversible"}]},
        {
            "channels": [
                {"id": "c{n}", "address": 0, "repeat": {"count": 3, "stride": 2}},
                {"id": "power", "address": 0},
            ]
        },
        {
            "channels": [
                {
                    "id": "power",
                    "address": 0,
                    "access": "rw",
                    "write": {"function": 6, "min": 0, "max": 9, "confirm": "readback"},
                }
            ]
        },
    ],
    ids=str,
)
def test_it_accepts_every_part(more: dict[str, Any]) -> None:
    assert loads(PROFILE | more)
    assert is_accepted(PROFILE | more)


@pytest.mark.parametrize(
    "document",
    [
        PROFILE | {"revison": 1},
        {key: value for key, value in PROFILE.items() if key != "sources"},
        PROFILE | {"groups": {"fast": {"interval": 5}}},
        PROFILE | {"groups": {"fast": {"interval": "5 parsecs"}}},
        PROFILE | {"protocol": "telepathy"},
        PROFILE | {"channels": []},
        FIELDS | {"unit": 1},
        power(PROFILE, adress=1),
        power(PROFILE, type="u17"),
        power(PROFILE, table="register"),
        power(PROFILE, unit="Watt"),
        power(PROFILE, deadband="a lot"),
        power(PROFILE, resets="no"),
        power(PROFILE, repeat={"count": 0}),
        power(PROFILE, field="power"),
        power(FIELDS, type="u16"),
        power(FIELDS, address=1),
    ],
    ids=lambda document: str(document)[-60:],
)
def test_it_marks_what_cannot_be_right(document: dict[str, Any]) -> None:
    assert not loads(document)
    assert not is_accepted(document)


def test_keys_and_units_are_explained_and_offered() -> None:
    keys = SCHEMA["$defs"]["RegisterChannel"]["properties"]

    assert "as sent on the wire" in keys["address"]["description"]
    assert "most significant" in keys["order"]["description"]
    assert "kWh" in keys["unit"]["enum"]


VALUES = st.one_of(
    st.none(),
    st.integers(-1, 70_000),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(["5s", "once", "1%", "kWh", "u16", "holding", "rw", "E", "counter"]),
    st.lists(st.integers(0, 9), max_size=2),
    st.dictionaries(st.sampled_from(["interval", "count", "rate", "for"]), st.just("5s")),
)
KEYS = sorted(SCHEMA["$defs"]["RegisterChannel"]["properties"])


@given(key=st.sampled_from(KEYS), value=VALUES)
def test_what_the_loader_accepts_the_schema_accepts(key: str, value: object) -> None:
    document = power(PROFILE, **{key: value})

    if loads(document):
        assert is_accepted(document)


def test_the_copy_that_editors_open_is_what_the_models_say_now() -> None:
    copy = Path(device_profiles.__file__).with_name("device-profile-1.schema.json")

    told = "`edge-agent profiles schema` writes device_profiles/device-profile-1.schema.json anew"
    assert json.loads(copy.read_text(encoding="utf-8")) == SCHEMA, told
