"""A device of each format speaks over MQTT to a real worker: what libraries of others encode is in the record."""

import json
from typing import Any

import cbor2
import msgpack
import pytest

from ingest.payloads.formats import FORMATS
from ingest.payloads.records import NUMBERS
from tests.ingest.house import House, now_ms
from tests.processes import working

pytestmark = pytest.mark.engines


def _pack(at_ms: int, power_w: float) -> list[dict[str, Any]]:
    records = [("cabinet_temp_c", "Cel", 4.25), ("power_w", "W", power_w)]
    base = {"bn": "urn:dev:ow:10e2073a01080063:", "bt": at_ms / 1000}
    return [(base if not i else {}) | {"n": n, "u": u, "v": v} for i, (n, u, v) in enumerate(records)]


def test_one_message_of_each_format_is_in_the_record_and_a_bad_metric_of_each_refused(house: House) -> None:
    at = now_ms()

    def said(place: int, power_w: Any) -> dict[str, Any]:
        return {"ts": at - place * 1000, "m": {"cabinet_temp_c": 4.25, "power_w": power_w}}

    numbered = [{NUMBERS[label]: value for label, value in each.items()} for each in _pack(at - 3000, 3.0)]
    sent = {
        "": json.dumps({"ts": at, "cabinet_temp_c": 4.25, "power_w": 0.0}).encode(),
        "cbor": cbor2.dumps(said(1, 1.0)),
        "msgpack": msgpack.packb(said(2, 2.0)),
        "senml-cbor": cbor2.dumps(numbered),
        "senml-json": json.dumps(_pack(at - 4000, 4.0)).encode(),
    }
    assert sent.keys() == FORMATS.keys()
    with working(house.settings):
        for level, payload in sent.items():
            house.publish(payload, kind="/".join(filter(None, ["telemetry", level])))
        house.publish(cbor2.dumps(said(5, "5")), kind="telemetry/cbor")
        house.publish(msgpack.packb(said(6, "6")), kind="telemetry/msgpack")
        house.publish(b"x", kind="telemetry/avro")
        house.caught_up()
    with house.database.connect() as conn:
        rows = conn.execute("SELECT cabinet_temp_c, power_w FROM reading_refrigerator ORDER BY ts DESC").fetchall()
        refused = conn.execute("SELECT reason, topic, metric, payload FROM refusal ORDER BY refusal_no").fetchall()
    assert rows == [(4.25, 0.0), (4.25, 1.0), (4.25, 2.0), (4.25, 3.0), (4.25, 4.0), (4.25, None), (4.25, None)]
    assert [row[:3] for row in refused] == [
        ("NOT_A_NUMBER", "fm/demo/d1/up/telemetry/cbor", "power_w"),
        ("NOT_A_NUMBER", "fm/demo/d1/up/telemetry/msgpack", "power_w"),
        ("UNKNOWN_KIND", "fm/demo/d1/up/telemetry/avro", None),
    ]
    assert cbor2.loads(refused[0][3])["m"] == {"power_w": "5"}
    assert msgpack.unpackb(refused[1][3])["m"] == {"power_w": "6"}
