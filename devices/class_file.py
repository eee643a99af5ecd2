"""A class of the package: one TOML file, read row by row, then looked at as a whole."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from devices import parts, shapes
from devices.model import ApplianceClass, FaultFamily, LevelRule, Limits, OnTimeRule
from devices.rows import File, Shape
from devices.values import meant

_RESERVED = ("device_no", "ts", "seq", "received_at", "flags", "extra", "filled")
RESERVED = dict.fromkeys(_RESERVED, "is a column of every class table")
MAX_METRICS = 62  # one bit each in a signed 64-bit `flags`
_DAYS = ("retention_days", "hours_days", "compress_after_days")

Rule = TypeVar("Rule", LevelRule, OnTimeRule)


def read(file: File) -> ApplianceClass | None:
    """None where anything is wrong with it; what that is, is among the file's faults."""
    row, said = file.row((), file.table, shapes.CLASS), file.table
    metrics = tuple(metric for *_, metric in parts.metrics(file, (), said, shapes.METRIC, RESERVED))
    levels = _rules(file, said, "levels", shapes.LEVEL, LevelRule)
    on_times = _rules(file, said, "on_times", shapes.ON_TIME, OnTimeRule)
    families = [each for _, each in file.rows((), said, "families", shapes.FAMILY, "family_id")]
    adjustables = parts.adjustables(file, said)
    if row is None or file.faults:
        return None  # a rule that points to a bad metric would be said to be wrong too
    appliance = ApplianceClass(
        class_id=row["class_id"],
        title=row["title"],
        cadence_s=row["cadence_s"],
        metrics=metrics,
        levels=levels,
        on_times=on_times,
        families=tuple(FaultFamily(**{**each, "parts": tuple(each["parts"])}) for each in families),
        limits=Limits(**parts.limits(file, (), row, row["cadence_s"], len(metrics))),
        regimes=parts.regimes(file, (), row, {metric.name: metric for metric in metrics}) or (),
        rated_power_w=row.get("rated_power_w"),
        set_point_c=parts.as_band(row),
        terms=parts.terms(file, (), row),
        adjustables=adjustables,
        **{key: row[key] for key in _DAYS if key in row},
    )
    _check(file, appliance)
    models = [
        parts.model(file, where, each, appliance) for where, each in file.rows((), row, "models", shapes.MODEL, "model")
    ]
    if file.faults:
        return None
    parts.once(file, ("models",), [model.model for model in models], "model")
    return None if file.faults else replace(appliance, models={model.model: model for model in models})


def _rules(file: File, row: Mapping[str, Any], key: str, shape: Shape, kind: type[Rule]) -> tuple[Rule, ...]:
    return tuple(kind(**each) for _, each in file.rows((), row, key, shape, "metric"))


def _check(file: File, row: ApplianceClass) -> None:
    """What no row can say of itself alone."""
    if not 0 < len(row.metrics) <= MAX_METRICS:
        file.refuse(("metrics",), f"between 1 and {MAX_METRICS} metrics, here {len(row.metrics)}")
    if not row.families:
        file.refuse(("families",), "a class has one fault family at least: reports of people need its skill")
    if row.hours_days < row.retention_days:
        file.refuse(("hours_days",), f"hours_days must be {row.retention_days} or more, here {row.hours_days}")
    parts.once(file, ("metrics",), row.metric_names, "name")
    parts.once(file, ("families",), [family.family_id for family in row.families], "family_id")
    _check_rules(file, row, "levels", row.levels)
    _check_rules(file, row, "on_times", row.on_times)


def _check_rules(file: File, row: ApplianceClass, key: str, rules: Sequence[LevelRule | OnTimeRule]) -> None:
    families = [family.family_id for family in row.families]
    metrics = {metric.name: metric for metric in row.metrics}
    parts.once(file, (key,), [rule.metric for rule in rules], "metric")
    for i, rule in enumerate(rules):
        if rule.metric not in metrics:
            file.refuse((key, i, "metric"), parts.no_metric(rule.metric, metrics), rule.rule)
        else:
            parts.within(file, (key, i), vars(rule), metrics[rule.metric])
        if rule.family not in families:
            reason = f"no fault family {rule.family!r}{meant(rule.family, families)}"
            file.refuse((key, i, "family"), reason, rule.rule)
