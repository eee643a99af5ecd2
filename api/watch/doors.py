"""The encrypted doors of devices, met as a device meets them: who may come in with TLS, and until when that works."""

import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from api.settings import Settings
from api.watch.checks import Check, failed, ok, warning

LITTLE_DAYS = 14.0
_DAY_S = 86_400.0
_PATIENCE_S = 2.0


@dataclass(frozen=True, kw_only=True)
class Door:
    """`days_left` of its certificate, negative: it is over; None: `error` says why nobody knows."""

    name: str
    days_left: float | None
    error: str = ""


def tls_of(settings: Settings) -> ssl.SSLContext | None:
    """For our own clients at the devices' door; None: it is plain. They look at the chain and not at the name: on our
    own network the door has another one than for devices. Raises OSError for an authority that cannot be read."""
    return trusting(settings.mqtt_ca, settings.mqtt_cert, settings.mqtt_key) if settings.mqtt_tls else None


def trusting(ca: Path | None, cert: Path | None = None, key: Path | None = None) -> ssl.SSLContext:
    """`cert` and `key` are ours, where the door asks for one. Raises OSError."""
    context = ssl.create_default_context(cafile=ca)
    context.check_hostname = False
    if cert is not None:
        context.load_cert_chain(cert, key, password="")
    return context


def _encrypted_at(settings: Settings) -> dict[str, tuple[str, int]]:
    """NATS and Mosquitto show the same certificate, and are told of it apart. Name -> host and port."""
    at = {}
    if settings.mqtt_tls:
        at["mqtt"] = (settings.mqtt_host, settings.mqtt_port)
    if settings.mosquitto_door is not None:
        host, _, port = settings.mosquitto_door.rpartition(":")
        at["mosquitto"] = (host, int(port))
    return at


def look(settings: Settings, now: datetime) -> tuple[Door, ...]:
    at = _encrypted_at(settings)
    if not at:
        return ()
    try:
        tls = trusting(settings.mqtt_ca, settings.mqtt_cert, settings.mqtt_key)
    except OSError as error:
        return tuple(Door(name=name, days_left=None, error=f"{settings.mqtt_ca}: {error}") for name in at)
    return tuple(met(name, *where, tls, now) for name, where in at.items())


def silent(settings: Settings) -> tuple[Door, ...]:
    return tuple(Door(name=name, days_left=None, error="it is silent") for name in _encrypted_at(settings))


def met(name: str, host: str, port: int, tls: ssl.SSLContext, now: datetime) -> Door:
    try:
        with socket.create_connection((host, port), _PATIENCE_S) as wire, tls.wrap_socket(wire) as encrypted:
            shown = encrypted.getpeercert() or {}
    except ssl.SSLCertVerificationError as error:
        return Door(name=name, days_left=None, error=f"its certificate is refused: {error.verify_message}")
    except OSError as error:
        return Door(name=name, days_left=None, error=str(error))
    end = datetime.fromtimestamp(ssl.cert_time_to_seconds(str(shown["notAfter"])), UTC)
    return Door(name=name, days_left=(end - now).total_seconds() / _DAY_S)


def certificates(doors: tuple[Door, ...]) -> Iterator[Check]:
    for door in doors:
        name, renew = f"certificate_{door.name}", "Renew it: docs/how-to/encrypt-the-door.md"
        if door.days_left is None:
            remedy = "Renew it, or name who signed it (FOREMEND_MQTT_CA): docs/how-to/encrypt-the-door.md"
            yield failed(name, f"The encrypted door does not open: {door.error}.", remedy)
        elif door.days_left < LITTLE_DAYS:
            yield warning(name, f"The certificate holds {door.days_left:.0f} days more.", renew)
        else:
            yield ok(name, f"The certificate holds {door.days_left:.0f} days more.")
