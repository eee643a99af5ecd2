"""The formats that devices speak, by the level of their topic after `up/telemetry`."""

from functools import partial

from ingest.payloads import metrics, readings, senml
from ingest.payloads.cbor import CBOR
from ingest.payloads.json_text import JSON
from ingest.payloads.model import Format
from ingest.payloads.msgpack import MSGPACK
from ingest.payloads.sparkplug import SPARKPLUG

PLAIN = Format(name="", encoding=JSON, read=readings.read)  # the one that has a fast path
FORMATS = {
    each.name: each
    for each in (
        PLAIN,
        Format(name="cbor", encoding=CBOR, read=readings.read),
        Format(name="msgpack", encoding=MSGPACK, read=readings.read),
        Format(name="senml-json", encoding=JSON, read=partial(senml.read, numbered=False)),
        Format(name="senml-cbor", encoding=CBOR, read=partial(senml.read, numbered=True)),
    )
}
EDGE = Format(name="sparkplug", encoding=SPARKPLUG, read=metrics.read)  # under `up/sparkplug`: who speaks is a node
