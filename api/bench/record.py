"""The database of a bench: PostgreSQL of its own, or a database for the occasion on a server of the user's."""

import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args

import psycopg
from psycopg import Connection, sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from api import schema
from api.bench import processes
from api.bench.errors import BenchError
from api.bench.latency import KEEP_COMMIT_TIMES
from api.database import Role
from api.engines.postgres import Postgres
from devices import catalogue
from ledger.statements import Statements

_ROLES = (*get_args(Role), "foremend_owner")
_sql = Statements("api.bench")


@dataclass(frozen=True, kw_only=True)
class Record:
    """`dsn` is without a user; `admin`: who may do anything there. `password`: of the house's roles, if they need one.
    `engine`: None where the server is the user's."""

    dsn: str
    admin: dict[str, Any] = field(repr=False)
    password: str | None = field(default=None, repr=False)
    engine: Postgres | None = None

    def connect(self) -> Connection[Any]:
        return psycopg.connect(self.dsn, **self.admin, autocommit=True)

    def environment(self) -> dict[str, str]:
        """For the house's processes."""
        known = {"FOREMEND_DSN": self.dsn}
        return known if self.password is None else {**known, "FOREMEND_DB_PASSWORD": self.password}

    def pid(self) -> int | None:
        """The server's, whose children are its backends; None where it does not run on this machine."""
        if self.engine is not None:
            return self.engine.process.pid
        with self.connect() as conn:
            backend, name = conn.info.backend_pid, conn.info.dbname
            return processes.parent(backend) if name in processes.command(backend) else None


@contextmanager
def embedded(folder: Path, settings: Mapping[str, str]) -> Iterator[Record]:
    engine = Postgres(folder, settings={**KEEP_COMMIT_TIMES, **settings})
    try:
        engine.start()
        record = Record(dsn=engine.dsn, admin={"user": "postgres"}, engine=engine)
        with record.connect() as conn:
            schema.apply(conn, catalogue.load())
        yield record
    finally:
        engine.stop()


@contextmanager
def scratch(dsn: str) -> Iterator[Record]:
    """With TimescaleDB if the server has it. What was made there is dropped at the end: the database, and the house's
    roles if they were not there before. Raises BenchError."""
    try:
        server = psycopg.connect(dsn, autocommit=True)
    except psycopg.Error as error:
        raise BenchError(f"--dsn: {str(error).strip()}") from None
    with server:
        known = conninfo_to_dict(dsn)
        admin: dict[str, Any] = {key: known.pop(key) for key in ("user", "password") if key in known}
        name = f"foremend_bench_{secrets.token_hex(4)}"
        (kept,) = server.execute(_sql.read_commit_times).fetchone() or ("off",)
        if kept != "on":
            raise BenchError(
                "--dsn: the server keeps no commit times; once: ALTER SYSTEM SET track_commit_timestamp = on, "
                "and restart it"
            )
        before = {role for (role,) in server.execute(_sql.list_roles, {"roles": list(_ROLES)})}
        _try(server, sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        try:
            yield _prepared(Record(dsn=make_conninfo("", **{**known, "dbname": name}), admin=admin), before)
        finally:
            server.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
            for role in set(_ROLES) - before:
                server.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(sql.Identifier(role)))


def _prepared(record: Record, roles_before: set[str]) -> Record:
    """With roles that can sign in."""
    with record.connect() as conn:
        schema.apply(conn, catalogue.load())
        if roles_before:
            return _signed_in(record)
        password = secrets.token_hex(16)
        for role in get_args(Role):
            hashed = conn.pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256").decode()
            conn.execute(sql.SQL("ALTER ROLE {} PASSWORD {}").format(sql.Identifier(role), sql.Literal(hashed)))
    return Record(dsn=record.dsn, admin=record.admin, password=password)


def _signed_in(record: Record) -> Record:
    """A house lives on this server already: its roles keep their passwords."""
    for role in ("foremend_worker", "foremend_relay"):
        try:
            psycopg.connect(record.dsn, user=role).close()
        except psycopg.OperationalError as error:
            said = f"--dsn: the role {role} is there already and its password is needed (PGPASSFILE): {error}"
            raise BenchError(said.strip()) from None
    return record


def _try(server: Connection[Any], statement: sql.Composed) -> None:
    try:
        server.execute(statement)
    except psycopg.Error as error:
        raise BenchError(f"--dsn: {str(error).strip()}") from None
