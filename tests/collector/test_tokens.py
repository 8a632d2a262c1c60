"""A token lets in whom it was given to, as what they are, until it is removed."""

from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from collector.api.tokens import Caller, NoSuchToken, NotATokenName, Role, TokenExists, Tokens

if TYPE_CHECKING:
    from pathlib import Path


def test_a_token_lets_in_whom_it_was_given_to(tmp_path: Path) -> None:
    tokens = Tokens(tmp_path)

    token = tokens.add("wall-screen", Role.VIEWER)

    assert tokens.authenticate(token) == Caller("wall-screen", Role.VIEWER)


@pytest.mark.parametrize("token", ["", "x", "Bearer", "\N{KHMER DIGIT ONE}"])
def test_another_token_lets_nobody_in(tmp_path: Path, token: str) -> None:
    tokens = Tokens(tmp_path)
    tokens.add("wall-screen", Role.VIEWER)

    assert tokens.authenticate(token) is None


def test_tokens_that_are_made_at_the_same_time_all_let_in(tmp_path: Path) -> None:
    names = [f"screen-{number}" for number in range(40)]

    with ThreadPoolExecutor(8) as pool:
        given = list(pool.map(lambda name: Tokens(tmp_path).add(name, Role.VIEWER), names))

    assert [Tokens(tmp_path).authenticate(token) for token in given] == [
        Caller(name, Role.VIEWER) for name in names
    ]


def test_this_machines_own_token_is_one_however_many_ask_for_it_first(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        found = set(pool.map(lambda _: Tokens(tmp_path).local(), range(40)))

    (token,) = found
    assert Tokens(tmp_path).authenticate(token) == Caller("local", Role.ADMIN)


def test_without_any_token_nobody_is_let_in(tmp_path: Path) -> None:
    assert Tokens(tmp_path).authenticate("anything") is None


def test_a_removed_token_is_worthless_at_once(tmp_path: Path) -> None:
    tokens = Tokens(tmp_path)
    token = tokens.add("wall-screen", Role.VIEWER)

    Tokens(tmp_path).remove("wall-screen")

    assert tokens.authenticate(token) is None
    with pytest.raises(NoSuchToken):
        tokens.remove("wall-screen")


def test_a_name_is_given_once(tmp_path: Path) -> None:
    tokens = Tokens(tmp_path)
    tokens.add("wall-screen", Role.VIEWER)

    with pytest.raises(TokenExists):
        tokens.add("wall-screen", Role.ADMIN)


@pytest.mark.parametrize("name", ["", "A B", "x" * 41, "a\nb"])
def test_a_name_that_a_log_line_could_not_carry_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(NotATokenName):
        Tokens(tmp_path).add(name, Role.VIEWER)


def test_the_file_holds_no_token_and_is_for_its_owner_alone(tmp_path: Path) -> None:
    token = Tokens(tmp_path).add("wall-screen", Role.VIEWER)

    file = tmp_path / "tokens.json"
    assert token not in file.read_text()
    assert file.stat().st_mode & 0o777 == 0o600


def test_the_local_token_stays_and_administers(tmp_path: Path) -> None:
    tokens = Tokens(tmp_path)

    token = tokens.local()

    assert tokens.local() == token
    assert tokens.authenticate(token) == Caller("local", Role.ADMIN)


def test_a_lost_local_token_is_replaced(tmp_path: Path) -> None:
    tokens = Tokens(tmp_path)
    lost = tokens.local()
    (tmp_path / "local.token").unlink()

    made = tokens.local()

    assert tokens.authenticate(lost) is None
    assert tokens.authenticate(made) == Caller("local", Role.ADMIN)


def test_each_role_includes_the_ones_before_it() -> None:
    included = {
        (mine, other) for mine, other in itertools.product(Role, Role) if mine.includes(other)
    }

    assert included == {
        (Role.VIEWER, Role.VIEWER),
        (Role.OPERATOR, Role.VIEWER),
        (Role.OPERATOR, Role.OPERATOR),
        (Role.ADMIN, Role.VIEWER),
        (Role.ADMIN, Role.OPERATOR),
        (Role.ADMIN, Role.ADMIN),
    }
