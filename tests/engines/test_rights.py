"""Who sees whose rows: every table is closed to other tenants, and whoever may look past that is named here."""

from typing import Any

import psycopg
import pytest

from ledger.statements import Statements
from tests.conftest import Database

NO_TENANT = {
    "schema_version": "says which version the schema has",
    "checkpoint": "what the worker remembers, of all tenants at once; only the worker sees it",
    "partition": "how far the log was read, of all tenants at once",
    "pulse": "when the relay's loops last turned",
    "door_count": "how often devices were turned away, of all tenants at once",
    "listening": "since when devices can reach us, of all tenants at once",
    "sealing": "up to which hour each class is aggregated",
    "stale_hour": "which hours are to be aggregated again; others than the worker have a view",
}
BY_VIEW = (
    "reading_",
    "hours_",
    "quarters_",
)  # TimescaleDB refuses policies there; nobody but the worker has a right, others have views
MACHINES = {"foremend_worker", "foremend_relay"}
BY_TOKEN = {("device", "label"), ("link", "token")}  # whoever holds the secret sees that one row
OF_ALL = {("outage", "ours"): "(tenant_id = ''::text)"}  # when we did not listen concerns every tenant


def ask(database: Database, query: str) -> list[tuple[Any, ...]]:
    with database.connect() as conn:
        return conn.execute(query).fetchall()


def tables(database: Database) -> dict[str, tuple[bool, bool]]:
    rows = ask(
        database,
        "SELECT relname, relrowsecurity, relforcerowsecurity FROM pg_class"
        " WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')",
    )
    return {name: (enabled, forced) for name, enabled, forced in rows}


def test_every_table_but_readings_is_under_row_level_security_also_for_its_owner(database: Database) -> None:
    found = tables(database)
    open_tables = {name for name, flags in found.items() if flags != (True, True) and not name.startswith(BY_VIEW)}
    assert open_tables == set(NO_TENANT)
    assert len(found) > 20


def test_what_is_not_under_row_level_security_is_closed_to_who_speaks_for_one_tenant(database: Database) -> None:
    rights = ask(
        database,
        "SELECT relname, relacl::text FROM pg_class WHERE relnamespace = 'public'::regnamespace"
        " AND relkind IN ('r', 'p') AND NOT relrowsecurity",
    )
    readable = {name for name, acl in rights if acl and ("foremend_api=" in acl or "{=" in acl or ",=" in acl)}
    assert readable == set(NO_TENANT) - {"checkpoint", "stale_hour"}


def test_only_these_may_look_past_it(database: Database) -> None:
    past = ask(database, "SELECT rolname FROM pg_roles WHERE (rolsuper OR rolbypassrls) AND rolname !~ '^pg_'")
    assert past == [("postgres",)]
    members = ask(
        database, "SELECT member::regrole::text FROM pg_auth_members WHERE roleid::regrole::text ~ '^foremend'"
    )
    assert members == []
    lenders = ask(database, "SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND prosecdef")
    assert lenders == []


def test_the_only_policies_are_the_tenants_own_the_machines_and_the_holders_of_a_token(database: Database) -> None:
    policies = ask(
        database,
        "SELECT tablename, policyname, permissive, roles::text[], cmd, qual, with_check FROM pg_policies"
        " WHERE schemaname = 'public'",
    )
    by_tenant, by_machine, others = set(), set(), set()
    for table, name, permissive, roles, command, sees, writes in policies:
        assert permissive == "PERMISSIVE"
        if name == "tenant":
            assert (roles, command, sees, writes) == (["public"], "ALL", *["(tenant_id = current_tenant())"] * 2)
            by_tenant.add(table)
        elif name == "machines":
            assert (set(roles), command, sees, writes) == (MACHINES, "ALL", "true", "true")
            by_machine.add(table)
        else:
            assert (roles, command) == (["foremend_api"], "SELECT")
            assert sees == OF_ALL.get((table, name)) or "app.token" in sees
            others.add((table, name))
    assert others == BY_TOKEN | OF_ALL.keys()
    closed = {name for name, flags in tables(database).items() if flags == (True, True)}
    assert by_tenant == by_machine == closed


def test_every_view_asks_as_a_role_that_is_under_it(database: Database) -> None:
    views = ask(
        database,
        "SELECT relname, relowner::regrole::text, reloptions FROM pg_class"
        " WHERE relnamespace = 'public'::regnamespace AND relkind IN ('v', 'm')",
    )
    assert {name.partition("_")[0] for name, _, _ in views} == {"tenant"}
    assert {(owner, tuple(options)) for _, owner, options in views} == {("foremend_owner", ("security_barrier=true",))}


def test_nobody_can_log_in_as_the_owner_also_where_jobs_run_as_it(database: Database) -> None:
    """On TimescaleDB it has LOGIN, which its jobs ask for; the socket here trusts everybody who names a role."""
    with database.connect() as conn:
        try:
            with pytest.raises(psycopg.OperationalError, match="not permitted to log in"):
                database.connect("foremend_owner")
            conn.execute(Statements("api").let_jobs_run)
            for _ in range(2):
                with pytest.raises(psycopg.OperationalError, match="too many connections for role"):
                    database.connect("foremend_owner")
        finally:
            conn.execute("ALTER ROLE foremend_owner NOLOGIN CONNECTION LIMIT -1")
