"""`edge-agent check`: everything that can be found wrong without polling a device."""

from __future__ import annotations

import os
import socket
import stat
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from edge_agent.bus.settings import PortBus
from edge_agent.cli.options import (
    Config,
    Json,
    echo_json,
    in_directory,
    load_site,
)
from edge_agent.clock import clock_state
from edge_agent.exits import Exit
from telemetry.envelope import Clock
from telemetry.settings import SettingsError, read_secret

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from edge_agent.bus.settings import RtuOverTcpBus, SerialOverTcpBus, TcpBus, TlsBus, UdpBus
    from edge_agent.delivery.settings import UplinkSettings
    from edge_agent.site import Site

EXAMPLES = """\b
Examples:
  edge-agent check
  edge-agent check --offline -c new.yaml    # before it is put into force
  edge-agent check --json | jq '.[] | select(.verdict == "FAIL")'

Exits with 1 when something fails, with 2 when the configuration is wrong.
"""

CONNECT_WITHIN = 3.0
"""Seconds for a device or the broker to accept a connection."""


class Verdict(StrEnum):
    """How a check came out."""

    OK = "ok"
    WARN = "warn"
    FAIL = "FAIL"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the result."""

    verdict: Verdict
    about: str
    says: str


def check(
    config: Config = None,
    *,
    offline: Annotated[
        bool, typer.Option("--offline", help="Only the files: no port, clock or broker.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Check the configuration, the profiles, the ports, the outbox's directory and the broker."""
    site = load_site(config)
    findings = list(_offline(site) if offline else _findings(site))
    if as_json:
        echo_json([asdict(finding) for finding in findings])
    else:
        for finding in findings:
            typer.echo(f"{finding.verdict:<4}  {finding.about}: {finding.says}")
    if any(finding.verdict is Verdict.FAIL for finding in findings):
        raise typer.Exit(Exit.NOT_WORKING)


def _offline(site: Site) -> Iterator[Finding]:
    config = site.config
    buses, devices = len(config.buses), len(site.devices)
    yield Finding(Verdict.OK, "configuration", f"{devices} devices on {buses} buses")
    yield from _profiles(site)
    yield from _credentials(config.uplink)


def _findings(site: Site) -> Iterator[Finding]:
    config = site.config
    yield from _offline(site)
    for bus in config.buses:
        yield _serial(bus) if isinstance(bus, PortBus) else _tcp(bus)
    yield _directory(config.outbox_path)
    yield _clock(site)
    yield _broker(config.uplink)


def _profiles(site: Site) -> Iterator[Finding]:
    for profile in {device.profile.id: device.profile for device in site.devices}.values():
        about = f"profile {profile.id}"
        if profile.verify:
            says = (
                f"revision {profile.revision}, unverified on hardware: {', '.join(profile.verify)}"
            )
            yield Finding(Verdict.WARN, about, says)
        else:
            yield Finding(Verdict.OK, about, f"revision {profile.revision}")


def _serial(bus: PortBus) -> Finding:
    about = f"bus {bus.id}"
    try:
        mode = bus.port.stat().st_mode
    except OSError as error:
        return Finding(Verdict.FAIL, about, f"{bus.port}: {error.strerror}")
    if not stat.S_ISCHR(mode):
        return Finding(Verdict.FAIL, about, f"{bus.port} is no serial port")
    if not os.access(bus.port, os.R_OK | os.W_OK):
        return Finding(
            Verdict.FAIL, about, f"{bus.port}: this user may not use it; is it in group dialout?"
        )
    return Finding(Verdict.OK, about, bus.place)


def _tcp(bus: TcpBus | TlsBus | UdpBus | RtuOverTcpBus | SerialOverTcpBus) -> Finding:
    reason = _unreachable(bus.host, bus.port)
    verdict = Verdict.FAIL if reason else Verdict.OK
    return Finding(verdict, f"bus {bus.id}", f"{bus.place} {reason or 'accepts connections'}")


def _directory(path: Path) -> Finding:
    reason = in_directory(path)
    return Finding(Verdict.FAIL if reason else Verdict.OK, "outbox", reason or str(path))


def _clock(site: Site) -> Finding:
    if clock_state(site.config.clock.source) is Clock.UNKNOWN:
        return Finding(Verdict.WARN, "clock", "no time daemon keeps it; samples will say so")
    return Finding(Verdict.OK, "clock", "synchronised")


def _credentials(uplink: UplinkSettings) -> Iterator[Finding]:
    if uplink.password_file is not None:
        try:
            read_secret(uplink.password_file)
        except SettingsError as error:
            yield Finding(Verdict.FAIL, "password", str(error))
    tls = uplink.tls
    for path in () if tls is None else (tls.ca, tls.certificate, tls.key):
        if path is not None and not os.access(path, os.R_OK):
            yield Finding(Verdict.FAIL, "tls", f"{path} cannot be read")


def _broker(uplink: UplinkSettings) -> Finding:
    reason = _unreachable(uplink.host, uplink.broker_port)
    says = f"{uplink.address} {reason or 'accepts connections'}"
    return Finding(Verdict.FAIL if reason else Verdict.OK, "broker", says)


def _unreachable(host: str, port: int) -> str | None:
    """Why no connection can be made, or None."""
    try:
        with socket.create_connection((host, port), CONNECT_WITHIN):
            return None
    except TimeoutError:
        return f"does not answer within {CONNECT_WITHIN:g} s"
    except OSError as error:
        return f"cannot be reached: {error.strerror or error}"
