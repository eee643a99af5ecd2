"""Readings as rows of a file, day after day in bounded memory: CSV, or Parquet with a row group for each day."""

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

import numpy as np
import pandas as pd

from simulators.crew import Spoken

FORMATS = ("csv", "parquet")
KEYS = ("device_id", "ts", "received_ms")


class FormatError(Exception):
    """A format that this installation cannot write, in a sentence."""


class Rows(Protocol):
    def __enter__(self) -> Self: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None: ...
    def write(self, devices: Sequence[str], spoken: Spoken) -> None: ...


def open_rows(out: Path, class_id: str, metrics: Sequence[str], form: str) -> Rows:
    """Raises FormatError."""
    return (Parquet if form == "parquet" else Csv)(out / f"{class_id}.{form}", metrics)


def frame(devices: Sequence[str], spoken: Spoken, metrics: Sequence[str]) -> pd.DataFrame:
    """A row for each reading, device after device, in the order in which each measured; a minute without a word has
    none. Metrics are floats, NaN where a sensor said nothing."""
    said = spoken.values[:, :, : len(metrics)]  # noqa: PD011  an array
    spoke = ~np.isnan(said).all(axis=2)
    columns: dict[str, Any] = {
        "device_id": pd.Categorical.from_codes(np.nonzero(spoke)[0], categories=pd.Index(devices)),
        "ts": spoken.ts_ms[spoke],
        "received_ms": spoken.received_ms[spoke],
    }
    rows = said[spoke]
    return pd.DataFrame(columns | {name: rows[:, i] for i, name in enumerate(metrics)})


class Csv:
    def __init__(self, path: Path, metrics: Sequence[str]) -> None:
        self._path, self._metrics = path, metrics

    def __enter__(self) -> Self:
        self._file = self._path.open("w", encoding="utf-8", newline="")
        self._file.write(",".join((*KEYS, *self._metrics)) + "\n")
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def write(self, devices: Sequence[str], spoken: Spoken) -> None:
        frame(devices, spoken, self._metrics).to_csv(self._file, header=False, index=False)


class Parquet:
    def __init__(self, path: Path, metrics: Sequence[str]) -> None:
        try:
            import pyarrow as pa  # noqa: PLC0415  an extra
            import pyarrow.parquet as pq  # noqa: PLC0415
        except ImportError:
            raise FormatError("Parquet needs pyarrow: pip install 'foremend[research]', or --format csv") from None
        self._pa, self._pq, self._path, self._metrics = pa, pq, path, metrics
        keys = [("device_id", pa.dictionary(pa.int32(), pa.string())), ("ts", pa.int64()), ("received_ms", pa.int64())]
        self._schema = pa.schema([*keys, *((name, pa.float64()) for name in metrics)])

    def __enter__(self) -> Self:
        self._file = self._pq.ParquetWriter(self._path, self._schema)
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def write(self, devices: Sequence[str], spoken: Spoken) -> None:
        rows = frame(devices, spoken, self._metrics)
        # A sensor without a word is null, not a number that is none.
        self._file.write_table(self._pa.Table.from_pandas(rows, schema=self._schema, preserve_index=False))
