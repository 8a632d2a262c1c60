"""A configuration's text: a new one with a comment at each choice, or buses and devices added.

What is added is put behind the last entry of its list; every other line stays as people wrote it.
The result is read again, and must say what was said before and the new entries, and nothing else.
"""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

import yaml

from telemetry.settings import SettingsError, read_yaml

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

Entry = dict[str, object]
"""A bus or a device, by the keys that the configuration has."""

NUMBERS = frozenset({"unit", "baud", "data_bits", "stop_bits"})
"""Keys whose values are whole numbers, wherever they stand."""

TEMPLATE = """\
# An edge agent's configuration. `edge-agent check` says what is wrong with it.

agent:
  id: {id}    # a-z, 0-9 and -; the broker's access list binds to it
{site}
  # position: [10.7769, 106.7009]   # WGS 84 latitude, longitude

# What must outlive the process: the outbox, the last state. On a lasting disk.
data_dir: {data_dir}

# Profiles of your own; they stand before those of `edge-agent profiles list`.
# profiles_dir: /etc/city-telemetry/profiles

# A serial line, or a device or gateway in the network. `edge-agent ports` shows
# the names under /dev/serial that stay when cables move; `edge-agent scan` finds
# what is on it. Other transports: modbus-ascii, modbus-udp, modbus-tls,
# modbus-rtu-over-tcp, serial, serial-over-tcp.
buses:{buses}
# One device each; `edge-agent add` writes more. Besides what is there:
#   interval: 10s             # instead of what the profile says
#   label: Feeder pillar, incoming
devices:{devices}
uplink:
  host: {broker}
{security}
# The defaults, for a site with ten devices:
# outbox: {{max_size: 2GB, linger: 1s}}  # oldest goes first when it is full
# clock: {{source: kernel}}              # trusted: the host vouches for its time
# vitals: {{interval: 60s}}              # the gateway's own samples; 0 is never
"""

LOCAL = """\
  # `edge-agent enroll` writes what follows, from the collector's bundle:
  # username: {id}
  # password_file: /etc/city-telemetry/password
  # tls: {{ca: /etc/city-telemetry/ca.pem}}    # needed off this machine
"""

REMOTE = """\
  # Off this machine the broker is spoken to with TLS; `edge-agent enroll`
  # writes what fits.
  tls:
    ca: /etc/city-telemetry/ca.pem
    certificate: /etc/city-telemetry/agent.pem    # its name is the agent's id
    key: /etc/city-telemetry/agent.key
  # username: {id}
  # password_file: /etc/city-telemetry/password
"""


class NotUnderstood(ValueError):
    """The words describe no bus and no device."""


class NotEditable(Exception):
    """The file is written in a way that cannot be added to without changing other lines."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What a new configuration says."""

    agent: str
    site: str
    broker: str
    data_dir: Path
    buses: Sequence[Entry] = ()
    devices: Sequence[Entry] = ()


def entry(words: str) -> Entry:
    """The keys and values in `id=meter-1 unit=1 label="Feeder pillar"`.

    Raises:
        NotUnderstood: if a word is not such a pair, or a key stands twice.
    """
    made: Entry = {}
    try:
        parts = shlex.split(words)
    except ValueError as error:
        raise NotUnderstood(f"{words!r}: {error}") from error
    for part in parts:
        key, equals, value = part.partition("=")
        if not (key and equals and value) or key in made:
            raise NotUnderstood(f"{part!r} in {words!r} should be KEY=VALUE, each key once")
        is_number = key in NUMBERS or (key == "port" and value.isdecimal())
        made[key] = int(value) if is_number and value.isdecimal() else value
    if not made:
        raise NotUnderstood("there is no KEY=VALUE")
    return made


def bus(given: Mapping[str, object], taken: Sequence[str], *, modbus: bool = True) -> Entry:
    """A bus with its id and transport: those that were given, or what goes without saying."""
    in_network = "host" in given
    usual = (
        ("modbus-tcp" if in_network else "modbus-rtu")
        if modbus
        else ("serial-over-tcp" if in_network else "serial")
    )
    name = _free("cabinet" if in_network else "rs485", taken)
    return {"id": name, "transport": usual} | dict(given)


def _free(name: str, taken: Sequence[str]) -> str:
    number, free = 1, name
    while free in taken:
        number += 1
        free = f"{name}-{number}"
    return free


def text(draft: Draft) -> str:
    """The whole file."""
    is_local = draft.broker in ("127.0.0.1", "localhost", "::1")
    return TEMPLATE.format(
        id=spelled(draft.agent),
        site=f"  site: {spelled(draft.site)}" if draft.site else "  # site: market-hall",
        data_dir=spelled(str(draft.data_dir)),
        buses=_list(draft.buses),
        devices=_list(draft.devices),
        broker=spelled(draft.broker),
        security=(LOCAL if is_local else REMOTE).format(id=draft.agent),
    )


def _list(entries: Sequence[Entry]) -> str:
    return "\n" + "".join(_item(each, "  ") for each in entries) if entries else " []\n"


def _item(made: Entry, indent: str) -> str:
    lines = [f"{key}: {spelled(value)}" for key, value in made.items()]
    return "".join(
        f"{indent}{'- ' if number == 0 else '  '}{line}\n" for number, line in enumerate(lines)
    )


def spelled(value: object) -> str:
    """A value as YAML, in quotes only where it would be read as something else."""
    if not isinstance(value, str):
        return json.dumps(value)
    quoted = yaml.safe_dump(value, default_style='"', width=10**9, allow_unicode=True).rstrip("\n")
    try:
        plain, _ = read_yaml(f"key: {value}\n", "")
    except SettingsError:
        return quoted
    return value if plain == {"key": value} and "#" not in value else quoted


def added(before: str, part: str, entries: Sequence[Entry]) -> str:
    """The configuration `before` with more `buses` or `devices`.

    Raises:
        NotEditable: if that cannot be done without touching other lines.
        SettingsError: if it is no YAML.
    """
    document, _ = read_yaml(before, "the configuration")
    after = _inserted(before, part, entries)
    wanted = {**(document or {}), part: [*((document or {}).get(part) or []), *entries]}
    if read_yaml(after, "the configuration")[0] != wanted:
        raise NotEditable(f"{part}: the entries cannot be put behind what stands there")
    return after


def _inserted(before: str, part: str, entries: Sequence[Entry]) -> str:
    lines = before.splitlines(keepends=True)
    if lines and not lines[-1].endswith("\n"):
        lines[-1] += "\n"
    found = _part(before, part)
    if found is None:
        return "".join([*lines, f"\n{part}:\n", *(_item(each, "  ") for each in entries)])
    key, value = found
    if isinstance(value, yaml.SequenceNode) and value.value:
        if value.flow_style:
            raise NotEditable(
                f"{part}: is written in brackets; give each entry lines of its own, after `- `"
            )
        indent, at = " " * value.start_mark.column, _last_line(value) + 1
        while not lines[
            at - 1
        ].strip():  # a folded text counts the empty lines behind it as its own
            at -= 1
    else:
        head = key.start_mark.line
        lines[head] = _without_value(lines[head], part)
        indent, at = "  ", head + 1
    return "".join([*lines[:at], *(_item(each, indent) for each in entries), *lines[at:]])


def _part(before: str, part: str) -> tuple[yaml.Node, yaml.Node] | None:
    root = yaml.compose(before, Loader=yaml.SafeLoader)
    pairs = root.value if isinstance(root, yaml.MappingNode) else []
    return next(((key, value) for key, value in pairs if key.value == part), None)


def _without_value(line: str, part: str) -> str:
    """The line of an empty list, open for entries: of `devices: []  # none` the brackets go."""
    head, _, rest = line.partition(":")
    if head.strip() != part:
        raise NotEditable(f"{part}: does not begin a line")
    rest = rest.strip("\n")
    for empty in ("[]", "null", "~"):
        rest = rest.replace(empty, "", 1) if rest.strip().startswith(empty) else rest
    return f"{head}:{rest.rstrip()}\n"


def _last_line(node: yaml.Node) -> int:
    """The last line that a node has something in; what follows may be comments."""
    match node:
        case yaml.MappingNode() if node.value and not node.flow_style:
            return max(_last_line(child) for pair in node.value for child in pair)
        case yaml.SequenceNode() if node.value and not node.flow_style:
            return max(_last_line(child) for child in node.value)
        case _:
            end, start = node.end_mark, node.start_mark
            return int(end.line) - (end.column == 0 and end.line > start.line)
