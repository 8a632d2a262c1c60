"""The collector's configuration: one YAML file, one frozen model. `STARTER` is a first one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, Field, model_validator

from collector.address import Address, Listen
from collector.broker.conf import COLLECTOR_PASSWORD_FILE, COLLECTOR_USER
from collector.broker.settings import EmbeddedBroker
from collector.ingest.mqtt_settings import MqttSettings, MqttTls
from collector.stores.settings import StoreSettings
from telemetry import settings
from telemetry.names import is_agent
from telemetry.settings import Settings


def _collector_id(text: str) -> str:
    if not is_agent(text):
        raise ValueError(f"{text!r} is no id: at most 40 of a-z 0-9 -")
    return text


class Identity(Settings):
    """Which collector this is; its presence is told under this id."""

    id: Annotated[str, AfterValidator(_collector_id)] = "centre"


class Broker(Settings):
    """The broker: our own child (`embedded`), or one that runs elsewhere (`external`)."""

    embedded: EmbeddedBroker | None = None
    external: MqttSettings | None = None

    @model_validator(mode="after")
    def _one_of_them(self) -> Broker:
        if (self.embedded is None) == (self.external is None):
            raise ValueError("should have exactly one of embedded, external")
        return self


class ApiTls(Settings):
    """The certificate (with its chain) and key of the HTTP API."""

    certificate: Path
    key: Path


class Api(Settings):
    """Where the HTTP API listens."""

    listen: Listen = Address("127.0.0.1", 8420)
    tls: ApiTls | None = None

    @model_validator(mode="after")
    def _tls_off_loopback(self) -> Api:
        if not self.listen.is_loopback and self.tls is None:
            raise ValueError(f"listening on {self.listen} needs tls; only loopback goes without")
        return self


class CollectorConfig(Settings):
    """The whole of collector.yaml."""

    collector: Identity = Identity()
    data_dir: Path = Field(description="where everything is kept that must outlive a restart")
    broker: Broker = Broker(embedded=EmbeddedBroker())
    store: StoreSettings
    api: Api = Api()
    rules: Path | None = Field(None, description="the file of alarm rules")

    @model_validator(mode="before")
    @classmethod
    def _store_in_data_dir(cls, document: Any) -> Any:  # noqa: ANN401 - anything may stand in a file
        """SQLite without a path: a file in `data_dir`."""
        match document:
            case {"data_dir": str() | Path() as data_dir, **rest}:
                store = rest.get("store", {"kind": "sqlite"})
                if isinstance(store, dict) and store.get("kind") == "sqlite":
                    store = {"path": Path(data_dir) / "samples.db"} | store
                return document | {"store": store}
            case _:
                return document

    @property
    def mqtt(self) -> MqttSettings:
        """How the collector itself reaches its broker."""
        if self.broker.external is not None:
            if "client_id" in self.broker.external.model_fields_set:
                return self.broker.external
            return self.broker.external.model_copy(update={"client_id": self.collector.id})
        broker = self.broker.embedded or EmbeddedBroker()
        tls = broker.tls and MqttTls(
            ca=broker.tls.ca, certificate=broker.tls.own_certificate, key=broker.tls.own_key
        )
        return MqttSettings(
            host=broker.reached_at,
            port=broker.listen.port,
            client_id=self.collector.id,
            username=COLLECTOR_USER,
            password=self.broker_dir / COLLECTOR_PASSWORD_FILE,
            tls=tls,
        )

    @property
    def broker_dir(self) -> Path:
        """Where the embedded broker keeps its files."""
        return self.data_dir / "broker"


def load(path: Path) -> CollectorConfig:
    """The configuration in the file at `path`.

    Raises:
        SettingsError: with file, line and field, if it is not right.
    """
    return settings.load(path, CollectorConfig)


STARTER = """\
# City Telemetry collector. What is commented out shows the default.
collector: {{id: centre}}

# Samples, alarms and credentials; for the collector's user alone.
data_dir: {data_dir}

# The broker that comes with the collector. To let gateways in from the network:
#   embedded:
#     listen: 0.0.0.0:8883
#     advertise: telemetry.example.vn
#     tls: {{certificate: /etc/…/centre.pem, key: /etc/…/centre.key, ca: /etc/…/ca.pem}}
# or a broker that runs elsewhere:
#   external: {{host: broker.example.vn, port: 8883, username: collector, password_file: …}}
broker:
  embedded: {{listen: "127.0.0.1:1883"}}

# SQLite serves some fifty devices for a year; InfluxDB serves more:
#   store: {{kind: influxdb, version: 2, url: "http://127.0.0.1:8086", org: city, secret_file: …}}
store: {{kind: sqlite}}

# The HTTP API; off loopback it needs tls: {{certificate: …, key: …}}.
api: {{listen: "127.0.0.1:8420"}}

# Alarm rules.
rules: {rules}
"""

STARTER_RULES = """\
# Alarm rules. An alarm without an action is an event, so `action` is mandatory.
schema: alarm-rules/1
rules: []    # the brackets go with the first rule
#  - id: mains-high
#    title: Mains voltage high
#    watch: {measurement: electricity_meter, channel: voltage_l1}
#    when: {above: 253, deadband: 2}
#    on_delay: 60s
#    off_delay: 60s
#    max_gap: 30min
#    priority: medium
#    action: Call the grid operator; switch the cabinet to battery.
"""
