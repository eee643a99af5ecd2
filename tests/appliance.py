"""Somebody else's appliance, by paho: let in before it speaks, and gone before its broker is."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import paho.mqtt.client as mqtt

from tests.processes import wait_for


def a_client(client_id: str, **options: object) -> mqtt.Client:
    return mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id=client_id, **options)  # type: ignore[arg-type]


@contextmanager
def let_in(client: mqtt.Client, port: int) -> Iterator[mqtt.Client]:
    """Connected; its thread has ended when this does, whatever happened."""
    client.connect("127.0.0.1", port)
    client.loop_start()
    try:
        wait_for(client.is_connected, pause_s=0.002)
        yield client
    finally:
        client.disconnect()
        client.loop_stop()


def publish(client: mqtt.Client, said: Iterable[tuple[str, bytes]], qos: int = 1) -> None:
    """Topic and payload of each; returns when the broker has taken all of them."""
    wait_for(client.is_connected)
    for info in [client.publish(topic, payload, qos=qos) for topic, payload in said]:
        taken(info)


def taken(info: mqtt.MQTTMessageInfo) -> None:
    """With QoS 1 what meets no connection goes with the next one, which paho's own waiting calls a failure."""
    if info.rc != mqtt.MQTT_ERR_NO_CONN:
        info.wait_for_publish(60)
    wait_for(lambda: is_taken(info))


def is_taken(info: mqtt.MQTTMessageInfo) -> bool:
    """paho's own asking raises where the connection ended before the message went: whether it did is another matter."""
    return info._published
