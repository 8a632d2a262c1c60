"""What goes into a support bundle: each member's name with its text, gathered and scrubbed.

The answers of our own commands are taken as anybody gets them, each in a process of its own, so
that one that fails spoils no other, and says how.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from device_profiles import loader
from edge_agent.bundle import redaction
from edge_agent.clock import ask_kernel
from edge_agent.config import DATA_DIR, AgentConfig
from edge_agent.site.site import version
from telemetry.language import Phrase
from telemetry.settings import SettingsError, read_yaml

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

COMMANDS = {
    "check.json": ("check", "--json", "--lang", "en"),
    "status.json": ("status", "--json"),
    "plan.json": ("plan", "--json"),
    "outbox.json": ("outbox", "--json"),
    "ports.json": ("ports", "--json"),
}
COMMAND_WITHIN = 60.0
"""Seconds for one of our commands."""

LINE = 10_000
"""Characters of a line of YAML: a secret that is folded would not be found."""

JOURNAL_LINES = 500
UNIT = "city-telemetry-agent"
LIBRARIES = ("aiomqtt", "paho-mqtt", "pydantic", "pymodbus", "pyserial", "msgspec", "PyYAML")

CONFIGURATION = Phrase(
    en="the configuration without comments; secrets blotted out",
    vi="cấu hình, không có chú thích, đã che các bí mật",
)
ANSWER = Phrase(en="what `edge-agent {words}` says", vi="kết quả của `edge-agent {words}`")
SYSTEM = Phrase(
    en="versions, kernel, boot, clock, free disk", vi="phiên bản, nhân, khởi động, đồng hồ, ổ đĩa"
)
JOURNAL = Phrase(
    en="the service's last {n} lines in the journal", vi="{n} dòng nhật ký cuối của dịch vụ"
)
PROFILE = Phrase(en="profile {id}, which a device uses", vi="hồ sơ {id} đang dùng")


@dataclass(frozen=True, slots=True)
class Member:
    """A file of the bundle: what it is, and how its text is had."""

    name: str
    holds: Phrase
    facts: dict[str, object]
    read: Callable[[], str]


def members(config: Path) -> Iterator[Member]:
    """What a bundle of this configuration holds."""
    said = _document(config)
    yield Member("configuration.yaml", CONFIGURATION, {}, partial(_configuration, config))
    for name, words in COMMANDS.items():
        yield Member(name, ANSWER, {"words": words[0]}, partial(_answer, words, config))
    yield Member("system.txt", SYSTEM, {}, partial(_system, said))
    if shutil.which("journalctl"):
        yield Member("journal.txt", JOURNAL, {"n": JOURNAL_LINES}, _journal)
    for name, path in _profiles(said).items():
        yield Member(f"profiles/{name}.yaml", PROFILE, {"id": name}, partial(_profile, path))


def secrets(config: Path) -> set[str]:
    """Every secret that is known here: those in files, and those that should have been in one."""
    said = _document(config)
    found = set(redaction.secrets(said, _is_file))
    uplink = said.get("uplink")
    uplink = uplink if isinstance(uplink, dict) else {}
    tls = uplink.get("tls")
    for path in (uplink.get("password_file"), tls.get("key") if isinstance(tls, dict) else None):
        if isinstance(path, str) and _is_file(path):
            found.add(_text(Path(path)))
    return found


def _document(config: Path) -> dict[str, Any]:
    try:
        said, _ = read_yaml(config.read_text(encoding="utf-8"), str(config))
    except (SettingsError, OSError, UnicodeDecodeError):
        return {}
    return said if isinstance(said, dict) else {}


def _configuration(config: Path) -> str:
    """Of a file that is no YAML only what is wrong with it is told: its lines hold anything."""
    try:
        said, _ = read_yaml(config.read_text(encoding="utf-8"), str(config))
    except SettingsError as error:
        return "".join(f"# {problem}\n" for problem in error.problems)
    except (OSError, UnicodeDecodeError) as error:
        return f"# {error}\n"
    shown = redaction.document(said, _keys(), _is_file)
    return yaml.safe_dump(shown, sort_keys=False, allow_unicode=True, width=LINE)


def _keys() -> set[str]:
    """Every key that a configuration can have."""
    schema = AgentConfig.model_json_schema()
    parts = [schema, *schema.get("$defs", {}).values()]
    return {key for part in parts for key in part.get("properties", {})}


def _answer(words: tuple[str, ...], config: Path) -> str:
    program = "from edge_agent.cli import app; app(prog_name='edge-agent')"
    command = [sys.executable, "-c", program, *words, "-c", str(config)]
    return _said(command)


def _journal() -> str:
    tail = ("-u", UNIT, "-n", str(JOURNAL_LINES), "--no-pager", "-o", "short-iso")
    return _said(["journalctl", *tail])


def _said(command: list[str]) -> str:
    try:
        done = subprocess.run(  # noqa: S603 - our own program, or systemd's
            command, capture_output=True, text=True, timeout=COMMAND_WITHIN, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"{error}\n"
    return done.stdout or done.stderr


def _system(said: dict[str, Any]) -> str:
    kernel = ask_kernel()
    directory = Path(str(said.get("data_dir", DATA_DIR)))
    facts = {
        "time": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "agent": version(),
        "python": platform.python_version(),
        "libraries": ", ".join(f"{name} {_version(name)}" for name in LIBRARIES),
        "kernel": platform.platform(),
        "machine": platform.machine(),
        "system": _text(Path("/etc/os-release")).partition("\n")[0],
        "boot": _text(Path("/proc/sys/kernel/random/boot_id")).strip(),
        "uptime": _text(Path("/proc/uptime")).partition(" ")[0] + " s",
        "clock": f"{kernel.clock}, offset {kernel.offset:g} s, error {kernel.max_error:g} s",
        "user": f"uid {os.geteuid()}, groups {sorted(os.getgroups())}",
        **{f"free on {path}": _free(path) for path in (directory, Path("/"))},
    }
    return "".join(f"{name:<12} {value}\n" for name, value in facts.items())


def _version(library: str) -> str:
    try:
        return metadata.version(library)
    except metadata.PackageNotFoundError:
        return "-"


def _free(path: Path) -> str:
    try:
        usage = shutil.disk_usage(path)
    except OSError as error:
        return str(error.strerror)
    return f"{usage.free / 1e6:.0f} of {usage.total / 1e6:.0f} MB"


def _profiles(said: dict[str, Any]) -> dict[str, Path]:
    """The files of the profiles in use, by id."""
    devices, own = said.get("devices"), said.get("profiles_dir")
    listed = (
        [each for each in devices if isinstance(each, dict)] if isinstance(devices, list) else []
    )
    known = loader.catalogue() | (loader.catalogue(Path(own)) if isinstance(own, str) else {})
    names = dict.fromkeys(str(each.get("profile")) for each in listed)
    return {name: known[name] for name in names if name in known}


def _profile(path: Path) -> str:
    """Without its comments."""
    try:
        said, _ = read_yaml(path.read_text(encoding="utf-8"), path.name)
    except SettingsError as error:
        return "".join(f"# {problem}\n" for problem in error.problems)
    except (OSError, UnicodeDecodeError) as error:
        return f"# {error}\n"
    return yaml.safe_dump(said, sort_keys=False, allow_unicode=True, width=LINE)


def _is_file(path: str) -> bool:
    try:
        return Path(path).is_file()
    except (OSError, ValueError):
        return False


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
