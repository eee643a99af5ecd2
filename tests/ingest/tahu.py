"""Sparkplug's messages by Google's own encoder: the fields of its .proto that matter here, by number and type."""

from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

_TYPE = descriptor_pb2.FieldDescriptorProto
_PAYLOAD = {
    "Payload": {
        "timestamp": (1, _TYPE.TYPE_UINT64),
        "metrics": (2, "Metric"),
        "seq": (3, _TYPE.TYPE_UINT64),
        "uuid": (4, _TYPE.TYPE_STRING),
        "body": (5, _TYPE.TYPE_BYTES),
    },
    "Metric": {
        "name": (1, _TYPE.TYPE_STRING),
        "alias": (2, _TYPE.TYPE_UINT64),
        "timestamp": (3, _TYPE.TYPE_UINT64),
        "datatype": (4, _TYPE.TYPE_UINT32),
        "is_historical": (5, _TYPE.TYPE_BOOL),
        "is_transient": (6, _TYPE.TYPE_BOOL),
        "is_null": (7, _TYPE.TYPE_BOOL),
        "metadata": (8, "MetaData"),
        "properties": (9, "PropertySet"),
        "int_value": (10, _TYPE.TYPE_UINT32),
        "long_value": (11, _TYPE.TYPE_UINT64),
        "float_value": (12, _TYPE.TYPE_FLOAT),
        "double_value": (13, _TYPE.TYPE_DOUBLE),
        "boolean_value": (14, _TYPE.TYPE_BOOL),
        "string_value": (15, _TYPE.TYPE_STRING),
        "bytes_value": (16, _TYPE.TYPE_BYTES),
    },
    "MetaData": {"content_type": (2, _TYPE.TYPE_STRING), "size": (3, _TYPE.TYPE_UINT64)},
    "PropertySet": {"keys": (1, _TYPE.TYPE_STRING), "values": (2, "PropertyValue")},
    "PropertyValue": {
        "type": (1, _TYPE.TYPE_UINT32),
        "int_value": (3, _TYPE.TYPE_UINT32),
        "string_value": (8, _TYPE.TYPE_STRING),
    },
}
_REPEATED = {"metrics", "keys", "values"}


def _classes() -> dict[str, Any]:
    file = descriptor_pb2.FileDescriptorProto(name="sparkplug_b.proto", package="tahu", syntax="proto2")
    for message, fields in _PAYLOAD.items():
        described = file.message_type.add(name=message)
        for name, (number, kind) in fields.items():
            field = described.field.add(name=name, number=number)
            field.label = _TYPE.LABEL_REPEATED if name in _REPEATED else _TYPE.LABEL_OPTIONAL
            if isinstance(kind, str):
                field.type, field.type_name = _TYPE.TYPE_MESSAGE, f".tahu.{kind}"
            else:
                field.type = kind
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"tahu.{name}")) for name in _PAYLOAD}


_CLASSES = _classes()


def a_payload(*metrics: dict[str, Any], **rest: Any) -> bytes:
    """As an edge node writes it: `a_payload({"alias": 1, "float_value": 4.5}, timestamp=1, seq=2)`."""
    data: bytes = _CLASSES["Payload"](metrics=list(metrics), **rest).SerializeToString()
    return data


def read(payload: bytes) -> Any:
    return _CLASSES["Payload"].FromString(payload)


def unit(name: str) -> dict[str, Any]:
    """A metric's properties that name its unit."""
    return {"keys": ["engUnit"], "values": [{"type": 12, "string_value": name}]}
