"""Messages as a device's own client publishes them, for what the load cannot say."""

import time
from collections.abc import Iterable, Sequence

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from api.bench.house import TENANT, House
from api.bench.order import Sent

_WINDOW = 1000


def tell(ours: House, said: Iterable[tuple[str, bytes]]) -> None:
    """Device and payload, in this order, QoS 1; returns when all are acknowledged."""
    device = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=f"tell-{time.time_ns()}")
    device.max_inflight_messages_set(_WINDOW)
    device.connect("127.0.0.1", ours.nats.mqtt_port)
    device.loop_start()
    for info in [device.publish(f"fm/{TENANT}/{name}/up/telemetry", payload, qos=1) for name, payload in said]:
        info.wait_for_publish(60)
    device.disconnect()
    device.loop_stop()


def sent_by(devices: Sequence[str], readings: int, first_ts_ms: int, step_ms: int) -> Sent:
    """For the ledger, which counts each reading, in whatever message it came."""
    key = {"first_ts_ms": first_ts_ms, "step_ms": step_ms, "published": readings, "acknowledged": readings}
    return Sent(
        published=len(devices) * readings,
        acknowledged=len(devices) * readings,
        acknowledged_at_s=time.time(),
        cpu_s=0.0,
        keys=[{"device": name, **key} for name in devices],
        shares=[],
    )
