"""What may be said of the embedded broker: where it listens, its TLS, and how much it may keep."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, model_validator

from collector.address import Address, Listen
from telemetry.quantities import Size
from telemetry.settings import Settings

LOOPBACK = Address("127.0.0.1", 1883)


class BrokerTls(Settings):
    """The broker's certificate, and whose client certificates it asks for.

    With `client_ca`, a client needs a certificate of that authority beside its password, and the
    certificate's DNS name (or its subject) must be the client's id: `gw-1`, or `collector` for the
    collector itself, which then needs `own_certificate` and `own_key`.
    """

    certificate: Path
    key: Path
    ca: Path = Field(description="the authority that clients check the certificate by")
    client_ca: Path | None = None
    own_certificate: Path | None = None
    own_key: Path | None = None

    @model_validator(mode="after")
    def _collector_can_connect(self) -> BrokerTls:
        if self.client_ca and not (self.own_certificate and self.own_key):
            raise ValueError("client_ca needs own_certificate and own_key, for the collector")
        return self


class EmbeddedBroker(Settings):
    """The broker that comes with the collector."""

    listen: Listen = LOOPBACK
    advertise: str | None = Field(None, description="the name by which agents find this machine")
    tls: BrokerTls | None = None
    store_size: Size = Field(10**9, ge=64 * 10**6, description="most that it may keep on disk")

    @model_validator(mode="after")
    def _safe_and_found(self) -> EmbeddedBroker:
        if not self.listen.is_loopback and self.tls is None:
            raise ValueError(f"listening on {self.listen} needs tls; only loopback goes without")
        if self.listen.is_any and self.advertise is None:
            raise ValueError("needs advertise: the name in the certificate, by which it is found")
        return self

    @property
    def reached_at(self) -> str:
        """The host that agents, and the collector itself, connect to."""
        return self.advertise or self.listen.host
