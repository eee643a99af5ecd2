"""Where a fleet speaks to, and as whom each of its devices does."""

import csv
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

_PORTS = {"mqtt": 1883, "mqtts": 8883}
_COLUMNS = ("tenant", "device", "client_id", "username", "password")


class BrokerError(Exception):
    """Said in one sentence for whoever started the program."""


@dataclass(frozen=True, kw_only=True)
class Broker:
    host: str
    port: int
    tls: ssl.SSLContext | None = None

    @property
    def url(self) -> str:
        return f"mqtt{'s' if self.tls else ''}://{self.host}:{self.port}"


@dataclass(frozen=True, kw_only=True)
class Identity:
    tenant: str
    device: str
    client_id: str
    username: str | None = None
    password: str | None = field(default=None, repr=False)


def parse(url: str, ca: Path | None) -> Broker:
    """`mqtt://host:port` or `mqtts://host:port`; `ca`: certificates to trust instead of the system's. BrokerError."""
    parts = urlsplit(url)
    try:
        usual = _PORTS[parts.scheme]
        port = parts.port or usual
    except (KeyError, ValueError):
        raise BrokerError(f"--broker {url!r} is not mqtt://HOST:PORT or mqtts://HOST:PORT") from None
    if not parts.hostname or parts.path not in {"", "/"} or parts.username:
        raise BrokerError(f"--broker {url!r} is not mqtt://HOST:PORT or mqtts://HOST:PORT")
    if parts.scheme == "mqtt":
        return Broker(host=parts.hostname, port=port)
    try:
        return Broker(host=parts.hostname, port=port, tls=ssl.create_default_context(cafile=ca))
    except (OSError, ssl.SSLError) as error:
        raise BrokerError(f"--ca {ca}: {error}") from error


def signed_in(tenant: str, device: str, said: Mapping[str, Any]) -> Identity:
    """As the house handed it out."""
    names = ("client_id", "username", "password")
    return Identity(tenant=tenant, device=device, **{name: str(said[name]) for name in names})


def anonymous(tenant: str, device: str) -> Identity:
    return Identity(tenant=tenant, device=device, client_id=f"{tenant}:{device}")


def read_credentials(path: Path) -> dict[tuple[str, str], Identity]:
    """By tenant and device; of several of one device the last. Raises BrokerError."""
    found = {}
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = csv.DictReader(file)
            missing = set(_COLUMNS) - set(rows.fieldnames or ())
            if missing:
                raise BrokerError(f"{path}: column {min(missing)!r} is missing; it has {', '.join(_COLUMNS)}")
            for row in rows:
                found[row["tenant"], row["device"]] = Identity(**{name: row[name] for name in _COLUMNS})
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise BrokerError(f"{path}: {error}") from error
    return found
