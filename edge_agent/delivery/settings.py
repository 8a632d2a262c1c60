"""How batches are kept and sent: the `outbox` and `uplink` parts of an agent's configuration."""

from __future__ import annotations

from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from telemetry.quantities import Seconds, Size
from telemetry.settings import Settings


def _positive(value: float) -> float:
    if value <= 0:
        raise ValueError("should be more than 0")
    return value


Duration = Annotated[Seconds, AfterValidator(_positive)]
"""Seconds, written with their unit, more than none."""


class OutboxSettings(Settings):
    """Where batches wait for their receipts, and how many may.

    Attributes:
        path: the SQLite file, `outbox.db` in the data directory unless given. Its directory must
            exist, and be on a disk that lasts.
        max_size: largest size of that file in bytes; beyond it the oldest batches are dropped.
        linger: seconds that samples wait to share a batch, and the most that a power cut takes.
        memory_max: bytes of batches kept in memory while the file cannot be written.
        quarantine_max: bytes of refused batches kept aside in the file.
    """

    path: Path | None = None
    max_size: Annotated[Size, Field(ge=4_000_000)] = 2_000_000_000
    linger: Duration = 1.0
    memory_max: Annotated[Size, Field(ge=1_000_000)] = 16_000_000
    quarantine_max: Size = 32_000_000

    @model_validator(mode="after")
    def _quarantine_leaves_room(self) -> Self:
        if "quarantine_max" in self.model_fields_set and self.quarantine_max > self.max_size // 4:
            raise ValueError("quarantine_max should be at most a quarter of max_size")
        return self

    @property
    def quarantine(self) -> int:
        """Bytes that the quarantine may take: never more than a quarter of the file."""
        return min(self.quarantine_max, self.max_size // 4)


class TlsSettings(Settings):
    """PEM files: who is trusted, and who we are (the certificate's name is the agent's id)."""

    ca: Path
    certificate: Path | None = None
    key: Path | None = None

    @model_validator(mode="after")
    def _certificate_with_key(self) -> Self:
        if (self.certificate is None) != (self.key is None):
            raise ValueError("certificate and key go together")
        return self


class UplinkSettings(Settings):
    """The broker, and how envelopes are sent to it.

    Attributes:
        port: 8883 with `tls`, 1883 without, unless given.
        plaintext: says that a broker off this machine may be spoken to without `tls`.
        keepalive: seconds of silence after which the broker is asked whether it is there.
        window: most envelopes that may be without a receipt (20-200 is where clients are fast).
        retry_after: seconds without a receipt after which an envelope is sent again; it doubles
            with each time.
        live_window: seconds; what is older than that goes as backlog, and pages nobody. Longer
            than linger, a retry and a reconnection together.
        backlog_share: the part of the window that backlog may take.
        reconnect_max: longest pause in seconds between two attempts to connect.
    """

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=1, le=65535)] | None = None
    username: str | None = None
    password_file: Path | None = None
    tls: TlsSettings | None = None
    plaintext: bool = False
    keepalive: Annotated[Seconds, Field(ge=5, le=3600)] = 30.0
    window: Annotated[int, Field(ge=1, le=1000)] = 50
    retry_after: Duration = 10.0
    live_window: Duration = 60.0
    backlog_share: Annotated[float, Field(gt=0, le=1)] = 0.5
    reconnect_max: Duration = 60.0

    @model_validator(mode="after")
    def _safe_to_send(self) -> Self:
        if self.tls is None and not self.plaintext and not _is_loopback(self.host):
            raise ValueError(
                f"broker {self.host} is not on this machine: give tls (ca, certificate, key), "
                "or say plaintext: true to send everything readable by the network"
            )
        if self.tls is not None and self.plaintext:
            raise ValueError("plaintext: true contradicts tls")
        if self.password_file is not None and self.username is None:
            raise ValueError("password_file needs a username")
        return self

    @property
    def broker_port(self) -> int:
        """The port in force."""
        return self.port or (1883 if self.tls is None else 8883)

    @property
    def address(self) -> str:
        """The broker as messages name it."""
        return f"{self.host}:{self.broker_port}"


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
