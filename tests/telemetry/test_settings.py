"""Promise: what is wrong in a file is told by file, line and field, in words that mend it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field

from telemetry.quantities import Seconds
from telemetry.settings import Settings, SettingsError, load, parse, read_secret, read_yaml, spell

BILLION = "values:\n- &a0 [1]\n" + "".join(
    f"- &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 10)
)
"""Ten aliases of ten aliases, and so on: 500 characters are a billion items."""


class Serial(Settings):
    """One kind of bus."""

    kind: Literal["serial"]
    port: str
    baud: int = Field(9600, le=115_200)


class Tcp(Settings):
    """Another kind of bus."""

    kind: Literal["tcp"]
    host: str


class Device(Settings):
    """A device on a bus."""

    unit: int = Field(ge=1, le=247)
    label: str = ""


class Uplink(Settings):
    """Where messages go."""

    host: str = "localhost"
    retry: Seconds = 10


class Agent(Settings):
    """The whole file."""

    name: str = "gw"
    uplink: Uplink = Uplink()
    devices: tuple[Device, ...] = ()
    buses: dict[str, Annotated[Serial | Tcp, Field(discriminator="kind")]] = Field(
        default_factory=dict
    )
    spare: Serial | Tcp | None = None
    by_number: dict[int, Device] = Field(default_factory=dict)
    enabled: bool = True
    values: tuple[object, ...] = ()
    pair: tuple[int, int] = (0, 0)


def problems(text: str) -> list[str]:
    """What is said of a file."""
    with pytest.raises(SettingsError) as refused:
        parse(text, Agent, "agent.yaml")
    assert str(refused.value) == "\n".join(refused.value.problems)
    return refused.value.problems


def value(text: str) -> object:
    """What YAML `text` means."""
    return read_yaml(f"a: {text}", "x")[0]["a"]


def test_a_good_file_is_its_model() -> None:
    agent = parse("name: gw-1\ndevices:\n  - unit: 1\n    label: Tủ 1\n", Agent, "agent.yaml")

    assert agent == Agent(name="gw-1", devices=(Device(unit=1, label="Tủ 1"),))


@pytest.mark.parametrize("text", ["", "# nothing\n", "---\n", "~\n"])
def test_an_empty_file_is_all_defaults(text: str) -> None:
    assert parse(text, Agent, "agent.yaml") == Agent()


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            "name: a\ndevices:\n  - unit: 1\n  - label: x\n    unit: 300\n",
            "agent.yaml:5: devices[1].unit — should be less than or equal to 247",
        ),
        ("\nuplnk: {}\n", "agent.yaml:2: uplnk — no such key here; did you mean 'uplink'?"),
        (
            "uplink:\n  hots: a\n  retry: 5s\n",
            "agent.yaml:2: uplink.hots — no such key here; did you mean 'host'?",
        ),
        (
            "devices:\n- unit: 1\n  zzz: 5s\n",
            "agent.yaml:3: devices[0].zzz — no such key here; known are label",
        ),
        (
            "uplink: {retry: 5}\n",
            (
                "agent.yaml:1: uplink.retry — should be a duration such as 10s, 5min or 400d;"
                " 5 has no unit"
            ),
        ),
        ("devices:\n- label: x\n", "agent.yaml:2: devices[0].unit — is missing"),
        ("name: [1]\n", "agent.yaml:1: name — should be a valid string"),
        (
            "by_number:\n  7:\n    unit: 0\n",
            "agent.yaml:3: by_number.7.unit — should be greater than or equal to 1",
        ),
        (
            "by_number:\n  7:\n    unti: 1\n    unit: 1\n",
            "agent.yaml:3: by_number.7.unti — no such key here; known are label",
        ),
        (
            "buses:\n  a:\n    kind: serial\n    port: /dev/ttyS0\n    baud: 999999\n",
            "agent.yaml:5: buses.a.baud — should be less than or equal to 115200",
        ),
        (
            "buses:\n  a:\n    kind: tcp\n",
            "agent.yaml:2: buses.a.host — is missing",
        ),
        (
            "name: a\nname: b\n",
            "agent.yaml:2: name — stands in line 1 too",
        ),
        (
            "uplink:\n  host: a\n  retry: 1s\n  host: b\n",
            "agent.yaml:4: uplink.host — stands in line 2 too",
        ),
        (
            "name: a\nenabled: maybe\n",
            "agent.yaml:2: enabled — should be a valid boolean, unable to interpret input",
        ),
        ("name: a: b\n", "agent.yaml:1: mapping values are not allowed here"),
        ("name: a\n---\nname: b\n", "agent.yaml:2: but found another document"),
        ("name: *other\n", "agent.yaml:1: found undefined alias 'other'"),
        ("name: 'open\n", "agent.yaml:2: found unexpected end of stream"),
        ("[a]: 1\n", "agent.yaml:1: a key must be a word or a number"),
        ("- 1\n", "agent.yaml:1: the file — should be keys with values"),
        ("name: !!timestamp x\n", "agent.yaml:1: could not determine a constructor for the tag"),
        ("name: !!python/object:os.system x\n", "agent.yaml:1: could not determine a constructor"),
        ("enabled: !!bool x\n", "agent.yaml:1: 'x' is neither true nor false"),
        ("name: !!int x\n", "agent.yaml:1: 'x' is no whole number"),
        ("name: !!float x\n", "agent.yaml:1: 'x' is no number"),
        ("\nname: \0\n", "agent.yaml:2: character 0x0000 cannot stand here"),
        ('name: "\\e[2J"\n', "agent.yaml:1: name — character 0x001b cannot stand here"),
        ('name: "\\ud800"\n', "agent.yaml:1: name — character 0xd800 cannot stand here"),
        ('"\\a": 1\n', "agent.yaml:1: character 0x0007 cannot stand here"),
        ("values: &x [*x]\n", "agent.yaml: nested too deep, or an alias stands for itself"),
        ("values: " + "[" * 5_000, "agent.yaml: nested too deep"),
        (BILLION, "agent.yaml: it has too many keys and items, or aliases of aliases"),
        (
            "name: " + "9" * 5_000,
            "agent.yaml:1: '9999999999999999999999999999999999999999...' is no",
        ),
        ("by_number: {1: {unit: 1}, 0x1: {unit: 2}}\n", "agent.yaml:1: by_number.1 — stands in"),
        ("by_number: {1: {unit: 1},\n 01: {unit: 2}}\n", "agent.yaml:2: by_number.1 — stands in"),
        ("by_number:\n  0x1: {unit: 0}\n", "agent.yaml:2: by_number.1.unit — should be greater"),
        (
            "devices: [{unit: true}]\n",
            "agent.yaml:1: devices[0] — unit should be a number, not true",
        ),
        ("pair: [1, 2, 3]\n", "agent.yaml:1: pair — should have at most 2 items"),
        ("<<: {zzz: 1}\nname: a\n", "agent.yaml:1: zzz — no such key here"),
    ],
)
def test_the_message_has_file_line_field_and_reason(text: str, problem: str) -> None:
    [told] = problems(text)

    assert told.startswith(problem)
    assert told == problem or not problem.endswith(("?", "missing", "label", "retry", "unit"))


def test_off_is_a_word_where_words_stand_and_false_where_a_switch_is() -> None:
    agent = parse("name: off\nenabled: off\n", Agent, "agent.yaml")

    assert agent.name == "off"
    assert agent.enabled is False


def test_every_error_is_told_at_once() -> None:
    told = problems("nmae: a\ndevices:\n  - unit: 0\n  - unit: 248\n")

    assert [line.split(" — ")[0] for line in told] == [
        "agent.yaml:3: devices[0].unit",
        "agent.yaml:4: devices[1].unit",
        "agent.yaml:1: nmae",
    ]


class Bundle(Settings):
    """A list that may not be empty, and a path."""

    devices: Annotated[tuple[Device, ...], Field(min_length=1)]
    folder: Path | None = None


def test_a_wrong_item_does_not_make_its_list_too_short_as_well() -> None:
    with pytest.raises(SettingsError) as refused:
        parse("devices: [{unit: 0}]\n", Bundle, "a.yaml")

    assert refused.value.problems == [
        "a.yaml:1: devices[0].unit — should be greater than or equal to 1"
    ]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("devices: []", "devices — should have at least 1 item"),
        ("devices: {}", "devices — should be a list"),
        ("devices: [x]", "devices[0] — should be keys with values"),
        ("devices: [{unit: 1}]\nfolder: 5", "folder — should be a path"),
    ],
)
def test_a_reason_is_told_in_the_words_of_yaml_and_not_of_python(text: str, told: str) -> None:
    with pytest.raises(SettingsError) as refused:
        parse(text, Bundle, "a.yaml")

    assert [problem.split(": ", 1)[1] for problem in refused.value.problems] == [told]


def test_an_error_in_a_plain_union_is_placed_at_its_key() -> None:
    told = problems("name: a\nspare:\n  kind: serial\n  port: p\n  baud: 999999\n")

    assert "agent.yaml:5: spare.baud — should be less than or equal to 115200" in told


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("true", True),
        ("false", False),
        ("yes", "yes"),
        ("off", "off"),
        ("True", "True"),
        ("null", None),
        ("~", None),
        ("", None),
        ("12:30", "12:30"),
        ("1:30:00", "1:30:00"),
        ("2026-01-31", "2026-01-31"),
        ("1_000", "1_000"),
        ("0x1F", 31),
        ("010", 10),
        ("+7", 7),
        ("-7", -7),
        ("1.5", 1.5),
        (".5", 0.5),
        ("1e3", 1000.0),
        ("1e", "1e"),
        (".", "."),
        ("-", [None]),
        (".inf", ".inf"),
        (".nan", ".nan"),
        ("'1'", "1"),
        ("!!str 5", "5"),
        ("!!bool true", True),
        ("1.2.3", "1.2.3"),
        ("=", "="),
    ],
)
def test_yaml_means_what_a_person_means(text: str, expected: object) -> None:
    got = value(text) if text != "-" else read_yaml("a:\n  -", "x")[0]["a"]

    assert got == expected
    assert type(got) is type(expected)


def test_merge_keys_are_merged_and_their_lines_known() -> None:
    text = "uplink: &up\n  host: a\n  retry: 1s\nspare:\n  <<: *up\n  host: b\n"

    document, lines = read_yaml(text, "x")

    assert document["spare"] == {"host": "b", "retry": "1s"}
    assert lines[("spare",)] == 4
    assert lines[("spare", "host")] == 6
    assert lines[("spare", "retry")] == 3


def test_lines_of_keys_and_items_are_known() -> None:
    _, lines = read_yaml("a:\n  - 1\n  - b: 2\n\nc: 3\n", "x")

    assert lines[("a",)] == 1
    assert lines[("a", 0)] == 2
    assert lines[("a", 1, "b")] == 3
    assert lines[("c",)] == 5


@given(st.text(max_size=60))
def test_any_text_is_a_model_or_told(text: str) -> None:
    try:
        parse(text, Agent, "agent.yaml")
    except SettingsError as error:
        told = error.problems
    else:
        return
    assert told
    assert all(line.startswith("agent.yaml:") for line in told)


words = st.sampled_from(
    ["name", "uplink", "uplnk", "devices", "unit", "by_number", "spare", "kind"]
)
documents = st.recursive(
    st.one_of(words, st.sampled_from(["1", "7", "true", "tcp", "serial", "~", "1.5", "5s"])),
    lambda inner: st.one_of(
        st.lists(inner, max_size=2).map(lambda parts: f"[{', '.join(parts)}]"),
        st.dictionaries(st.one_of(words, st.just("7")), inner, max_size=3).map(
            lambda parts: "{" + ", ".join(f"{k}: {v}" for k, v in parts.items()) + "}"
        ),
    ),
    max_leaves=8,
)


@given(documents)
def test_any_document_is_a_model_or_told_with_its_line(text: str) -> None:
    try:
        parse(text, Agent, "agent.yaml")
    except SettingsError as error:
        told = error.problems
    else:
        return
    assert all(line.startswith("agent.yaml:1: ") for line in told)


def test_a_file_is_read_by_its_path(tmp_path: Path) -> None:
    path = tmp_path / "agent.yaml"
    path.write_text("name: Trạm-1\n", encoding="utf-8")

    assert load(path, Agent).name == "Trạm-1"


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    path = tmp_path / "agent.yaml"

    with pytest.raises(SettingsError) as refused:
        load(path, Agent)

    assert refused.value.problems == [f"{path}: No such file or directory"]


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="Is a directory"):
        load(tmp_path, Agent)


def test_a_file_that_is_not_utf_8_is_told(tmp_path: Path) -> None:
    path = tmp_path / "agent.yaml"
    path.write_bytes("name: Trạm".encode("cp1258", "replace") + b"\xff")

    with pytest.raises(SettingsError) as refused:
        load(path, Agent)

    assert refused.value.problems == [f"{path}: is not UTF-8"]


def test_an_error_names_the_path_of_its_file(tmp_path: Path) -> None:
    path = tmp_path / "agent.yaml"
    path.write_text("nmae: a\n", encoding="utf-8")

    with pytest.raises(SettingsError) as refused:
        load(path, Agent)

    assert refused.value.problems == [f"{path}:1: nmae — no such key here; did you mean 'name'?"]


@pytest.mark.parametrize(
    ("place", "text"),
    [((), "the file"), (("a",), "a"), (("devices", 3, "unit"), "devices[3].unit")],
)
def test_a_place_is_spelt_as_people_write_it(place: tuple[str | int, ...], text: str) -> None:
    assert spell(place) == text


def test_a_secret_is_the_text_of_its_file(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text(" s3cret\n")
    path.chmod(0o640)

    assert read_secret(path) == "s3cret"


@pytest.mark.parametrize("mode", [0o604, 0o602, 0o644])
def test_a_secret_that_others_may_read_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "token"
    path.write_text("s3cret")
    path.chmod(mode)

    with pytest.raises(SettingsError) as refused:
        read_secret(path)

    assert refused.value.problems == [f"{path}: others may read this secret; chmod 600 {path}"]
    assert "s3cret" not in str(refused.value)


def test_a_secret_that_is_missing_or_no_text_is_told(tmp_path: Path) -> None:
    path = tmp_path / "token"

    with pytest.raises(SettingsError, match="No such file"):
        read_secret(path)
    path.touch(0o600)
    path.write_bytes(b"\xff")
    with pytest.raises(SettingsError, match="is not UTF-8"):
        read_secret(path)


def test_a_bare_name_is_looked_up_among_systemd_s_credentials(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    credential = tmp_path / "token"
    credential.touch(0o400)
    credential.chmod(0o600)
    credential.write_text("from systemd")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))

    assert read_secret(type(tmp_path)("token")) == "from systemd"


def test_a_file_of_another_kind_is_told_the_keys_of_this_one() -> None:
    class Watch(Settings):
        agent: str = ""

    class Rules(Settings):
        schema_: str = ""
        rules: tuple[Watch, ...] = ()

    with pytest.raises(SettingsError) as error:
        parse("agent: gw-1\ndata_dir: /d\n", Rules, "agent.yaml")

    assert error.value.problems == [
        "agent.yaml:1: agent — no such key here; known are rules, schema_",
        "agent.yaml:2: data_dir — no such key here; known are rules, schema_",
    ]
