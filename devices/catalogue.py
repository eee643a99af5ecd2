"""The catalogue: one TOML file a class, read once, refused at start with file, place and reason."""

import re
import tomllib
from collections.abc import Iterable
from importlib import resources
from pathlib import Path
from typing import Any, TypeVar

from devices.errors import CatalogueError
from devices.model import ApplianceClass, Catalogue, FaultFamily, LevelRule, Limits, Metric, OnTimeRule

_NAME = re.compile(r"^[a-z][a-z0-9_]{0,40}$")
_RESERVED = {"device_no", "ts", "seq", "received_at", "flags", "extra"}  # columns that every class table has
_LANGUAGES = {"en", "zh"}
MIN_RETENTION_DAYS = 8  # twice the days that detectors learn again after a start
MESSAGE_BYTES = 1024
MOST_A_SECOND = 1e8  # so that what a byte costs, in whole ns, is right to a few per cent
MAX_METRICS = 62  # one bit each in a signed 64-bit `flags`

T = TypeVar("T")


def load(files: Iterable[Path] | None = None) -> Catalogue:
    """The classes of the package, or of `files`. Raises CatalogueError."""
    if files is None:
        files = sorted(Path(str(resources.files("devices") / "classes")).glob("*.toml"))
    classes = [_read(file) for file in files]
    return {row.class_id: row for row in classes}


def _read(file: Path) -> ApplianceClass:
    try:
        row = tomllib.loads(file.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise CatalogueError(file.name, "not TOML", str(error)) from error

    def rows(table: str, kind: type[T]) -> tuple[T, ...]:
        return tuple(_build(kind, entry, file.name, f"{table}[{i}]") for i, entry in enumerate(row.pop(table, [])))

    parts: dict[str, Any] = {
        "metrics": rows("metrics", Metric),
        "levels": rows("levels", LevelRule),
        "on_times": rows("on_times", OnTimeRule),
        "families": rows("families", FaultFamily),
        "limits": _build(Limits, row.pop("limits", {}), file.name, "limits"),
    }
    appliance = _build(ApplianceClass, {**row, **parts}, file.name, "the class")
    _check(appliance, file.name)
    return appliance


def _build(kind: type[T], entry: Any, file: str, where: str) -> T:
    if not isinstance(entry, dict):
        raise CatalogueError(file, where, f"is no table, here {entry!r}")
    try:
        return kind(**{key: tuple(value) if isinstance(value, list) else value for key, value in entry.items()})
    except TypeError as error:  # a missing or unknown key; the message names it
        raise CatalogueError(file, where, str(error).partition("() ")[2]) from error


def _check(row: ApplianceClass, file: str) -> None:
    def refuse_unless(holds: bool, where: str, reason: str) -> None:  # noqa: FBT001
        if not holds:
            raise CatalogueError(file, where, reason)

    names = row.metric_names
    families = {family.family_id for family in row.families}
    refuse_unless(bool(_NAME.match(row.class_id)), "class_id", f"{row.class_id!r} is not a lower-case name")
    refuse_unless(0 < len(names) <= MAX_METRICS, "metrics", f"between 1 and {MAX_METRICS} metrics, here {len(names)}")
    refuse_unless(len(set(names)) == len(names), "metrics", "a name stands twice")
    days = row.retention_days
    refuse_unless(
        type(days) is int and days >= MIN_RETENTION_DAYS,
        "retention_days",
        f"{MIN_RETENTION_DAYS} or more, here {days!r}",
    )
    refuse_unless(type(row.cadence_s) is int and row.cadence_s > 0, "cadence_s", f"1 or more, here {row.cadence_s!r}")
    for name, least in _least(row).items():
        value = getattr(row.limits, name)
        fits = type(value) in {int, float} and least <= value <= MOST_A_SECOND
        refuse_unless(fits, f"limits.{name}", f"between {least:g} and {MOST_A_SECOND:g}, here {value!r}")
    for what, fewest in (("hours_days", row.retention_days), ("compress_after_days", 1)):
        value = getattr(row, what)
        refuse_unless(type(value) is int and value >= fewest, what, f"{fewest} or more, here {value!r}")
    for metric in row.metrics:
        refuse_unless(bool(_NAME.match(metric.name)), metric.name, "is not a lower-case name")
        refuse_unless(metric.name not in _RESERVED, metric.name, "is a column of every class table")
        refuse_unless(metric.low < metric.high, metric.name, "low is not below high")
    titles = {
        "title": row.title,
        **{m.name: m.title for m in row.metrics},
        **{f.family_id: f.title for f in row.families},
    }
    for where, title in titles.items():
        refuse_unless(set(title) == _LANGUAGES, where, "needs a title in en and zh")
    for family in row.families:
        named = all(isinstance(part, dict) and set(part) == _LANGUAGES for part in family.parts)
        refuse_unless(named, family.family_id, "each of its parts needs a name in en and zh")
    rules: tuple[LevelRule | OnTimeRule, ...] = (*row.levels, *row.on_times)
    for rule in rules:
        refuse_unless(rule.metric in names, rule.rule, f"no metric {rule.metric!r}")
        refuse_unless(rule.family in families, rule.rule, f"no fault family {rule.family!r}")
        refuse_unless(rule.hold_s > 0 and rule.clear_hold_s > 0, rule.rule, "an alert needs a hold above zero")


def _least(row: ApplianceClass) -> dict[str, float]:
    """Of the limits: whoever sends a message at each of his class's cadences is never over them."""
    per_s = 1 / row.cadence_s
    return {
        "messages_per_s": per_s,
        "points_per_s": max(1.0, (len(row.metrics) + 1) * per_s),
        "bytes_per_s": max(1.0, MESSAGE_BYTES * per_s),
        "burst_s": 1.0,
        "backfill_times": 1.0,
    }
