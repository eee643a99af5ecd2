"""The database's shape: made on a fresh one, widened on one of this version, migrated from an older one."""

import re
from collections import defaultdict
from importlib import resources
from typing import Any

from psycopg import Connection

from devices.errors import BadRow, CatalogueError
from devices.model import Catalogue
from ingest import layout, layout_columnstore
from ledger.statements import Statements

SCHEMA_VERSION = 16
_BEFORE_LAYOUT = ("ledger", "devices", "ingest")
_AFTER_LAYOUT = ("detectors", "ticketing")
_MIGRATION = re.compile(r"^(\d{4})_\w+\.sql$")

_MIGRATIONS = resources.files("api") / "migrations"

_sql = Statements("api")


class NewerSchemaError(Exception):
    """The data was written by a newer Foremend; nothing was changed."""

    def __init__(self, version: int) -> None:
        super().__init__(
            f"this data has schema version {version}, this Foremend knows {SCHEMA_VERSION}: "
            "upgrade Foremend, or use another data folder with --data DIR"
        )
        self.version = version


def apply(conn: Connection[Any], catalogue: Catalogue) -> None:
    """Bring the database to SCHEMA_VERSION and to the catalogue, in one transaction.

    `conn` is a superuser's. Raises NewerSchemaError, CatalogueError (a class that devices have is gone).
    """
    with conn.transaction():
        conn.execute(_sql.lock_schema)
        version = _version(conn)
        if version is not None and version > SCHEMA_VERSION:
            raise NewerSchemaError(version)
        if version is not None:
            _refuse_lost_classes(conn, catalogue)
        conn.execute(_script("api", "sql/roles.sql"))
        timescale = bool(_one(conn, _sql.find_timescale))
        if timescale:
            conn.execute(_sql.create_timescale)
            conn.execute(_sql.let_jobs_run)
        conn.execute(_sql.become_owner)
        if version is None:
            _create(conn, catalogue, timescale=timescale)
        else:
            _migrate(conn)
            _widen(conn, catalogue, timescale=timescale)


def _version(conn: Connection[Any]) -> int | None:
    if not _one(conn, _sql.find_version_table):
        return None
    version: int = _one(conn, _sql.read_version)
    return version


def _create(conn: Connection[Any], catalogue: Catalogue, *, timescale: bool) -> None:
    conn.execute(_script("api", "sql/schema.sql"))
    for room in _BEFORE_LAYOUT:
        conn.execute(_script(room, "sql/schema.sql"))
    _widen(conn, catalogue, timescale=timescale)
    for room in _AFTER_LAYOUT:
        conn.execute(_script(room, "sql/schema.sql"))
    for step in (1, *sorted(_steps())):
        conn.execute(_sql.add_version, {"version": step})


def _migrate(conn: Connection[Any]) -> None:
    """Each file is one step and begins with a lock timeout, so that a busy table fails the start, not the house. What
    counts is which steps the database has taken, not how far it is: steps are written side by side."""
    taken = {step for (step,) in conn.execute(_sql.list_versions)}
    for step, name in sorted(_steps().items()):
        if step not in taken:
            conn.execute((_MIGRATIONS / name).read_bytes())
            conn.execute(_sql.add_version, {"version": step})


def _steps() -> dict[int, str]:
    """The migrations up to this version, which began with 1."""
    names = (_MIGRATION.match(entry.name) for entry in _MIGRATIONS.iterdir())
    return {int(match[1]): match[0] for match in names if match and 1 < int(match[1]) <= SCHEMA_VERSION}


def _widen(conn: Connection[Any], catalogue: Catalogue, *, timescale: bool) -> None:
    """What the catalogue has and the class tables have not: new classes, new metrics. Nothing is ever taken away."""
    tables: dict[str, dict[str, str]] = defaultdict(dict)
    for table, column, kind in conn.execute(_sql.list_columns):
        tables[table][column] = kind
    for text in layout.difference(tables, catalogue, timescale=timescale):
        conn.execute(text.encode())
    if timescale:
        jobs = {(table, procedure): age_s for table, procedure, age_s in conn.execute(_sql.list_jobs)}
        compressed = {table for (table,) in conn.execute(_sql.list_compressed)}
        for text in layout_columnstore.difference(jobs, compressed, catalogue):
            conn.execute(text.encode())


def _refuse_lost_classes(conn: Connection[Any], catalogue: Catalogue) -> None:
    """Without their class nobody knows what devices measure: better not to start than to break at each of them."""
    for class_id, devices in conn.execute(_sql.count_devices_by_class):
        if class_id not in catalogue:
            reason = f"is not there, but {devices} devices in this data are of it; put it back, or use --data DIR"
            raise CatalogueError([BadRow(file=f"{class_id}.toml", line=1, where="the class", reason=reason)])


def _script(package: str, file: str) -> bytes:
    return (resources.files(package) / file).read_bytes()


def _one(conn: Connection[Any], statement: bytes) -> Any:
    row = conn.execute(statement).fetchone()
    return None if row is None else row[0]
