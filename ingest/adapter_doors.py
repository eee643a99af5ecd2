"""Our brokers' MQTT doors, as a client among others: only what a client publishes with the retain flag is retained
there, and a device that was away hears it when it subscribes."""

import secrets
import ssl
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from ingest.twin.model import Down

PATIENCE_S = 5.0
_AGAIN_S = 5.0  # after one could not be reached: others wait for their turn in the same loop
_AT_ONCE = 500


class Address(NamedTuple):
    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


class Kept(NamedTuple):
    """By how many doors all of it was kept, and what the others said."""

    doors: int
    error: str | None


class Doors:
    """Connected when there is something to say, one after the other. Not for several threads."""

    def __init__(
        self, addresses: Sequence[Address], username: str, password: str, tls: Callable[[], ssl.SSLContext | None]
    ) -> None:
        """`tls` reads its files anew for each connection; None: the doors are plain."""
        self._doors = [_Door(address, username, password, tls) for address in addresses]

    def retain(self, said: Sequence[Down]) -> Kept:
        """Each with QoS 1; returns when every door has answered or was given up."""
        errors = [error for door in self._doors if (error := door.retain(said)) is not None]
        return Kept(len(self._doors) - len(errors), "; ".join(errors)[:300] if errors else None)

    def close(self) -> None:
        for door in self._doors:
            door.close()


class _Door:
    def __init__(
        self, address: Address, username: str, password: str, tls: Callable[[], ssl.SSLContext | None]
    ) -> None:
        self._address, self._login, self._tls = address, (username, password), tls
        self._client: mqtt.Client | None = None
        self._not_before_s = 0.0
        self._error = ""

    def retain(self, said: Sequence[Down]) -> str | None:
        """What went wrong. A connection that failed is never used again: what is still in it would come after what is
        said next."""
        if time.monotonic() < self._not_before_s:
            return self._error
        try:
            client = self._client = self._client or self._open()
            for begin in range(0, len(said), _AT_ONCE):
                _publish(client, said[begin : begin + _AT_ONCE])
        except (OSError, RuntimeError, ValueError) as error:
            self.close()
            self._error = f"{self._address}: {error}"
            self._not_before_s = time.monotonic() + _AGAIN_S
            return self._error
        return None

    def _open(self) -> mqtt.Client:
        name = f"foremend-relay-{secrets.token_hex(4)}"
        client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=name, reconnect_on_failure=False)
        client.username_pw_set(*self._login)
        context = self._tls()
        if context is not None:
            client.tls_set_context(context)
        client.max_inflight_messages_set(_AT_ONCE)
        client.connect_timeout = PATIENCE_S
        client.connect(self._address.host, self._address.port)
        client.loop_start()
        until = time.monotonic() + PATIENCE_S
        while not client.is_connected():
            if time.monotonic() > until:
                client.loop_stop()
                raise TimeoutError("it does not let us in")
            time.sleep(0.005)
        return client

    def close(self) -> None:
        if self._client is not None:
            self._client.disconnect()
            self._client.loop_stop()
            self._client = None


def _publish(client: mqtt.Client, said: Sequence[Down]) -> None:
    under_way = [client.publish(down.topic, down.payload, qos=1, retain=True) for down in said]
    until = time.monotonic() + PATIENCE_S
    for message in under_way:
        message.wait_for_publish(max(0.0, until - time.monotonic()))
        if not message.is_published():
            raise TimeoutError("it does not answer")
