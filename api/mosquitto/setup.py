"""What the relay is told of its Mosquitto, read."""

from urllib.parse import urlsplit

from prometheus_client import CollectorRegistry

from api.mosquitto.control import Control, ControlError
from api.mosquitto.keep import Keeper
from api.mosquitto.meters import Meters
from api.settings import Settings
from api.watch.doors import trusting

PORTS = {"mqtt": 1883, "mqtts": 8883}


class MosquittoSettingsError(Exception):
    """The message says what is missing."""


def check(settings: Settings) -> None:
    """Raises MosquittoSettingsError for what no waiting mends."""
    if settings.mosquitto_url is None:
        return
    at = urlsplit(settings.mosquitto_url)
    if at.scheme not in PORTS or not at.hostname or at.username:
        raise MosquittoSettingsError("FOREMEND_MOSQUITTO_URL reads mqtt://HOST:PORT, or mqtts://HOST:PORT for TLS")
    if settings.credential_key is None:
        raise MosquittoSettingsError("Mosquitto cannot be told passwords without FOREMEND_CREDENTIAL_KEY")


def keeper_of(settings: Settings, registry: CollectorRegistry) -> Keeper | None:
    """None for a house without a Mosquitto. Raises MosquittoSettingsError."""
    check(settings)
    if settings.mosquitto_url is None or settings.credential_key is None:
        return None
    at = urlsplit(settings.mosquitto_url)
    host, port = at.hostname or "", at.port or PORTS[at.scheme]
    secret = settings.mosquitto_password.get_secret_value() if settings.mosquitto_password else None

    def connect() -> Control:
        try:
            tls = trusting(settings.mosquitto_ca) if at.scheme == "mqtts" else None
        except OSError as error:
            raise ControlError(f"{settings.mosquitto_ca}: {error}") from None
        return Control(host, port, username=settings.mosquitto_username, password=secret, tls=tls)

    return Keeper(connect, settings.credential_key.get_secret_value().encode(), Meters(registry))
