"""How the collector reaches its broker."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, model_validator

from collector.address import Address
from telemetry.settings import Settings


class MqttTls(Settings):
    """Whose certificate the broker must have, and the collector's own where one is asked for."""

    ca: Path | None = Field(None, description="the authority; None: those of the system")
    certificate: Path | None = None
    key: Path | None = None

    @model_validator(mode="after")
    def _certificate_and_key(self) -> MqttTls:
        if (self.certificate is None) != (self.key is None):
            raise ValueError("certificate and key go together")
        return self


class MqttSettings(Settings):
    """A broker; `client_id` is fixed, and names the collector's presence too."""

    host: str = "127.0.0.1"
    port: int = Field(1883, ge=1, le=65_535)
    client_id: str = Field("collector", pattern=r"^[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?$")
    username: str | None = None
    password: Path | None = Field(None, description="a file, or a systemd credential's name")
    tls: MqttTls | None = None
    plaintext: bool = Field(default=False, description="go without TLS off loopback")

    @model_validator(mode="after")
    def _tls_off_loopback(self) -> MqttSettings:
        if not (self.tls or self.plaintext or Address(self.host, self.port).is_loopback):
            raise ValueError(f"{self.host} is not loopback: give tls, or say plaintext: true")
        return self
