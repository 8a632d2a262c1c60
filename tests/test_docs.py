"""What the pages for users promise: every key is explained, no link is broken, nothing is stale."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import pytest
import typer
from pydantic import BaseModel
from typer.core import TyperGroup

import collector.cli
import edge_agent.cli
import firmware_bridge.cli
from collector.alarms.rules import RuleBook
from collector.config import CollectorConfig
from collector.live import Counters
from edge_agent.config import AgentConfig
from edge_agent.simulate.scenario import Scenario
from edge_agent.vitals.vitals import MODELS
from telemetry import sample, settings

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
GENERATE = DOCS / "generate.py"
PAGES = sorted(
    path
    for path in ROOT.rglob("*.md")
    if not {part for part in path.relative_to(ROOT).parts[:-1] if part.startswith(".")}
    and path.relative_to(ROOT).parts[0] not in ("var", "dist")
)
FILES: dict[str, type[BaseModel]] = {
    "agent.yaml": AgentConfig,
    "collector.yaml": CollectorConfig,
    "rules.yaml": RuleBook,
}
APPS = {
    "edge-agent": edge_agent.cli.app,
    "collector": collector.cli.app,
    "firmware-bridge": firmware_bridge.cli.app,
}


def models_in(annotation: object) -> Iterator[type[BaseModel]]:
    """The models that a field's type is made of."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from models_in(part)


def keys_of(model: type[BaseModel], above: str = "") -> Iterator[str]:
    """Every key that a file may have, as `buses[].port`; a part is told by its keys."""
    for name, field in model.model_fields.items():
        key = above + (field.alias or name)
        parts = list(models_in(field.annotation))
        yield key
        many = "[]." if "tuple" in str(field.annotation) else "."
        for part in parts:
            yield from keys_of(part, key + many)


def explained(file: str) -> set[str]:
    """The keys in the first column of a file's part of docs/configuration.md."""
    text = (DOCS / "configuration.md").read_text()
    section = re.split(r"^## ", text, flags=re.MULTILINE)
    part = next(part for part in section if part.startswith(file))
    return set(re.findall(r"^\| `([^`]+)` \|", part, re.MULTILINE))


def anchors(page: Path) -> set[str]:
    """The anchors that a page's headings get."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def words_of(app: typer.Typer) -> set[str]:
    """The first words that a program knows."""
    group = typer.main.get_command(app)
    assert isinstance(group, TyperGroup)
    return set(group.commands)


def blocks_of(page: str) -> list[str]:
    """The YAML in a page."""
    return re.findall(r"^```yaml\n(.*?)^```", (DOCS / page).read_text(), re.MULTILINE | re.DOTALL)


def model_of(block: str) -> tuple[type[BaseModel], str]:
    """What a block is a part of, and the block made whole."""
    match re.findall(r"^([a-z]+):(?: (\S+))?", block, re.MULTILINE)[0]:
        case ("schema", "simulation/1"):
            return Scenario, block
        case ("schema", _):
            return RuleBook, block
        case ("agent", _):
            return AgentConfig, block
        case ("buses" | "uplink", _):
            return AgentConfig, f"agent: {{id: gw-1}}\n{block}"
        case _:
            return CollectorConfig, f"data_dir: data\n{block}"


@pytest.mark.parametrize("page", ["alarms.md", "configuration.md", "first-site.md", "operating.md"])
def test_the_yaml_in_a_page_loads_as_it_stands(page: str) -> None:
    blocks = blocks_of(page)

    for block in blocks:
        model, whole = model_of(block)
        settings.parse(whole, model, page)
    assert blocks


@pytest.mark.parametrize("file", FILES)
def test_every_key_of_a_configuration_is_explained_and_no_other(file: str) -> None:
    assert explained(file) == set(keys_of(FILES[file]))


def test_the_generated_pages_are_what_the_code_says_now() -> None:
    done = subprocess.run(
        [sys.executable, GENERATE, "--check"], capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr


def test_every_counter_and_vital_is_in_the_operating_guide() -> None:
    guide = (DOCS / "operating.md").read_text()

    counters = {f"collector_{field.name}_total" for field in fields(Counters)}
    vitals = {name for model in MODELS.values() for name in model.channels}

    assert {name for name in counters | vitals if f"`{name}`" not in guide} == set()


def test_every_flag_that_our_own_code_gives_is_in_the_apis_guide() -> None:
    guide = (DOCS / "api.md").read_text()
    flags = [flag for flag in vars(sample).values() if isinstance(flag, sample.Flag)]

    assert flags
    assert {flag.reason for flag in flags if f"`{flag.reason}`" not in guide} == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_page_names_only_commands_that_exist(page: Path) -> None:
    code = "\n".join(re.findall(r"^    .*|`[^`\n]+`", page.read_text(), re.MULTILINE))
    for program, app in APPS.items():
        named = set(re.findall(rf"(?:^|[\s`/;&|]){program} ([a-z]+(?:-[a-z]+)*)(?![\w:-])", code))
        assert named <= words_of(app), program
