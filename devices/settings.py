"""What holds for one appliance: of its class, its tenant's settings and its model, the nearest to it that says it.

In this order, each over those before it: the class; what its tenant says for all of the class; the package's row of
its model; the tenant's own row of that model. Limits and rules are taken key by key; a band, regimes and terms whole.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, TypeVar

from devices.model import ApplianceClass, Catalogue, LevelRule, Model, OnTimeRule, Own, Settings

Rule = TypeVar("Rule", LevelRule, OnTimeRule)
_NOTHING = Own()


def of(appliance: ApplianceClass, tenant_id: str, model: str) -> ApplianceClass:
    """The class as it is for a tenant's appliance of that model; an unknown one has the tenant's settings only."""
    for said in _said(appliance, tenant_id, model):
        appliance = _over(appliance, said)
    return appliance


def model_of(appliance: ApplianceClass, tenant_id: str, model: str) -> Model | None:
    """The tenant's row of a model, else the package's; None: nobody described it, which forbids nothing."""
    return next(_rows(appliance, tenant_id, model), None)


def models_of(appliance: ApplianceClass, tenant_id: str) -> list[Model]:
    """In order of their numbers, each as the nearest row describes it."""
    known = {**appliance.models, **appliance.own.get(tenant_id, _NOTHING).models}
    return [known[model] for model in sorted(known)]


def by_gtin(catalogue: Catalogue, tenant_id: str, gtin: str) -> tuple[ApplianceClass, Model] | None:
    """The model that wears this GTIN (8 to 14 digits), for that tenant."""
    for appliance in catalogue.values():
        for rows in (appliance.own.get(tenant_id, _NOTHING).models, appliance.models):
            found = next((model for model in rows.values() if model.gtin == gtin.zfill(14)), None)
            if found is not None:
                return appliance, found
    return None


def _rows(appliance: ApplianceClass, tenant_id: str, model: str) -> Iterator[Model]:
    """The nearest one first."""
    for rows in (appliance.own.get(tenant_id, _NOTHING).models, appliance.models):
        if model in rows:
            yield rows[model]


def _said(appliance: ApplianceClass, tenant_id: str, model: str) -> Iterator[Settings]:
    yield appliance.own.get(tenant_id, _NOTHING).settings
    yield from (row.settings for row in reversed([*_rows(appliance, tenant_id, model)]))


def _over(appliance: ApplianceClass, said: Settings) -> ApplianceClass:
    plain = {
        key: value
        for key in ("rated_power_w", "set_point_c", "regimes", "terms")
        if (value := getattr(said, key)) is not None
    }
    return replace(
        appliance,
        limits=replace(appliance.limits, **said.limits),
        levels=_changed(appliance.levels, said.levels),
        on_times=_changed(appliance.on_times, said.on_times),
        **plain,
    )


def _changed(rules: tuple[Rule, ...], said: Mapping[str, Mapping[str, Any]]) -> tuple[Rule, ...]:
    return tuple(replace(rule, **said.get(rule.metric, {})) for rule in rules)
