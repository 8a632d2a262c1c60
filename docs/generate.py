# ruff: noqa: INP001 - a script among pages, no package
"""Writes the pages that follow from the code: docs/commands.md, docs/devices.md.

python docs/generate.py            write them
python docs/generate.py --check    end with 1, naming the pages that are not up to date
"""

from __future__ import annotations

import math
import re
import sys
from collections import Counter
from enum import StrEnum
from itertools import starmap
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import typer

import collector.cli
import edge_agent.cli
import firmware_bridge.cli
from device_profiles import loader
from device_profiles.identify import Identify
from device_profiles.model import ModbusProfile

if TYPE_CHECKING:
    from collections.abc import Iterator

    from device_profiles.behaviour import Group
    from device_profiles.evidence import Source
    from device_profiles.model import AnyProfile

HERE = Path(__file__).parent

SHARED = 3
"""Commands from which on an option of theirs is told once for all."""

Leaf = tuple[tuple[str, ...], Any, str]
"""A command: its words, the command itself, and all that helps with it."""

PROGRAMS = {
    "edge-agent": edge_agent.cli.app,
    "collector": collector.cli.app,
    "firmware-bridge": firmware_bridge.cli.app,
}

ABOUT = {
    "edge-agent": """\
Runs on the gateway.
Without `--config` it takes `./agent.yaml`, else `/etc/city-telemetry/agent.yaml`.

| exit code | means |
| --- | --- |
| 0 | fine |
| 1 | something fails: a check, a device that is silent, no running agent |
| 2 | the command line, the configuration or a profile is wrong |""",
    "collector": """\
Runs on the server; the commands that ask also run elsewhere, with `--url` and `--token-file`.
Without `--config` it takes `$COLLECTOR_CONFIG`, else `./collector.yaml`, else \
`/etc/city-telemetry/collector.yaml`.

| exit code | means |
| --- | --- |
| 0 | done |
| 1 | it was tried and did not succeed; `check` found a FAIL |
| 2 | an option, a name or a file is wrong; nothing was tried |
| 3 | the collector or its store does not answer |""",
    "firmware-bridge": """\
Shows and makes the messages of microcontroller boards; see [board-link.md](board-link.md).

| exit code | means |
| --- | --- |
| 0 | every frame is a good message; the request is printed |
| 1 | something is damaged or malformed, or there is no frame at all |
| 2 | the command line is wrong, or a file cannot be read |""",
}

COMMANDS_HEAD = """\
# Commands

Written by `python docs/generate.py` from the programs themselves; change the code, not this page.
`--help` behind any command says the same, with more examples.
"""

DEVICES_HEAD = """\
# Devices

Written by `python docs/generate.py` from `device_profiles/catalogue`; change the profiles, not \
this page.
`edge-agent profiles show ID` lists a device's channels with their addresses and units.
A model that is not here is one YAML file more: see [add-a-device.md](add-a-device.md).

**Unverified** is what nobody has confirmed on a real device yet: compare with its display first.
Such a device has a `?` in the table, and such a channel one behind its name.
A *template* is for PLCs and loggers, whose register map is made on site: copy it and set the \
addresses.
"""


def commands() -> str:
    """docs/commands.md."""
    parts = [COMMANDS_HEAD]
    for program, app in PROGRAMS.items():
        leaves = list(_leaves(typer.main.get_command(app), (program,), ""))
        parts.append(f"## {program}\n\n{ABOUT[program]}\n\n{_overview(leaves)}\n")
        parts.append(_options_of(leaves))
    return "\n".join(parts)


def devices() -> str:
    """docs/devices.md."""
    profiles = [loader.load(path) for path in loader.catalogue().values()]
    head = "| id | device | class | measurement | channels | protocol |"
    rows = [
        f"| [{p.id}](#{p.id}){_mark(p.unverified)} | {p.title} | {p.device_class} "
        f"| `{p.measurement}` "
        f"| {len(p.channels)} | {p.protocol} |"
        for p in profiles
    ]
    table = "\n".join([head, "| --- | --- | --- | --- | --- | --- |", *rows])
    return "\n".join([DEVICES_HEAD, table, "", *map(_device, profiles)])


PAGES = {"commands.md": commands, "devices.md": devices}


def _leaves(
    command: Any,  # noqa: ANN401 - typer's own copy of click has no public types
    words: tuple[str, ...],
    said_above: str,
) -> Iterator[Leaf]:
    """Every command with its words, and all that helps with it."""
    said = f"{command.help or ''}\n{command.epilog or ''}\n{said_above}"
    if not hasattr(command, "commands"):
        yield words, command, said
        return
    for name, child in command.commands.items():
        yield from _leaves(child, (*words, name), said)


def _overview(leaves: list[Leaf]) -> str:
    rows = [
        f"| `{' '.join(words[1:])}` | {_first_sentence(command.help)} "
        f"| `{_example(' '.join(words), said)}` |"
        for words, command, said in leaves
    ]
    return "\n".join(["| command | does | example |", "| --- | --- | --- |", *rows])


def _first_sentence(text: str) -> str:
    return " ".join(text.partition("\n\n")[0].split()).replace("|", "\\|")


def _example(words: str, said: str) -> str:
    """The first line that uses the command, without the remark behind it."""
    found = re.search(rf"(?:^ *|: )({re.escape(words)}(?: .*)?)$", said, re.MULTILINE)
    if found is None:
        raise ValueError(f"`{words} --help` has no example")
    return re.split(r"\s{2,}", found[1])[0].replace("|", "\\|")


def _params(command: Any) -> list[Any]:  # noqa: ANN401 - as in _leaves
    return [p for p in command.params if not p.hidden]


def _options_of(leaves: list[Leaf]) -> str:
    """What each command takes; options that several share are told once."""
    rows = [(words, _row(p)) for words, command, _ in leaves for p in _params(command)]
    times = Counter(row for _, row in rows)
    shared = [row for row, count in times.items() if count >= SHARED]
    sections = [("Options that several commands share", shared)] if shared else []
    for words, _, _ in leaves:
        own = [row for whose, row in rows if whose == words and row not in shared]
        sections += [(" ".join(words), own)] if own else []
    return "\n".join(
        "\n".join([f"### {head}", "", "| option | means |", "| --- | --- |", *body, ""])
        for head, body in sections
    )


def _row(param: Any) -> str:  # noqa: ANN401 - as in _leaves
    return f"| {_spelled(param)} | {_meaning(param)} |"


def _spelled(param: Any) -> str:  # noqa: ANN401 - as in _leaves
    if param.opts[0].startswith("-"):
        return ", ".join(f"`{name}`" for name in param.opts)
    return f"`{(param.metavar or param.name.upper()).strip('[].')}`"


def _meaning(param: Any) -> str:  # noqa: ANN401 - as in _leaves
    if not param.help:
        raise ValueError(f"{param.name} is not explained in --help")
    default = param.show_default if isinstance(param.show_default, str) else param.default
    told = isinstance(default, str | int | Path) and not isinstance(default, bool) and default != ""
    words = [param.help.replace("|", "\\|")]
    if choices := _choices(param.type_descriptor.annotation):
        words.append(f"One of {', '.join(f'`{choice}`' for choice in choices)}.")
    if told:
        words.append(f"Default: {default}.")
    return " ".join(words)


def _choices(annotation: Any) -> list[str]:  # noqa: ANN401 - a type, or a union of types
    if isinstance(annotation, type) and issubclass(annotation, StrEnum):
        return list(annotation)
    return [choice for part in get_args(annotation) for choice in _choices(part)]


def _device(profile: AnyProfile) -> str:
    channels = ", ".join(f"`{channel.id}`{_mark(channel.verify)}" for channel in profile.channels)
    lines = [
        f"## {profile.id}\n",
        f"{profile.title}.\n",
        *(f"- **unverified**: {fact}" for fact in profile.unverified),
        f"- channels: {channels}",
        f"- read: {', '.join(starmap(_interval, profile.groups.items()))}",
        f"- factory setting: {_setting(profile)}",
        f"- recognised by: {', '.join(_recognised(profile)) or 'nothing: say what it is'}",
        f"- sources: {'; '.join(map(_source, profile.sources))}",
        *(f"- declared, never executed: write `{c.id}`" for c in profile.channels if c.write),
        *(f"- declared, never executed: `{c.id}` ({c.danger})" for c in profile.commands),
        *(f"- note: {quirk}" for quirk in profile.quirks),
    ]
    return "\n".join([*lines, ""])


def _mark(unverified: tuple[str, ...]) -> str:
    return " ?" if unverified else ""


def _interval(name: str, group: Group) -> str:
    return f"{name} once" if math.isinf(group.interval) else f"{name} every {group.interval:g} s"


def _setting(profile: AnyProfile) -> str:
    address = f"unit {profile.unit}" if isinstance(profile, ModbusProfile) else profile.address
    line = profile.serial
    port = f"{line.baud[0]} {line.data_bits}{line.parity[0]}{line.stop_bits}"
    return f"address `{address}`, {port}" if address else port


def _recognised(profile: AnyProfile) -> Iterator[str]:
    identify = profile.identify
    if isinstance(profile, ModbusProfile) and profile.addressing is not None:
        yield f"SunSpec model {profile.addressing.sunspec}, from whose ID register addresses count"
    if isinstance(identify, Identify) and identify.fc43 is not None:
        yield "function 43/14"
    if isinstance(identify, Identify) and identify.read is not None:
        yield f"{identify.read.table} register {identify.read.address}"
    if identify is not None and identify.probe:
        yield f"credible values of {', '.join(f'`{name}`' for name in identify.probe)}"


def _source(source: Source) -> str:
    return ", ".join(
        f"{key}: {value}" for key, value in source.model_dump(exclude_defaults=True).items()
    )


def main(arguments: list[str]) -> int:
    """Write the pages, or tell which are out of date."""
    written = {HERE / name: make() for name, make in PAGES.items()}
    if arguments == ["--check"]:
        stale = [path.name for path, text in written.items() if path.read_text("utf-8") != text]
        for name in stale:
            print(f"docs/{name} is not up to date: python docs/generate.py", file=sys.stderr)  # noqa: T201 - a command speaks to people
        return 1 if stale else 0
    for path, text in written.items():
        path.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
