"""How fast the database takes readings by COPY, which no server of ours uses: the mark to measure us by."""

import time

import numpy as np

from api.bench.house import CLASS_ID, House
from devices import catalogue
from ingest import layout

_ROWS, _BATCHES = 4000, 100  # of a transaction, and how many of them
_FIRST = (np.datetime64("now", "us") - np.timedelta64(2, "D") - np.datetime64("2000-01-01", "us")).astype(np.int64)
_STEP_US = 10_000
_KINDS = {"integer": ">i4", "timestamp with time zone": ">i8", "bigint": ">i8"}
_HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_END = b"\xff\xff"
_NULL = ("extra", "filled")


def points_s(ours: House, devices: int) -> float:
    """Into the empty table of the load's class, one row a reading, in the key's order, over one connection that waits
    for the disk as little as the worker's; the table is empty again afterwards. The client's work is not counted."""
    appliance = catalogue.load()[CLASS_ID]
    columns = [name for name in layout.FIXED if name not in _NULL] + list(appliance.metric_names)
    table = layout.table(CLASS_ID)
    blocks = [_block(number, devices, columns) for number in range(_BATCHES)]
    with ours.connect() as conn:
        conn.execute("SET synchronous_commit = off")
        begin_s = time.perf_counter()
        for block in blocks:
            with conn.cursor().copy(f"COPY {table} ({', '.join(columns)}) FROM STDIN (FORMAT BINARY)".encode()) as copy:
                copy.write(block)
        seconds = time.perf_counter() - begin_s
        conn.execute(f"TRUNCATE {table}".encode())
    return _ROWS * _BATCHES * len(appliance.metrics) / seconds


def _block(number: int, devices: int, columns: list[str]) -> bytes:
    """COPY's binary format: https://www.postgresql.org/docs/current/sql-copy.html#SQL-COPY-BINARY-FORMAT."""
    kinds = [np.dtype(_KINDS.get(layout.FIXED.get(name, layout.METRIC), ">f8")) for name in columns]
    fields = [(f"length_{name}", ">i4") for name in columns], list(zip(columns, kinds, strict=True))
    rows = np.zeros(_ROWS, [("fields", ">i2"), *(field for pair in zip(*fields, strict=True) for field in pair)])
    reading = number * _ROWS + np.arange(_ROWS)
    said = {"device_no": reading % devices + 1, "ts": _FIRST + reading // devices * _STEP_US, "seq": reading + 1}
    rows["fields"] = len(columns)
    for name, kind in zip(columns, kinds, strict=True):
        rows[f"length_{name}"] = kind.itemsize
        rows[name] = said.get(name, _FIRST if name == "received_at" else 0)
    metrics = [name for name in columns if name not in layout.FIXED]
    values = np.random.default_rng(number).normal(4.0, 1.0, (_ROWS, len(metrics))).round(2)
    for place, name in enumerate(metrics):
        rows[name] = values[:, place]
    return _HEADER + np.sort(rows, order=["device_no", "ts"]).tobytes() + _END
