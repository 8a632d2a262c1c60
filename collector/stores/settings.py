"""Which store, where it is, and how long it keeps what."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from collector.stores.query import HOUR
from telemetry.settings import Settings

DAY = 24 * HOUR


class Retention(Settings):
    """Days that raw samples and hourly roll-ups are kept."""

    raw: int = Field(default=400, ge=1)
    """At least twelve months, so that a year can be compared with the one before."""
    hourly: int = Field(default=5 * 366, ge=1)

    @model_validator(mode="after")
    def _hours_outlive_samples(self) -> Retention:
        if self.hourly < self.raw:
            raise ValueError("hourly must be at least raw: roll-ups are made to outlive samples")
        return self

    def raw_from(self, now: int) -> int:
        """The first ms, a whole hour, of which raw samples are kept."""
        return max(0, now - self.raw * DAY) // HOUR * HOUR

    def hourly_from(self, now: int) -> int:
        """The first ms, a whole hour, of which roll-ups are kept."""
        return max(0, now - self.hourly * DAY) // HOUR * HOUR


class SqliteSettings(Settings):
    """A file: the default, for a first run and small sites."""

    kind: Literal["sqlite"] = "sqlite"
    path: Path
    retention: Retention = Retention()


class InfluxSettings(Settings):
    """A server of InfluxDB 1.x, 2.x or 3.

    Roll-ups go to `<database>_1h`; on 1.x to the retention policy `hourly`, raw samples to `raw`.
    """

    kind: Literal["influxdb"] = "influxdb"
    version: Literal[1, 2, 3] = 2
    url: str = Field(pattern=r"^https?://[^/?#]+(/[^?#]*)?$")
    database: str = Field(default="telemetry", pattern=r"^[A-Za-z][A-Za-z0-9_-]{0,59}$")
    """A database (1.x, 3) or a bucket (2.x)."""
    org: str = ""
    """The organisation's name; only 2.x has them."""
    username: str = Field(default="", pattern=r"^[A-Za-z0-9_.-]{0,64}$")
    """Only 1.x has them."""
    secret_file: Path | None = None
    """The user's password (1.x) or the token (2.x, 3)."""
    ca_file: Path | None = None
    """Who vouches for the server, if not one of the system's authorities."""
    timeout: float = Field(default=10, gt=0, le=60)
    """Seconds that one request may take."""
    retention: Retention = Retention()

    @model_validator(mode="after")
    def _version_has_what_it_needs(self) -> InfluxSettings:
        if self.version == 2 and not (self.org and self.secret_file):  # noqa: PLR2004 - InfluxDB 2
            raise ValueError("InfluxDB 2 needs org and secret_file (a token)")
        if self.version == 1 and bool(self.username) != bool(self.secret_file):
            raise ValueError("username and secret_file (a password) go together")
        return self


StoreSettings = Annotated[SqliteSettings | InfluxSettings, Field(discriminator="kind")]
