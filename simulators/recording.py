"""A recorded CSV file as a time axis and named columns; what could not be read is counted, never guessed."""

import csv
import hashlib
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
import pandas as pd

from simulators.days import Floats
from simulators.sensors import Ints

TIME_NAMES = ("time", "timestamp", "ts", "datetime", "date")
_DELIMITERS = ",;\t|"
_HEAD_BYTES = 65_536
_SMALLEST_EPOCH = 1e8  # s; no recording is from before 1973
_DECIMAL_COMMA = r"^\s*[+-]?\d+,\d+\s*$"


class RecordingError(Exception):
    """The file cannot be used; one sentence."""


@dataclass(frozen=True, kw_only=True)
class Recording:
    """`ts_ms` (n,) rises strictly; `values` (n, columns), NaN where a cell is empty or no number."""

    sha256: str
    ts_ms: Ints
    values: Floats
    rows: int  # data lines of the file
    bad_rows: int  # with more cells than the header
    bad_times: int
    bad_cells: int  # neither empty nor a number
    repeated: int  # a time that was there already; the first one counts
    empty: int  # with a time and nothing else


def read(path: Path, columns: Sequence[str], *, time: str | None, tz: str, delimiter: str) -> Recording:
    """`columns` as named in the file. Raises RecordingError."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise RecordingError(f"{path}: {error.strerror}.") from error
    table, bad_rows = _table(path, raw, delimiter)
    known = ", ".join(table.columns)
    for column in columns:
        if column not in table.columns:
            raise RecordingError(f"{path.name} has no column {column!r}; it has: {known}.")
    name = _time_column(table, time, known)
    ts_ms = _times(table[name], name, tz)
    numbers = [_numbers(table[column]) for column in columns]
    values = np.column_stack([cells for cells, _ in numbers])
    timed = ~ts_ms.isna().to_numpy()
    empty = timed & np.isnan(values).all(axis=1)
    keep = np.flatnonzero(timed & ~empty)
    kept_ts, first = np.unique(ts_ms.to_numpy()[keep].astype(np.int64), return_index=True)
    return Recording(
        sha256=hashlib.sha256(raw).hexdigest(),
        ts_ms=kept_ts,
        values=values[keep][first],
        rows=len(table) + bad_rows,
        bad_rows=bad_rows,
        bad_times=int((~timed).sum()),
        bad_cells=sum(bad for _, bad in numbers),
        repeated=len(keep) - len(kept_ts),
        empty=int(empty.sum()),
    )


def header(path: Path, delimiter: str) -> list[str]:
    """The names of its columns. Raises RecordingError."""
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD_BYTES)
    except OSError as error:
        raise RecordingError(f"{path}: {error.strerror}.") from error
    if delimiter == "auto":
        delimiter = _sniffed(head)
    lines = head.decode("utf-8-sig", errors="replace").splitlines()
    return [name.strip() for name in next(csv.reader(lines[:1], delimiter=delimiter), [])]


def _table(path: Path, raw: bytes, delimiter: str) -> tuple[pd.DataFrame, int]:
    """Every cell as text, and how many lines had too many cells."""
    if delimiter == "auto":
        delimiter = _sniffed(raw)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        try:
            table = pd.read_csv(
                path, sep=delimiter, dtype=str, keep_default_na=False, on_bad_lines="warn", encoding="utf-8-sig"
            )
        except (ValueError, pd.errors.ParserError, UnicodeDecodeError) as error:
            raise RecordingError(f"{path.name} cannot be read as CSV: {str(error).splitlines()[0]}.") from error
    table.columns = table.columns.str.strip()
    return table, sum(str(warning.message).count("Skipping line") for warning in said)


def _sniffed(raw: bytes) -> str:
    head = raw[:_HEAD_BYTES].decode("utf-8-sig", errors="replace")
    try:
        return csv.Sniffer().sniff(head[: head.rfind("\n") + 1] or head, delimiters=_DELIMITERS).delimiter
    except csv.Error:
        return ","  # a single column has no delimiter to find


def _time_column(table: pd.DataFrame, time: str | None, known: str) -> str:
    if time is not None:
        if time not in table.columns:
            raise RecordingError(f"there is no time column {time!r}; the file has: {known}.")
        return time
    for column in table.columns:
        if column.lower() in TIME_NAMES:
            return str(column)
    return str(table.columns[0])


def _times(cells: "pd.Series[str]", name: str, tz: str) -> "pd.Series[float]":
    """Epoch ms; NaN where a cell is no time. Numbers are epoch s, ms, us or ns by their size."""
    try:
        zone = ZoneInfo(tz)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise RecordingError(f"--tz {tz!r} is no time zone; say one like Europe/Berlin or UTC.") from error
    numbers = pd.to_numeric(cells, errors="coerce")
    if numbers.notna().mean() > 0.5:
        size = float(numbers.abs().median())
        if size < _SMALLEST_EPOCH:
            raise _no_times(cells, name)
        per_ms = next((unit for limit, unit in ((1e11, 1e-3), (1e14, 1.0), (1e17, 1e3)) if size < limit), 1e6)
        return (numbers / per_ms).round()
    moments = pd.to_datetime(cells.where(cells.str.strip() != ""), errors="coerce", format="ISO8601")
    if moments.notna().mean() <= 0.5:
        moments = pd.to_datetime(cells.where(cells.str.strip() != ""), errors="coerce", format="mixed")
    if moments.notna().mean() <= 0.5:
        raise _no_times(cells, name)
    if moments.dt.tz is None:
        # an hour that a clock change repeats or skips has no one meaning
        moments = moments.dt.tz_localize(zone, ambiguous="NaT", nonexistent="NaT")
    whole = moments.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy().astype("datetime64[ms]")
    return pd.Series(np.where(np.isnat(whole), np.nan, whole.astype(np.int64).astype(np.float64)))


def _no_times(cells: "pd.Series[str]", name: str) -> RecordingError:
    example = next((cell for cell in cells if cell.strip()), "")
    return RecordingError(f"column {name!r} cannot be read as times ({example!r}); name the right one with --time.")


def _numbers(cells: "pd.Series[str]") -> tuple[Floats, int]:
    text = cells.fillna("").str.strip()
    comma = text.str.match(_DECIMAL_COMMA)
    text = text.mask(comma, text.str.replace(",", "."))
    numbers = pd.to_numeric(text, errors="coerce").astype(float)
    values: Floats = np.array(numbers.tolist(), dtype=np.float64)
    values[~np.isfinite(values)] = np.nan
    return values, int((np.isnan(values) & (text != "").to_numpy()).sum())
