"""What kinds of appliance there are, for whoever registers, draws or reports one."""

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Query

from api.http.house import Home
from api.http.problems import refuse
from devices import settings
from devices.model import ApplianceClass, Model, Own

router = APIRouter(tags=["catalogue"])
STEP, MOST = 100, 500


@router.get("/catalogue", summary="The appliance classes, as they are for this tenant")
def classes(home: Home) -> dict[str, Any]:
    """As many as there are files. `own_metrics` are the tenant's: their values are kept in `extra`. `models` says
    how many there are: they are a list of their own."""
    return {"classes": [_class(row, home.settings.tenant) for row in home.catalogue.values()]}


@router.get("/catalogue/{class_id}/models", summary="The models of a class, in order of their numbers")
def models(
    class_id: str,
    home: Home,
    after: Annotated[str, Query(description="begin behind this model")] = "",
    limit: Annotated[int, Query(ge=1, le=MOST)] = STEP,
) -> dict[str, Any]:
    """`effective`: what holds for an appliance of that model. `next`: what `after` must be for the next page."""
    if class_id not in home.catalogue:
        raise refuse(404, "unknown-class", f"There is no class {class_id!r}; there are {', '.join(home.catalogue)}.")
    row, tenant_id = home.catalogue[class_id], home.settings.tenant
    page = [model for model in settings.models_of(row, tenant_id) if model.model > after][:limit]
    return {
        "models": [_model(row, tenant_id, model) for model in page],
        "next": page[-1].model if len(page) == limit else None,
    }


def _class(row: ApplianceClass, tenant_id: str) -> dict[str, Any]:
    return {
        "class_id": row.class_id,
        "title": row.title,
        "cadence_s": row.cadence_s,
        "retention_days": row.retention_days,
        "metrics": [asdict(metric) for metric in row.metrics],
        "own_metrics": [asdict(metric) for metric in row.own.get(tenant_id, Own()).metrics],
        "families": [asdict(family) for family in row.families],
        "models": len(settings.models_of(row, tenant_id)),
        **_holds(settings.of(row, tenant_id, "")),
    }


def _model(row: ApplianceClass, tenant_id: str, model: Model) -> dict[str, Any]:
    effective = _holds(settings.of(row, tenant_id, model.model))
    said = {"model": model.model, "maker": model.maker, "title": model.title, "gtin": model.gtin}
    return {**said, "effective": effective}


def _holds(row: ApplianceClass) -> dict[str, Any]:
    """What a model or a tenant may say otherwise."""
    return {
        "rated_power_w": row.rated_power_w,
        "set_point_c": row.set_point_c,
        "limits": asdict(row.limits),
        "regimes": [asdict(rule) for rule in row.regimes],
        "levels": [{**asdict(rule), "rule": rule.rule} for rule in row.levels],
        "on_times": [{**asdict(rule), "rule": rule.rule} for rule in row.on_times],
        "terms": row.terms,
    }
