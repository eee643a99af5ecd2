"""The Mosquitto that the relay tells who may come in, looked at as a guest beside it: a session of our own name."""

import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from urllib.parse import urlsplit

from api.doctor import broker
from api.mosquitto.setup import PORTS
from api.settings import Settings
from api.watch.checks import Check, failed, ok
from api.watch.doors import trusting
from ingest.bridge.adapter_mqtt import Account, Broker, Subscription
from ingest.errors import BrokerError

_MAY_HEAR = "$SYS/broker/log/N"  # as the relay does
_PATIENCE_S = 10.0
_NAME = "mosquitto"
_REMEDY = "Start it; FOREMEND_MOSQUITTO_URL names it, FOREMEND_MOSQUITTO_PASSWORD is the registrar's."


def examine(settings: Settings) -> Iterator[Check]:
    if settings.mosquitto_url is None:
        return
    at = urlsplit(settings.mosquitto_url)
    if at.scheme not in PORTS or not at.hostname:
        yield failed(_NAME, "FOREMEND_MOSQUITTO_URL names no broker.", "mqtt://HOST:PORT, or mqtts://HOST:PORT for TLS")
        return
    secret = settings.mosquitto_password.get_secret_value() if settings.mosquitto_password else None
    account = Account(client_id="foremend-doctor", username=settings.mosquitto_username, password=secret)
    try:
        tls = trusting(settings.mosquitto_ca) if at.scheme == "mqtts" else None
        there = Broker(
            host=at.hostname, port=at.port or PORTS[at.scheme], filters=(_MAY_HEAR,), account=account, tls=tls
        )
        granted = _met(there)
    except (BrokerError, OSError) as error:
        yield failed(_NAME, f"Mosquitto at {at.hostname}: {error}.", _REMEDY)
        return
    if not granted:
        yield failed(_NAME, f"Mosquitto at {at.hostname} does not answer when we ask for {_MAY_HEAR}.", _REMEDY)
        return
    yield ok(_NAME, "Mosquitto lets the relay in, who tells it which devices may come.")
    yield replace(broker.queue(there), name=f"{_NAME}_queue")


def _met(there: Broker) -> bool:
    """Raises BrokerError."""
    with closing(Subscription(there, clean=True)) as subscription:
        until = time.monotonic() + _PATIENCE_S
        while not subscription.granted and time.monotonic() < until:
            subscription.wait(0.1)
            subscription.take(1)
        return subscription.granted
