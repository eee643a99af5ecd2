"""The keys that a row of the catalogue may have, table by table: docs/reference/catalogue.md says what each means."""

from typing import Any

from devices.adjustables import Kind
from devices.model import Regime
from devices.rows import Shape
from devices.values import band, flag, gtin, name, number, one_of, positive, some_of, tenant, text, title, titles, whole

MOST_DAYS = 365_000  # no calendar has begun so long ago
MIN_RETENTION_DAYS = 8  # twice the days that detectors learn again after a start
MOST_A_SECOND = 1e8  # so that what a byte costs, in whole ns, is right to a few per cent
STARTS = ("invoice", "install", "factory")  # of a warranty: from which day it may run
SEVERITIES = ("minor", "major", "critical")


def _looked_at_later(_: Any) -> None:
    """A table in the table: it has a shape of its own."""


METRIC = Shape(
    must={"name": name, "unit": text, "low": number(), "high": number(), "title": title},
    may={"resolution": positive, "cadence_s": whole(1)},
)
ADJUSTABLE = Shape(
    must={"name": name, "title": title},
    may={"kind": one_of([*Kind]), "unit": text, "low": number(), "high": number()},
)
LEVEL = Shape(
    must={"metric": name, "family": name, "min_shift": number(0), "hold_s": whole(1), "clear_hold_s": whole(1)},
    may={"min_drop": number(0)},
)
ON_TIME = Shape(
    must={"metric": name, "family": name, "on_above": number(), "hold_s": whole(1), "clear_hold_s": whole(1)}, may={}
)
REGIME = Shape(
    must={"regime": one_of([*Regime]), "when": _looked_at_later}, may={"hold_s": whole(0), "stay_s": whole(0)}
)
CONDITION = Shape(must={"metric": name}, may={"minus": name, "over_s": whole(1), "above": number(), "below": number()})
FAMILY = Shape(
    must={"family_id": name, "severity": one_of(SEVERITIES), "skill": name, "parts": titles, "title": title},
    may={"safety": flag},
)
TERM = Shape(must={"what": name, "months": whole(1, 1200), "title": title}, may={"starts": some_of(STARTS)})
LIMITS = Shape(
    must={},
    may=dict.fromkeys(("messages_per_s", "points_per_s", "bytes_per_s", "burst_s", "backfill_times"), positive),
)


def _changes(rule: Shape) -> Shape:
    """Of a rule, what a model may say otherwise."""
    may = {key: check for key, check in rule.checks.items() if key not in {"metric", "family"}}
    return Shape(must={"metric": name}, may=may)


LEVEL_CHANGE, ON_TIME_CHANGE = _changes(LEVEL), _changes(ON_TIME)
_ALIKE = {  # in a class, in a model, in a tenant's settings
    "rated_power_w": positive,
    "set_point_c": band,
    "limits": _looked_at_later,
    "levels": _looked_at_later,
    "on_times": _looked_at_later,
    "regimes": _looked_at_later,
    "terms": _looked_at_later,
}
CLASS = Shape(
    must={"class_id": name, "title": title, "cadence_s": whole(1), "metrics": _looked_at_later},
    may={
        **_ALIKE,
        "retention_days": whole(MIN_RETENTION_DAYS, beyond=MOST_DAYS),
        "hours_days": whole(MIN_RETENTION_DAYS, beyond=MOST_DAYS),
        "compress_after_days": whole(1, beyond=MOST_DAYS),
        "families": _looked_at_later,
        "adjustables": _looked_at_later,
        "models": _looked_at_later,
    },
)
MODEL = Shape(must={"model": text, "maker": text, "title": title}, may={**_ALIKE, "gtin": gtin})

_WHOSE = {"class_id": name}
OWN_FILE = Shape(
    must={},
    may={"tenant": tenant, "settings": _looked_at_later, "metrics": _looked_at_later, "models": _looked_at_later},
)
OWN_SETTINGS = Shape(must=_WHOSE, may=_ALIKE)
OWN_METRIC = Shape(must={**_WHOSE, **METRIC.must}, may=METRIC.may)
OWN_MODEL = Shape(must={**_WHOSE, **MODEL.must}, may=MODEL.may)
