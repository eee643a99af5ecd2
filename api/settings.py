"""What the processes are told: read from the environment, by the roof alone."""

import os
from enum import StrEnum
from pathlib import Path
from typing import Any, Self

from pydantic import Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from api.errors import SettingsError

_QUIET = r"^([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d$"


def _under_data(name: str) -> Any:
    return lambda known: known["data"] / name


_LOOPBACK = {"127.0.0.1", "::1", "localhost"}


class SignIn(StrEnum):
    """Whether a device must say who it is."""

    OPEN = "open"  # on this machine alone
    REQUIRED = "required"


def _sign_in(known: dict[str, Any]) -> SignIn:
    return SignIn.OPEN if known["mqtt_host"] in _LOOPBACK else SignIn.REQUIRED


_DOORS = r"^$|^[^\s,:]+:\d{1,5}(,[^\s,:]+:\d{1,5})*$"
_FRONTS = r"^$|^[a-z0-9-]{1,32}(,[a-z0-9-]{1,32})*$"


class Settings(BaseSettings):
    """One field an environment variable: `dsn` is FOREMEND_DSN. `foremend up` sets them for its processes."""

    model_config = SettingsConfigDict(env_prefix="FOREMEND_", extra="ignore", frozen=True, env_ignore_empty=True)

    dsn: str  # libpq conninfo without a user: each process adds its role; passwords belong into PGPASSFILE, or:
    db_password: SecretStr | None = None  # of this process' role
    db_patience_s: float = Field(default=30.0, gt=0)  # a database that is silent for so long is given up; pages: 10 s
    admin: str = "postgres"  # the superuser as whom foremend migrate works
    nats_url: SecretStr = SecretStr("nats://127.0.0.1:4222")  # nats://user:password@host:port,host:port
    bridge_username: str | None = None  # of foremend bridge at the other broker
    bridge_password: SecretStr | None = None
    mqtt_host: str = "127.0.0.1"
    mqtt_port: int = 1883
    mqtt_tls: bool = False  # the devices' door is encrypted
    mqtt_ca: Path | None = None  # who signed its certificate; without it, whom the system trusts
    mqtt_cert: Path | None = None  # ours, and its key, where the door asks its clients for one
    mqtt_key: Path | None = None
    device_sign_in: SignIn = Field(default_factory=_sign_in)  # required, but where only this machine can publish
    nats_issuer: SecretStr | None = None  # of foremend door: any random text; of it the key is made that NATS trusts
    broker_logs: str = ""  # of foremend door: NATS' log files, `a.log,b.log`, in which stands what was denied
    credential_key: SecretStr | None = Field(default=None, min_length=32)  # passwords for Mosquitto come from it
    mosquitto_url: str | None = None  # mqtt:// or mqtts://host:port of a Mosquitto that the relay tells who may come in
    mosquitto_username: str = "registrar"
    mosquitto_password: SecretStr | None = None
    mosquitto_ca: Path | None = None
    mosquitto_door: str | None = Field(default=None, pattern=r"^.+:\d{1,5}$")  # its encrypted one for devices
    doors: str = Field(default="", pattern=_DOORS)  # MQTT doors that keep desired states, `front-1:1883,front-2:1883`
    http_host: str = "127.0.0.1"
    http_port: int = 8080
    public_port: int | None = Field(default=None, ge=0, le=65535)  # the public pages alone, for a reverse proxy
    proxies: str = ""  # addresses of reverse proxies, `10.0.0.2,10.0.0.3`, whose X-Forwarded-For is believed
    lan: bool = False  # also open the public pages to the local network
    base_url: str = Field(default_factory=lambda known: f"http://{known['http_host']}:{known['http_port']}")
    tenant: str = Field(default="demo", pattern=r"^[A-Za-z0-9_-]{1,64}$")
    catalogue: Path | None = None  # of the tenant's own models and metrics: a TOML file, or a folder of them
    data: Path = Path(".foremend")
    photos: Path = Field(default_factory=_under_data("photos"))
    smtp_url: SecretStr | None = None  # smtp://user:password@host:port; without it e-mail stays pending
    smtp_from: str = "foremend@localhost"
    webhook_allow_private: bool = False  # subscribers on this machine or its network; else webhooks only go outside
    quiet_hours: str | None = Field(default=None, pattern=_QUIET)  # `22:00-08:00`, the customer's time; off
    time_zone: str = Field(default="UTC", pattern=r"^[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+)*$")  # of who registers himself
    language: str = Field(default="en", pattern="^(en|zh)$")
    fronts: str = Field(default="", pattern=_FRONTS)  # NATS servers, `front-a,front-b`, from which the log draws
    log_replicas: int | None = Field(default=None, ge=1, le=5)  # servers that keep the log
    partitions: int | None = Field(default=None, ge=1, le=512)  # foremend migrate makes them, once
    log_bytes: int = 4 << 30  # of the log between devices and worker; beyond it what was read is forgotten early
    metrics_port: int | None = Field(default=None, ge=0, le=65535)  # of worker and relay; pages have /metrics
    metrics_host: str = "127.0.0.1"
    log_file: Path | None = None  # JSON lines, rotated; without it they go to standard error

    @model_validator(mode="after")
    def _open_to_nobody_else(self) -> Self:
        if self.device_sign_in is SignIn.OPEN and self.mqtt_host not in _LOOPBACK:
            raise ValueError(f"FOREMEND_DEVICE_SIGN_IN=open is for this machine alone, not for {self.mqtt_host}")
        return self

    @classmethod
    def from_environment(cls, **known: Any) -> "Settings":
        """FOREMEND_SECRETS names a folder in which a file `foremend_db_password` is FOREMEND_DB_PASSWORD, and so on.
        `known` goes before all. Raises SettingsError: what was wrong, and not what was said, for some are secrets."""
        folder = os.environ.get("FOREMEND_SECRETS")
        given: dict[str, Any] = {"_secrets_dir": folder} if folder else {}
        try:
            return cls(**known, **given)
        except ValidationError as error:
            wrong = (each for each in error.errors(include_input=False) if each["type"] != _FOLLOWS)
            raise SettingsError("; ".join(map(_sentence, wrong))) from None


_FOLLOWS = "default_factory_not_called"  # because another one is wrong


def _sentence(wrong: Any) -> str:
    says = wrong["msg"].removeprefix("Value error, ")
    if not wrong["loc"]:
        return str(says)
    name = f"FOREMEND_{wrong['loc'][0]}".upper()
    return f"{name} is missing" if wrong["type"] == "missing" else f"{name}: {says}"
