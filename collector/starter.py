"""A first collector.yaml with its rules and secrets; what exists is never overwritten."""

from __future__ import annotations

from typing import TYPE_CHECKING

from collector import config, private_files
from collector.api.tokens import Tokens
from collector.broker.agents import Register

if TYPE_CHECKING:
    from pathlib import Path


class AlreadyThere(Exception):
    """A file that would be written exists."""


def write(config_file: Path, data_dir: Path) -> list[Path]:
    """Write a configuration, rules beside it, and secrets in `data_dir`; what was written.

    Raises:
        AlreadyThere: if one of the files exists; nothing is written then.
    """
    config_file, data_dir = config_file.absolute(), data_dir.absolute()
    rules_file = config_file.with_name("rules.yaml")
    for path in (config_file, rules_file):
        if path.exists():
            raise AlreadyThere(f"{path} exists; nothing was written")
    config_file.parent.mkdir(parents=True, exist_ok=True)
    private_files.make_directory(data_dir)
    rules_file.write_text(config.STARTER_RULES, encoding="utf-8")
    config_file.write_text(
        config.STARTER.format(data_dir=data_dir, rules=rules_file), encoding="utf-8"
    )
    made = config.load(config_file)
    Register(made.broker_dir).collector_password()
    Tokens(data_dir).local()
    return [config_file, rules_file, data_dir]
