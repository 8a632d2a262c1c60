"""Promise: a support bundle tells what support needs, and no password, token or key."""

from __future__ import annotations

import base64
import json
import stat
import tarfile
from typing import TYPE_CHECKING

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from edge_agent.bundle.redaction import BLOT, SHORTEST, document, patterns, scrubbed, secrets
from edge_agent.cli import app
from edge_agent.vitals import status
from parts.certificates import certificate, make_authority

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from typer.testing import Result

WORD = 'Ch0\\"mật-khẩu/+ %7'
TOKENS = ("tok-4f5e6d7c8b9a", "hunter2-in-a-comment", "s3cr3t-in-a-url", "pasted-in-the-clear")
PARTS: dict[str, list[object]] = {"buses": [], "devices": []}
KNOWN = ("agent", "id", "uplink", "password_file", "label", "devices", "key", "host")


def edge_agent(*words: object) -> Result:
    result = CliRunner().invoke(app, [str(word) for word in words])
    if result.exception is not None:
        assert isinstance(result.exception, SystemExit), result.exception
    return result


def texts(file: Path) -> dict[str, str]:
    with tarfile.open(file) as archive:
        found = {}
        for entry in archive.getmembers():
            member = archive.extractfile(entry)
            assert member is not None
            found[entry.name.partition("/")[2]] = member.read().decode()
        return found


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A gateway with a secret in every place where one may be, or should not be."""
    make_authority(tmp_path)
    made, key = certificate(tmp_path, "gw-1")
    password = tmp_path / "uplink-password"
    password.write_text(WORD + "\n")
    password.chmod(0o600)
    key.chmod(0o600)
    status.write(tmp_path, {"agent": "gw-1", "at": 0, "clock": f"uses {WORD}"} | PARTS)
    path = tmp_path / "agent.yaml"
    path.write_text(f"""\
agent: {{id: gw-1}}    # password: {TOKENS[1]}
data_dir: {tmp_path}
# token {TOKENS[0]}
devices:
  - id: meter-1
    bus: cabinet
    profile: eastron-sdm120
    label: see mqtt://admin:{TOKENS[2]}@broker.example/x, token={TOKENS[0]}
buses:
  - {{id: cabinet, transport: modbus-tcp, host: 127.0.0.1, port: 1}}
uplink:
  port: 1
  username: gw-1
  password_file: {password}
  tls: {{ca: {tmp_path}/ca.crt, certificate: {made}, key: {key}}}
""")
    return path


def secrets_of(site: Path) -> list[str]:
    key = (site.parent / "gw-1.key").read_text().splitlines()
    return [WORD, *TOKENS, *(line for line in key if "-----" not in line)]


def assert_none(held: dict[str, str], secret: list[str]) -> None:
    for name, text in held.items():
        for each in secret:
            for spelled in (
                each,
                json.dumps(each)[1:-1],
                json.dumps(each, ensure_ascii=False)[1:-1],
            ):
                assert spelled not in text, name


def test_no_secret_of_a_prepared_site_is_in_any_member(site: Path, tmp_path: Path) -> None:
    file = tmp_path / "bundle.tar.gz"

    done = edge_agent("diag", "-c", site, "-o", file)

    assert done.exit_code == 0, done.output
    held = texts(file)
    assert_none(held, secrets_of(site))
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    told = yaml.safe_load(held["configuration.yaml"])
    shown = (told["uplink"]["password_file"], told["uplink"]["tls"]["key"])
    assert shown == (".../uplink-password", ".../gw-1.key")
    assert told["devices"][0]["profile"] == "eastron-sdm120"
    assert any(each["verdict"] == "FAIL" for each in json.loads(held["check.json"]))
    assert json.loads(held["plan.json"])["buses"][0]["id"] == "cabinet"
    assert json.loads(held["status.json"])["clock"] == f"uses {BLOT}"
    assert "kernel" in held["system.txt"]
    assert "eastron-sdm120" in held["profiles/eastron-sdm120.yaml"]


@pytest.mark.parametrize(
    ("broken", "says"),
    [
        ("uplink: {password: pasted-in-the-clear}", "password: '***'"),
        ("pasword: pasted-in-the-clear", "pasword: '***'"),
        ("uplink: {password_file: pasted-in-the-clear}", "password_file: '***'"),
        ("uplink: [pasted-in-the-clear: : x", "agent.yaml:2"),
        ("a: 1\na: pasted-in-the-clear", "stands in line"),
    ],
)
def test_a_wrong_configuration_is_told_without_what_stands_in_it(
    tmp_path: Path, broken: str, says: str
) -> None:
    path = tmp_path / "agent.yaml"
    path.write_text(f"agent: {{id: gw-1}}\n{broken}\n")
    file = tmp_path / "bundle.tar.gz"

    done = edge_agent("diag", "-c", path, "-o", file)

    assert done.exit_code == 0, done.output
    held = texts(file)
    assert_none(held, ["pasted-in-the-clear"])
    assert says in held["configuration.yaml"]


def test_it_says_what_it_holds_before_it_writes(site: Path, tmp_path: Path) -> None:
    file = tmp_path / "bundle.tar.gz"

    shown = edge_agent("diag", "-c", site, "-o", file, "--list", "--lang", "vi")
    listed = json.loads(edge_agent("diag", "-c", site, "--list", "--json").output)

    assert "configuration.yaml" in shown.output
    assert "không có bí mật" in shown.output
    assert max(map(len, shown.output.splitlines())) <= 80
    assert listed["file"] is None
    assert {"check.json", "status.json", "plan.json", "outbox.json"} <= set(listed["members"])
    assert not file.exists()


def test_a_file_that_exists_is_not_overwritten(site: Path, tmp_path: Path) -> None:
    file = tmp_path / "bundle.tar.gz"
    file.write_text("x")

    done = edge_agent("diag", "-c", site, "-o", file)

    assert done.exit_code == 2
    assert file.read_text() == "x"


# The core


SECRETS = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), min_size=SHORTEST)


@given(SECRETS, st.text(max_size=20), st.text(max_size=20))
def test_a_secret_is_found_however_it_is_escaped(secret: str, before: str, after: str) -> None:
    said = {"note": before + secret + after}
    written = (
        before + secret + after,
        json.dumps(said),
        json.dumps(said, ensure_ascii=False),
        yaml.safe_dump(said, width=10_000, allow_unicode=True, default_style="'"),
    )

    for text in written:
        left = scrubbed(text, [secret]).replace(BLOT, "")
        assert secret.strip() == "" or secret not in left or secret in BLOT


HIDDEN = ("password", "my_token", "passwort", "other", "password_file", "key")
SHAPES = st.recursive(
    st.none(),
    lambda inner: st.dictionaries(st.sampled_from([*KNOWN, *HIDDEN]), inner, min_size=1),
    max_leaves=12,
)


def filled(shape: object, path: tuple[str, ...] = ()) -> object:
    """Each leaf says where it is."""
    if isinstance(shape, dict):
        return {name: filled(part, (*path, name)) for name, part in shape.items()}
    return ">".join(path)


@given(SHAPES)
def test_only_what_is_known_and_no_secret_is_shown(shape: object) -> None:
    shown = list(leaves(document(filled(shape), KNOWN, lambda _: False)))

    for leaf in leaves(filled(shape)):
        path = leaf.split(">")
        is_hidden = path[-1] in HIDDEN or any(key not in KNOWN for key in path if key)
        assert (leaf in shown) is not is_hidden


def leaves(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        for part in value.values():
            yield from leaves(part)
    else:
        yield str(value)


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("mqtt://user:pass@broker:1883/x", "mqtt://***@broker:1883/x"),
        ("Authorization: Bearer abc.def", "Authorization: Bearer ***"),
        ('{"password": "x1"}', '{"password": "***"}'),
        ("uplink-password=x1, next", "uplink-password=***, next"),
        ("api_key: 99", "api_key: ***"),
        ("password_file: /etc/x", "password_file: /etc/x"),
        ("username, password or certificate", "username, password or certificate"),
        ("12:30:45 bus rs485: reopened", "12:30:45 bus rs485: reopened"),
    ],
)
def test_what_looks_like_a_secret_is_blotted_out(text: str, left: str) -> None:
    assert patterns(text) == left


def test_a_key_is_blotted_out_even_if_it_is_cut_off() -> None:
    body = base64.b64encode(bytes(90)).decode()

    assert body not in patterns(f"x -----BEGIN RSA PRIVATE KEY-----\n{body}\n")


def test_a_password_in_the_place_of_a_files_name_is_a_secret() -> None:
    said = {"uplink": {"password_file": "hunter2", "host": "u:hunter3@h"}}

    assert set(secrets(said, lambda _: False)) == {"hunter2", "hunter3"}
