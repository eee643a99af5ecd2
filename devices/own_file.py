"""A tenant's file: its settings of the package's classes, its own models, and metrics whose values are in `extra`."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from devices import parts, shapes
from devices.model import ApplianceClass, Catalogue, Model, Own
from devices.rows import File
from devices.toml_lines import Path as Where
from devices.values import meant


def read(file: File, catalogue: Catalogue, tenant_id: str) -> Catalogue:
    """`catalogue` with what the file adds for its tenant, who is `tenant_id` unless it names another."""
    row = file.row((), file.table, shapes.OWN_FILE)
    if row is not None:
        tenant_id = row.get("tenant", tenant_id)
    said = file.table
    added = {class_id: appliance.own.get(tenant_id, Own()) for class_id, appliance in catalogue.items()}
    _settings(file, said, catalogue, added)
    _metrics(file, said, catalogue, added)
    _models(file, said, catalogue, added)
    return {
        class_id: appliance if added[class_id] == Own() else _with(appliance, tenant_id, added[class_id])
        for class_id, appliance in catalogue.items()
    }


def _with(appliance: ApplianceClass, tenant_id: str, own: Own) -> ApplianceClass:
    return replace(appliance, own={**appliance.own, tenant_id: own})


def _settings(file: File, table: Mapping[str, Any], catalogue: Catalogue, added: dict[str, Own]) -> None:
    for where, row in file.rows((), table, "settings", shapes.OWN_SETTINGS, "class_id"):
        appliance = _class_of(file, where, row, catalogue)
        if appliance is None:
            continue
        if added[appliance.class_id].settings != Own().settings:
            file.refuse((*where, "class_id"), f"class_id {appliance.class_id!r} stands twice")
        settings = parts.settings(file, where, row, appliance)
        added[appliance.class_id] = replace(added[appliance.class_id], settings=settings)


def _metrics(file: File, table: Mapping[str, Any], catalogue: Catalogue, added: dict[str, Own]) -> None:
    for where, row, metric in parts.metrics(file, (), table, shapes.OWN_METRIC, {}):
        appliance = _class_of(file, where, row, catalogue)
        if appliance is None:
            continue
        own = added[appliance.class_id]
        if metric.name in appliance.metric_names:
            file.refuse((*where, "name"), f"{metric.name!r} is a metric of {appliance.class_id} already")
        if metric.name in {each.name for each in own.metrics}:
            file.refuse((*where, "name"), f"name {metric.name!r} stands twice")
        added[appliance.class_id] = replace(own, metrics=(*own.metrics, metric))


def _models(file: File, table: Mapping[str, Any], catalogue: Catalogue, added: dict[str, Own]) -> None:
    models: dict[str, dict[str, Model]] = {}
    for where, row in file.rows((), table, "models", shapes.OWN_MODEL, "model"):
        appliance = _class_of(file, where, row, catalogue)
        if appliance is None:
            continue
        model = parts.model(file, where, row, appliance)
        known = models.setdefault(appliance.class_id, dict(added[appliance.class_id].models))
        if model.model in known:
            file.refuse((*where, "model"), f"model {model.model!r} stands twice")
        known[model.model] = model
    for class_id, known in models.items():
        added[class_id] = replace(added[class_id], models=known)


def _class_of(file: File, where: Where, row: Mapping[str, Any], catalogue: Catalogue) -> ApplianceClass | None:
    found = catalogue.get(row["class_id"])
    if found is None:
        file.refuse((*where, "class_id"), f"no appliance class {row['class_id']!r}{meant(row['class_id'], catalogue)}")
    return found
