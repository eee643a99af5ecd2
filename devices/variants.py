"""Appliances that are to be watched otherwise than their class: what a model or a tenant says of rules and limits.

Each such way has a name, that of its class with a mark, under which detectors and limits keep it apart.
"""

import hashlib
from dataclasses import replace

from devices import settings
from devices.model import ApplianceClass, Catalogue


class Variants:
    """`classes`: those of the catalogue under their ids, and each of the other ways under its name."""

    def __init__(self, catalogue: Catalogue) -> None:
        self.classes: Catalogue = dict(catalogue)
        self._names: dict[tuple[str, str, str | None], str] = {}
        for row in catalogue.values():
            for tenant_id in ("", *row.own):  # "": whoever has said nothing
                for model in (None, *(each.model for each in settings.models_of(row, tenant_id))):
                    self._add(row, tenant_id, model)

    def _add(self, row: ApplianceClass, tenant_id: str, model: str | None) -> None:
        said = settings.of(row, tenant_id, model or "")
        watched = replace(row, levels=said.levels, on_times=said.on_times, limits=said.limits)
        if watched == row:
            return
        told = repr((watched.levels, watched.on_times, watched.limits))
        name = f"{row.class_id}@{hashlib.sha256(told.encode()).hexdigest()[:12]}"
        self.classes[name] = watched
        self._names[row.class_id, tenant_id, model] = name

    @property
    def varied(self) -> list[str]:
        """The classes of which there is another way at all."""
        return sorted({class_id for class_id, _, _ in self._names})

    def name(self, class_id: str, tenant_id: str, model: str) -> str:
        """Of an appliance of that model; the class's id where the class alone holds."""
        row = self.classes.get(class_id)
        if row is None:
            return class_id
        tenant_id = tenant_id if tenant_id in row.own else ""
        known = settings.model_of(row, tenant_id, model) is not None
        return self._names.get((class_id, tenant_id, model if known else None), class_id)

    def deciding(self) -> str:
        """Of all that decides what is remembered of appliances; another text is another memory."""
        rows = [
            (name, row.cadence_s, row.retention_days, row.metrics, row.levels, row.on_times, row.limits)
            for name, row in sorted(self.classes.items())
        ]
        return repr((rows, sorted(self._names.items(), key=repr)))
