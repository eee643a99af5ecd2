"""On TimescaleDB: which tables are compressed when, and how long their chunks are kept.

The jobs are TimescaleDB's own, owned by the schema's owner. What a class asks for and what the jobs say is compared, so
that a changed row of the catalogue is a changed job.
"""

from collections.abc import Collection, Mapping

from devices.model import ApplianceClass, Catalogue
from ingest import aggregates, layout_aggregates
from ingest.resolution import levels

_DAY_S = 86_400
_CALLS = {  # procedure of the job -> functions that add and remove it, and what they call its age
    "policy_compression": ("add_compression_policy", "remove_compression_policy", "compress_after"),
    "policy_retention": ("add_retention_policy", "remove_retention_policy", "drop_after"),
}
Jobs = Mapping[tuple[str, str], int]  # (table, procedure) -> age of a chunk in seconds


def difference(jobs: Jobs, compressed: Collection[str], catalogue: Catalogue) -> list[str]:
    texts: list[str] = []
    for row in catalogue.values():
        for table, at in _tables(row):
            if table not in compressed:
                texts.append(
                    f"ALTER TABLE {table} SET (timescaledb.compress, timescaledb.compress_segmentby = 'device_no', "
                    f"timescaledb.compress_orderby = '{at}')"
                )
        for (table, procedure), age_s in _wanted(row).items():
            add, remove, age = _CALLS[procedure]
            there = jobs.get((table, procedure))
            if there not in {None, age_s}:
                texts.append(f"SELECT {remove}('{table}')")
            if there != age_s:
                texts.append(f"SELECT {add}('{table}', {age} => INTERVAL '{age_s} s')")
    return texts


def _tables(row: ApplianceClass) -> list[tuple[str, str]]:
    """With the column of their time."""
    of_levels = [(layout_aggregates.table(level, row.class_id), "begins") for level in levels(row.cadence_s)]
    return [(f"reading_{row.class_id}", "ts"), *of_levels]


def _wanted(row: ApplianceClass) -> dict[tuple[str, str], int]:
    kept = {f"reading_{row.class_id}": aggregates.readings_kept(row)}
    for level in levels(row.cadence_s):
        kept[layout_aggregates.table(level, row.class_id)] = aggregates.level_kept(row, level)
    found: dict[tuple[str, str], int] = {}
    for table, age in kept.items():
        found[table, "policy_compression"] = row.compress_after_days * _DAY_S
        found[table, "policy_retention"] = int(age.total_seconds())
    return found
