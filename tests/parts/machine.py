"""A Debian system of its own: booted with its systemd by systemd-nspawn, reached over SSH.

It shares this machine's loopback, so that it reaches simulated devices, and listens there only.
The image is built once, kept below `var/cache` and named by what is in it.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from parts.processes import free_port, missing, require_program

if TYPE_CHECKING:
    from collections.abc import Iterator

CACHE = Path("var/cache")
PACKAGES = (
    "systemd",
    "systemd-sysv",
    "systemd-timesyncd",
    "dbus",
    "openssh-server",
    "python3",
    "python3-apt",
    "python3-venv",
    "udev",
)
"""What the image has: what Raspberry Pi OS has too, as far as the roles care."""

BOOTS_WITHIN = 90.0


@dataclass(frozen=True)
class Machine:
    """A booted system."""

    port: int
    key: Path
    root: Path

    def ssh(self, command: str, *, check: bool = True) -> str:
        """What `command`, run there by root, prints."""
        done = subprocess.run(
            [*self._ssh, command], capture_output=True, text=True, check=False, timeout=120
        )
        if check and done.returncode:
            pytest.fail(f"{command}: {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout

    @property
    def _ssh(self) -> list[str]:
        options = {
            "StrictHostKeyChecking": "no",
            "UserKnownHostsFile": "/dev/null",
            "LogLevel": "ERROR",
            "ConnectTimeout": "5",
        }
        flags = [flag for name, value in options.items() for flag in ("-o", f"{name}={value}")]
        return ["ssh", "-p", str(self.port), "-i", str(self.key), *flags, "root@127.0.0.1"]


def require_machines() -> None:
    """Skip, or fail, where systems cannot be booted; the reason is told."""
    if os.geteuid() != 0:
        missing("booting a system needs root")
    for program in ("systemd-nspawn", "mmdebstrap", "ssh", "ssh-keygen"):
        require_program(program)


@contextlib.contextmanager
def machine(directory: Path) -> Iterator[Machine]:
    """A freshly booted Debian 12 in `directory`."""
    root, key, port = directory / "root", directory / "key", free_port()
    root.mkdir()
    subprocess.run(["tar", "-xf", _image(), "-C", root], check=True)
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    _let_in(root, key.with_name("key.pub").read_text(encoding="ascii"), port)
    command = ["systemd-nspawn", "--quiet", "--register=no", "--keep-unit", "--console=pipe"]
    log = (directory / "boot.log").open("wb")
    process = subprocess.Popen(
        [*command, f"--directory={root}", f"--machine=ct{port}", "--boot"],
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
    )
    try:
        booted = Machine(port, key, root)
        _wait_until_up(booted, process, directory / "boot.log")
        yield booted
    finally:
        _end(process)
        log.close()


def _let_in(root: Path, public_key: str, port: int) -> None:
    home = root / "root/.ssh"
    home.mkdir(mode=0o700, exist_ok=True)
    (home / "authorized_keys").write_text(public_key, encoding="ascii")
    (root / "etc/ssh/sshd_config.d/test.conf").write_text(
        f"Port {port}\nListenAddress 127.0.0.1\nPermitRootLogin prohibit-password\nUseDNS no\n",
        encoding="ascii",
    )


def _wait_until_up(booted: Machine, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + BOOTS_WITHIN
    while time.monotonic() < deadline and process.poll() is None:
        if booted.ssh("systemctl is-system-running --wait", check=False).strip() == "running":
            return
        time.sleep(0.2)
    pytest.fail(f"the system did not boot:\n{log.read_text(errors='replace')[-3000:]}")


def _end(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)  # nspawn asks the system to halt
    try:
        process.wait(30)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _image() -> Path:
    name = hashlib.sha256(" ".join(PACKAGES).encode()).hexdigest()[:12]
    image = CACHE / f"debian-12-{name}.tar"
    if not image.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        draft = image.with_suffix(".draft.tar")
        command = ["mmdebstrap", "--quiet", "--variant=minbase", f"--include={','.join(PACKAGES)}"]
        done = subprocess.run(
            [*command, "bookworm", draft], capture_output=True, text=True, check=False
        )
        if done.returncode:
            pytest.fail(f"the image could not be built:\n{done.stderr[-3000:]}")
        draft.rename(image)
    return image
