"""The schema on a real database: fresh, again, widened, newer."""

from collections.abc import Callable
from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from api import schema
from devices import catalogue
from devices.errors import CatalogueError
from devices.model import Metric
from ingest import layout_aggregates
from tests.conftest import Database

FIRST = Path(__file__).parent / "first_schema"  # schema version 1, as it was; never changed again
_OURS = "relnamespace = 'public'::regnamespace"
SHAPE = {
    "relation": f"SELECT relname, relkind, relowner::regrole, reloptions, relrowsecurity, relforcerowsecurity,"
    f" array(SELECT unnest(relacl)::text ORDER BY 1) FROM pg_class WHERE {_OURS} AND relkind NOT IN ('i', 'S')",
    "column": f"SELECT relname, attname, format_type(atttypid, atttypmod), attnotnull, attstorage, attidentity,"
    f" pg_get_expr(adbin, adrelid) FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid"
    f" LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum"
    f" WHERE {_OURS} AND attnum > 0 AND NOT attisdropped AND relkind NOT IN ('i', 'S')",
    "key": "SELECT conrelid::regclass, conname, pg_get_constraintdef(oid) FROM pg_constraint"
    " WHERE connamespace = 'public'::regnamespace",
    "index": "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'",
    "policy": "SELECT tablename, policyname, roles, cmd, qual, with_check FROM pg_policies WHERE schemaname = 'public'",
    "trigger": "SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal",
    "function": "SELECT pg_get_functiondef(oid), proacl FROM pg_proc WHERE pronamespace = 'public'::regnamespace",
}


def test_a_fresh_database_has_the_schema_and_nothing_of_it_belongs_to_a_superuser(database: Database) -> None:
    with database.connect() as conn:
        owners = conn.execute(
            "SELECT DISTINCT relowner::regrole::text FROM pg_class WHERE relnamespace = 'public'::regnamespace"
        ).fetchall()
        version = conn.execute("SELECT max(version) FROM schema_version").fetchone()
    assert owners == [("foremend_owner",)]
    assert version == (schema.SCHEMA_VERSION,)


def test_applying_the_schema_again_changes_nothing(database: Database) -> None:
    with database.connect() as conn:
        before = _columns(conn)
        schema.apply(conn, catalogue.load())
        assert _columns(conn) == before


def test_a_new_metric_is_a_new_column_and_the_rest_stays(database: Database) -> None:
    known = catalogue.load()
    row = known["refrigerator"]
    extra = Metric(name="trial_temp_c", unit="°C", low=-50, high=80, title={"en": "Trial", "zh": "试"})
    with database.connect() as conn:
        before = _columns(conn)
        schema.apply(conn, {**known, "refrigerator": replace(row, metrics=(*row.metrics, extra))})
        assert _columns(conn) - before == {
            (f"{view}{table}_refrigerator", column)
            for table, columns in {
                "reading": ["trial_temp_c"],
                "hours": layout_aggregates.columns("trial_temp_c"),
                "quarters": layout_aggregates.columns("trial_temp_c"),
            }.items()
            for column in columns
            for view in ("", "tenant_")
        }


def test_data_of_a_newer_schema_is_refused_with_the_option_that_helps(database: Database) -> None:
    with database.connect() as conn:
        conn.execute("INSERT INTO schema_version (version) VALUES (%s)", (schema.SCHEMA_VERSION + 1,))
        with pytest.raises(schema.NewerSchemaError, match="--data DIR"):
            schema.apply(conn, catalogue.load())


def test_a_catalogue_that_lost_the_class_of_a_device_is_refused(database: Database) -> None:
    known = catalogue.load()
    rest = {class_id: row for class_id, row in known.items() if class_id != "cold_room"}
    with database.connect() as conn:
        schema.apply(conn, rest)
        conn.execute("INSERT INTO tenant VALUES ('demo', 'Demo')")
        conn.execute(
            "INSERT INTO device (device_id, tenant_id, class_id, model, serial, label_token, registered_at)"
            " VALUES ('room-1', 'demo', 'cold_room', 'W', '1', 'x', now())"
        )
        with pytest.raises(CatalogueError, match=r"cold_room\.toml.* 1 devices"):
            schema.apply(conn, rest)
        schema.apply(conn, known)


def test_a_database_of_the_first_version_becomes_what_a_fresh_one_is(
    new_database: Callable[..., Database], monkeypatch: pytest.MonkeyPatch
) -> None:
    fresh, old = new_database(), new_database(template="template0")
    with old.connect() as conn:
        with monkeypatch.context() as first:
            first.setattr(schema, "SCHEMA_VERSION", 1)
            first.setattr(schema, "_script", _first_script)
            first.setattr(layout_aggregates, "difference", lambda *_, **__: [])
            schema.apply(conn, catalogue.load())
        assert "checkpoint" not in _shape(old)["relation"]
        schema.apply(conn, catalogue.load())
    assert _shape(old) == _shape(fresh)


def _first_script(package: str, file: str) -> bytes:
    if file == "sql/schema.sql":
        return (FIRST / f"{package}.sql").read_bytes()
    return (resources.files(package) / file).read_bytes()


def _shape(database: Database) -> dict[str, Any]:
    """All of a database that a migration can forget: relations with columns, rights and options, keys, indexes,
    policies, triggers, functions. The order of columns is history and means nothing."""
    with database.connect() as conn:
        return {name: sorted(map(str, conn.execute(text))) for name, text in SHAPE.items()}


def test_an_older_database_takes_the_steps_it_lacks_in_order_each_once(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = schema.SCHEMA_VERSION
    steps = {
        f"{now:04}_before_its_time.sql": "SELECT 1/0;",
        f"{now + 1:04}_first.sql": "CREATE TABLE step (n integer); INSERT INTO step VALUES (2);",
        f"{now + 2:04}_second.sql": "INSERT INTO step VALUES (3);",
        f"{now + 3:04}_of_a_later_version.sql": "SELECT 1/0;",
        "README.md": "not a step",
    }
    for name, text in steps.items():
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(schema, "_MIGRATIONS", tmp_path)
    monkeypatch.setattr(schema, "SCHEMA_VERSION", now + 2)
    with database.connect() as conn:
        for _ in range(2):
            schema.apply(conn, catalogue.load())
        assert conn.execute("SELECT n FROM step ORDER BY n").fetchall() == [(2,), (3,)]
        assert conn.execute("SELECT version FROM schema_version ORDER BY 1").fetchall()[-3:] == [
            (now,),
            (now + 1,),
            (now + 2,),
        ]


def test_a_step_that_was_written_beside_a_later_one_is_taken_too(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "0002_beside.sql").write_text("CREATE TABLE beside (n integer);")
    monkeypatch.setattr(schema, "_MIGRATIONS", tmp_path)
    with database.connect() as conn:
        conn.execute("DELETE FROM schema_version WHERE version NOT IN (1, %s)", (schema.SCHEMA_VERSION,))
        schema.apply(conn, catalogue.load())
        assert conn.execute("SELECT count(*) FROM beside").fetchone() == (0,)


def test_every_migration_has_a_lock_timeout_and_the_last_leads_to_this_version() -> None:
    files = sorted(Path(str(schema._MIGRATIONS)).glob("*.sql"))
    assert [file.name for file in files if not file.read_text().startswith("SET LOCAL lock_timeout")] == []
    assert max((int(file.name[:4]) for file in files), default=1) == schema.SCHEMA_VERSION


def test_two_databases_of_one_server_share_the_roles(new_database: Callable[[str], Database]) -> None:
    other = new_database("template1")
    with other.connect() as conn:
        schema.apply(conn, catalogue.load())
    with other.connect("foremend_api") as conn:
        assert conn.execute("SELECT count(*) FROM device").fetchone() == (0,)


def _columns(conn) -> set[tuple[str, str]]:
    return set(
        conn.execute("SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public'")
    )
