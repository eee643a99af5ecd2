"""The catalogue as tables for a terminal."""

from collections.abc import Iterable, Sequence

from rich import box
from rich.table import Table

from devices import settings
from devices.model import ApplianceClass, Catalogue, Condition, LevelRule, Metric, Model, OnTimeRule, Own, Settings


def classes(catalogue: Catalogue, tenant_id: str) -> Table:
    rows = [
        (
            row.class_id,
            f"{row.title['en']} {row.title['zh']}",
            f"{row.cadence_s} s",
            f"{len(row.metrics)} + {len(_own(row, tenant_id).metrics)}",
            ", ".join(dict.fromkeys(rule.regime for rule in row.regimes)),
            str(len(row.families)),
            str(len(settings.models_of(row, tenant_id))),
        )
        for row in catalogue.values()
    ]
    return _table("", ("class", "title", "cadence", "metrics + own", "regimes", "families", "models"), rows)


def one(appliance: ApplianceClass, tenant_id: str) -> list[Table]:
    row = settings.of(appliance, tenant_id, "")
    rules = [*map(_rule, row.levels), *map(_rule, row.on_times)]
    regimes = [
        (rule.regime, " and ".join(map(_condition, rule.when)), f"{rule.hold_s} s", f"{rule.stay_s} s")
        for rule in row.regimes
    ]
    families = [
        (each.family_id, each.title["en"], each.severity, "yes" if each.safety else "", _parts(each.parts))
        for each in row.families
    ]
    metrics = [
        *(_metric(each, row.cadence_s, "") for each in row.metrics),
        *(_metric(each, row.cadence_s, "extra") for each in _own(row, tenant_id).metrics),
    ]
    name = f"{row.class_id}: {row.title['en']} {row.title['zh']}{_plate(row.rated_power_w, row.set_point_c)}"
    return [
        _table(name, ("metric", "title", "unit", "low", "high", "resolution", "cadence", "kept in"), metrics),
        _table("what it is doing", ("regime", "when", "hold", "stay"), regimes),
        _table("what is watched", ("rule", "family", "limit", "hold", "hold to clear"), rules),
        _table("what may be wrong", ("family", "title", "severity", "safety", "parts"), families),
        _table(
            "models",
            ("model", "maker", "title", "gtin", "says otherwise"),
            map(_model, settings.models_of(row, tenant_id)),
        ),
    ]


def _table(title: str, columns: Sequence[str], rows: Iterable[tuple[str, ...]]) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False)
    for n, column in enumerate(columns):
        table.add_column(column, overflow="fold", no_wrap=n == 0)
    for row in rows:
        table.add_row(*row)
    return table


def _own(row: ApplianceClass, tenant_id: str) -> Own:
    return row.own.get(tenant_id, Own())


def _metric(metric: Metric, cadence_s: int, kept_in: str) -> tuple[str, ...]:
    resolution = "" if metric.resolution is None else f"{metric.resolution:g}"
    cadence = f"{metric.cadence_s or cadence_s} s"
    bounds = (f"{metric.low:g}", f"{metric.high:g}")
    return (metric.name, metric.title["en"], metric.unit, *bounds, resolution, cadence, kept_in)


def _condition(condition: Condition) -> str:
    what = condition.metric if condition.minus is None else f"({condition.metric} - {condition.minus})"
    if condition.over_s is not None:
        what = f"rise of {what} in {condition.over_s} s"
    above = "" if condition.above is None else f" >= {condition.above:g}"
    below = "" if condition.below is None else f" < {condition.below:g}"
    return f"{what}{above}{below}"


def _rule(rule: LevelRule | OnTimeRule) -> tuple[str, ...]:
    return (rule.rule, rule.family, _limit(rule), f"{rule.hold_s} s", f"{rule.clear_hold_s} s")


def _limit(rule: LevelRule | OnTimeRule) -> str:
    if isinstance(rule, OnTimeRule):
        return f"on from {rule.on_above:g}"
    return f"shift of {rule.min_shift:g}" + ("" if rule.min_drop is None else f", down {rule.min_drop:g}")


def _parts(parts: Iterable[dict[str, str]]) -> str:
    return ", ".join(part["en"] for part in parts)


def _model(model: Model) -> tuple[str, ...]:
    return (model.model, model.maker, model.title["en"], model.gtin or "", _otherwise(model.settings))


def _otherwise(said: Settings) -> str:
    changes = [f"{key} {value:g}" for key, value in said.limits.items()]
    for rules in (said.levels, said.on_times):
        changes += [f"{metric} {key} {value:g}" for metric, keys in rules.items() for key, value in keys.items()]
    whole = [key for key in ("regimes", "terms") if getattr(said, key) is not None]
    return ", ".join([*_plate(said.rated_power_w, said.set_point_c).split(", ")[1:], *changes, *whole])


def _plate(rated_power_w: float | None, set_point_c: tuple[float, float] | None) -> str:
    rated = "" if rated_power_w is None else f", {rated_power_w:g} W"
    return rated + ("" if set_point_c is None else f", set to {set_point_c[0]:g} .. {set_point_c[1]:g} °C")
