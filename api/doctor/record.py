"""The database: reachable by everybody who must, new enough, durable, and closed where it has to be."""

import time
from collections.abc import Iterator
from typing import Any, get_args

import psycopg
from psycopg import Connection

from api import database
from api.database import Role
from api.doctor.setup import Setup
from api.settings import SignIn
from api.watch import checks
from api.watch.checks import Check, failed, ok, warning
from api.watch.standing import RecordStanding, record_standing
from ledger.statements import Statements

OLDEST = 17
OPEN_TABLES = {
    "schema_version",
    "partition",
    "pulse",
    "checkpoint",
    "door_count",
    "listening",
    "sealing",
    "stale_hour",
}  # of no tenant
BY_VIEW = ("reading_", "hours_", "quarters_", "minutes_")  # the worker alone has a right on them
_FEWEST_CONNECTIONS = 40  # pages 8, relay 3, worker 1, migrations, people with psql, and twice that while restarting
_sql = Statements("api.doctor")


def examine(setup: Setup) -> tuple[list[Check], RecordStanding | None]:
    found, conn, hurried = _connect(setup)
    if conn is None:
        return found, None
    with conn:
        found += [*_server(conn, hurried, embedded=setup.embedded is not None)]
        standing = record_standing(conn)
        found += [checks.schema(standing.schema_version)]
        if standing.schema_version is not None:
            found += [_roles(conn), _closed(conn), checks.worker(standing), checks.relay(standing)]
            if setup.settings.device_sign_in is SignIn.REQUIRED:
                found += [checks.door(standing), checks.denied(standing)]
    return found, standing


def _connect(setup: Setup) -> tuple[list[Check], Connection[Any] | None, list[str]]:
    """As each of the house's roles; with the relay's connection, who commits what people act on, it goes on. Last those
    whose commits do not wait for the disk."""
    failures: dict[str, list[str]] = {}
    relays: Connection[Any] | None = None
    hurried: list[str] = []
    roles: tuple[Role, ...] = get_args(Role)
    for role in roles:
        try:
            conn = database.connect(setup.settings_of(role), role, connect_timeout=3, autocommit=True)
        except psycopg.OperationalError as error:
            failures.setdefault(_reason(error), []).append(role)
            continue
        if role != "foremend_worker" and not _waits(conn):
            hurried.append(role)
        if role == "foremend_relay":
            relays = conn
        else:
            conn.close()
    if not failures:
        return [ok("record", "The database answers all three processes.")], relays, hurried
    if relays is not None:
        relays.close()
    who = "; ".join(f"{', '.join(roles)} ({reason})" for reason, roles in failures.items())
    remedy = "Start it; FOREMEND_DSN, the roles (foremend migrate) and their passwords must fit."
    return [failed("record", f"The database does not let in {who}.", remedy)], None, hurried


def _waits(conn: Connection[Any]) -> bool:
    """It may be set for a role, a database, a server."""
    return conn.execute(_sql.read_commit).fetchone() not in {("off",), None}


def _reason(error: psycopg.Error) -> str:
    """What libpq says after the address."""
    return str(error).strip().splitlines()[0].rpartition("failed: ")[2]


def _server(conn: Connection[Any], hurried: list[str], *, embedded: bool) -> Iterator[Check]:
    major = conn.info.server_version // 10_000
    if major < OLDEST:
        yield failed("version", f"PostgreSQL {major} is too old.", f"Upgrade it to {OLDEST} or newer.")
    else:
        yield ok("version", f"PostgreSQL {major}.")
    yield _timescale(conn, embedded=embedded)
    yield from _settings(dict(conn.execute(_sql.read_settings).fetchall()), hurried)
    before = time.time()
    (theirs,) = conn.execute(_sql.read_clock).fetchone() or (0.0,)
    yield clock("record_clock", "The database's clock", theirs - (before + time.time()) / 2)


def _timescale(conn: Connection[Any], *, embedded: bool) -> Check:
    version, offered = conn.execute(_sql.find_extension).fetchone() or (None, False)
    if version:
        return _jobs(conn, f"TimescaleDB {version} is in use")
    words = "Without TimescaleDB readings lie in plain tables, uncompressed"
    if embedded:
        return ok("timescale", f"{words}; enough for a small house.")
    remedy = "Start again with foremend migrate." if offered else "Use a server that has it; see docs/how-to."
    return warning("timescale", f"{words}.", remedy)


def _jobs(conn: Connection[Any], words: str) -> Check:
    """It compresses and forgets readings by itself, as their owner."""
    jobs, failing, workers, may = conn.execute(_sql.count_jobs).fetchone() or (0, 0, 0, False)
    if not jobs or not may:
        return failed("timescale", f"{words} and compresses nothing.", "Start again with foremend migrate.")
    if workers == 0:
        remedy = "Raise timescaledb.max_background_workers (16) and max_worker_processes (32)."
        return failed("timescale", f"{words}, and its background workers are off: nothing is compressed.", remedy)
    if failing:
        remedy = "See timescaledb_information.job_errors as a superuser."
        return warning("timescale", f"{words}; {failing} of its {jobs} jobs failed last time.", remedy)
    return ok("timescale", f"{words}; {jobs} jobs compress and forget readings.")


def _settings(said: dict[str, str], hurried: list[str]) -> Iterator[Check]:
    off = [name for name in ("fsync", "full_page_writes") if said.get(name) != "on"]
    off += [f"synchronous_commit (for {', '.join(hurried)})"] if hurried else []
    if off:
        words = f"A commit may be lost with the machine: {', '.join(off)} is off."
        remedy = "Switch it on in postgresql.conf, or ALTER ROLE ... RESET; the worker alone relaxes it, for itself."
        yield failed("durable", words, remedy)
    else:
        yield ok("durable", "What is committed stays: fsync, full_page_writes and synchronous_commit are on.")
    most = int(said.get("max_connections", 0))
    if most < _FEWEST_CONNECTIONS:
        yield warning("connections", f"Only {most} connections are allowed.", "Raise max_connections to 60.")


def clock(name: str, whose: str, ahead_s: float) -> Check:
    """Compared with this machine's."""
    words = f"{whose} is {abs(ahead_s):.1f} s {'ahead of' if ahead_s > 0 else 'behind'} this machine's."
    if abs(ahead_s) < 2:
        return ok(name, words)
    remedy = "Let both follow a time server (timedatectl set-ntp true)."
    return (failed if abs(ahead_s) > 60 else warning)(name, words, remedy)


def _roles(conn: Connection[Any]) -> Check:
    wrong = []
    found = {row[0]: row[1:] for row in conn.execute(_sql.list_roles)}
    for role in ("foremend_owner", *get_args(Role)):
        if role not in found:
            wrong.append(f"{role} is missing")
            continue
        can_login, mighty, member = found[role]
        if mighty:
            wrong.append(f"{role} may more than it needs (superuser, BYPASSRLS, CREATEROLE, CREATEDB or REPLICATION)")
        if member:
            wrong.append(f"{role} is a member of another role")
        if can_login is (role == "foremend_owner"):
            wrong.append(f"{role} {'can' if can_login else 'cannot'} log in")
    if wrong:
        return failed("roles", f"{'; '.join(wrong)}.", "Take it away with ALTER ROLE or REVOKE, then: foremend migrate")
    return ok("roles", "The four roles are there and have no more than they need.")


def _closed(conn: Connection[Any]) -> Check:
    def names(statement: bytes) -> set[str]:
        return {name for (name,) in conn.execute(statement)}

    unprotected = {name for name in names(_sql.list_open_tables) if not name.startswith(BY_VIEW)} - OPEN_TABLES
    wrong = {
        "is open to every tenant (no forced row-level security)": unprotected,
        "does not belong to foremend_owner": names(_sql.list_wrong_owners),
        "is open to PUBLIC": names(_sql.list_public_rights),
        "is readable for pages or relay without a view": names(_sql.list_leaks),
        "is where others than foremend_owner may make things": names(_sql.list_open_schemas),
    }
    said = [f"{', '.join(sorted(tables))} {words}" for words, tables in wrong.items() if tables]
    if said:
        return failed("rights", f"{'; '.join(said)}.", "Undo what was granted by hand.")
    return ok("rights", "Every table but readings is closed to other tenants, also for its owner.")
