"""The tables of a class, a model and a tenant's settings: rows become values, and are held against one another."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from devices import shapes
from devices.adjustables import SET_POINT, Adjustable, Kind
from devices.model import ApplianceClass, Condition, Metric, Model, Regime, RegimeRule, Settings
from devices.rows import File, Shape
from devices.toml_lines import Path as Where
from devices.values import meant

MESSAGE_BYTES = 1024
_RULE_KEYS = {"levels": shapes.LEVEL_CHANGE, "on_times": shapes.ON_TIME_CHANGE}


def metrics(
    file: File, outer: Where, table: Mapping[str, Any], shape: Shape, taken: Mapping[str, str]
) -> list[tuple[Where, dict[str, Any], Metric]]:
    """Where each row stands, the row, and the metric that it is. `taken`: names that are not free, with the reason."""
    found = []
    for where, row in file.rows(outer, table, "metrics", shape, "name"):
        metric = Metric(**{key: row[key] for key in shapes.METRIC.checks.keys() & row.keys()})
        called = f"metric {metric.name}"
        if metric.name in taken:
            file.refuse((*where, "name"), taken[metric.name], called)
        if metric.low >= metric.high:
            file.refuse((*where, "low"), f"low is not below high: {metric.low:g}, {metric.high:g}", called)
        elif metric.resolution is not None and metric.resolution > metric.high - metric.low:
            file.refuse((*where, "resolution"), "resolution is wider than all that the sensor can say", called)
        found.append((where, row, metric))
    return found


def once(file: File, outer: Where, rows: Iterable[str], key: str) -> None:
    """No two rows of `outer` have the same `key`. For rows that are all good, in their order in the file."""
    seen: set[str] = set()
    for i, value in enumerate(rows):
        if value in seen:
            file.refuse((*outer, i, key), f"{key} {value!r} stands twice")
        seen.add(value)


def regimes(
    file: File, outer: Where, table: Mapping[str, Any], known: Mapping[str, Metric]
) -> tuple[RegimeRule, ...] | None:
    """None where there is no such table."""
    if "regimes" not in table:
        return None
    found = []
    for where, row in file.rows(outer, table, "regimes", shapes.REGIME, "regime"):
        conditions = tuple(_conditions(file, where, row, known))
        if not row["when"]:
            file.refuse((*where, "when"), "when needs a condition at least")
        found.append(RegimeRule(**{**row, "regime": Regime(row["regime"]), "when": conditions}))
    return tuple(found)


def _conditions(file: File, outer: Where, row: Mapping[str, Any], known: Mapping[str, Metric]) -> Iterable[Condition]:
    for where, said in file.rows(outer, row, "when", shapes.CONDITION, "metric"):
        condition = Condition(**said)
        for key in {"metric", "minus"} & said.keys():
            if said[key] not in known:
                file.refuse((*where, key), no_metric(said[key], known))
        if condition.minus in known and condition.metric in known:
            units = known[condition.metric].unit, known[str(condition.minus)].unit
            if units[0] != units[1]:
                file.refuse((*where, "minus"), f"{units[0]} less {units[1]} is nothing")
        if condition.above is None and condition.below is None:
            file.refuse(where, "needs above or below")
        elif condition.above is not None and condition.below is not None and condition.above >= condition.below:
            file.refuse((*where, "above"), "above is not less than below: nothing is both")
        yield condition


def adjustables(file: File, table: Mapping[str, Any]) -> tuple[Adjustable, ...]:
    found = []
    for where, row in file.rows((), table, "adjustables", shapes.ADJUSTABLE, "name"):
        said = Adjustable(**{**row, "kind": Kind(row.get("kind", Kind.NUMBER))})
        if said.name == SET_POINT:
            file.refuse((*where, "name"), f"{SET_POINT} is a key of the class: its band")
        if said.low is not None and said.high is not None and said.low >= said.high:
            file.refuse((*where, "low"), f"low is not below high: {said.low:g}, {said.high:g}")
        found.append(said)
    once(file, ("adjustables",), [each.name for each in found], "name")
    return tuple(found)


def limits(file: File, outer: Where, table: Mapping[str, Any], cadence_s: int, n_metrics: int) -> dict[str, float]:
    """Whoever sends a message at each of his class's cadences is never over them."""
    where = (*outer, "limits")
    row = file.row(where, table.get("limits", {}), shapes.LIMITS)
    if row is None:
        return {}
    per_s = 1 / cadence_s
    least = {
        "messages_per_s": per_s,
        "points_per_s": max(1.0, (n_metrics + 1) * per_s),
        "bytes_per_s": max(1.0, MESSAGE_BYTES * per_s),
        "burst_s": 1.0,
        "backfill_times": 1.0,
    }
    for key, value in row.items():
        if not least[key] <= value <= shapes.MOST_A_SECOND:
            reason = f"must be between {least[key]:g} and {shapes.MOST_A_SECOND:g}, here {value!r}"
            file.refuse((*where, key), reason)
    return row


def settings(file: File, where: Where, row: Mapping[str, Any], appliance: ApplianceClass) -> Settings:
    """What `row`, a model or a tenant's settings, says otherwise than its class."""
    known = {metric.name: metric for metric in appliance.metrics}
    changes = {key: _changes(file, where, row, key, appliance) for key in _RULE_KEYS if key in row}
    return Settings(
        rated_power_w=row.get("rated_power_w"),
        set_point_c=as_band(row),
        limits=limits(file, where, row, appliance.cadence_s, len(appliance.metrics)),
        regimes=regimes(file, where, row, known),
        terms=terms(file, where, row) if "terms" in row else None,
        **changes,
    )


def terms(file: File, where: Where, row: Mapping[str, Any]) -> tuple[Mapping[str, Any], ...]:
    """Of a warranty; what they mean is devices.warranty's."""
    found = tuple(said for _, said in file.rows(where, row, "terms", shapes.TERM, "what"))
    once(file, (*where, "terms"), [said["what"] for said in found], "what")
    return found


def as_band(row: Mapping[str, Any]) -> tuple[float, float] | None:
    if "set_point_c" not in row:
        return None
    low, high = row["set_point_c"]
    return low, high


def _changes(
    file: File, outer: Where, row: Mapping[str, Any], key: str, appliance: ApplianceClass
) -> dict[str, dict[str, float]]:
    """By metric, what is said otherwise of its rule."""
    rules = {rule.metric for rule in getattr(appliance, key)}
    metrics = {metric.name: metric for metric in appliance.metrics}
    found: dict[str, dict[str, float]] = {}
    for where, said in file.rows(outer, row, key, _RULE_KEYS[key], "metric"):
        metric = said.pop("metric")
        if metric not in rules:
            file.refuse((*where, "metric"), f"{appliance.class_id} has no rule in {key} for {metric!r} to change")
        elif metric in found:
            file.refuse((*where, "metric"), f"metric {metric!r} stands twice")
        else:
            within(file, where, said, metrics[metric])
        found[metric] = said
    return found


def within(file: File, where: Where, rule: Mapping[str, Any], metric: Metric) -> None:
    """A rule that no value its sensor can say would ever meet is a slip of the pen."""
    if not metric.low <= rule.get("on_above", metric.high) <= metric.high:
        reason = f"on_above is not between {metric.low:g} and {metric.high:g}, which is all that its sensor can say"
        file.refuse((*where, "on_above"), reason)
    for key in ("min_shift", "min_drop"):
        if (rule.get(key) or 0) > metric.high - metric.low:
            file.refuse((*where, key), f"{key} is wider than all that the sensor can say")


def model(file: File, where: Where, row: Mapping[str, Any], appliance: ApplianceClass) -> Model:
    said = settings(file, where, row, appliance)
    gtin = row["gtin"].zfill(14) if "gtin" in row else None
    return Model(model=row["model"], maker=row["maker"], title=row["title"], gtin=gtin, settings=said)


def no_metric(name: str, known: Collection[str]) -> str:
    return f"no metric {name!r}{meant(name, known)}"
