"""Bring a server's database and broker to where this Foremend's processes can start: schema, logins, log."""

from pathlib import Path
from typing import Any, get_args

import psycopg
from psycopg import Connection
from psycopg.conninfo import make_conninfo

from api import classes, schema
from api.database import Role
from api.door.token import Issuer
from api.engines import fronts
from api.partitions import check, spread
from api.settings import Settings
from ingest import partition
from ledger.statements import Statements

_sql = Statements("api")


class PasswordMissingError(Exception):
    """A role was to get a password and there is none."""

    def __init__(self, file: Path) -> None:
        super().__init__(f"there is no password in {file}")
        self.file = file


def migrate(settings: Settings, logins: Path | None, *, new_log: bool = False) -> bool:
    """As the database's superuser; may be run again and again. `logins` is a folder with a file for each role: `api`,
    `worker`, `relay`. `new_log`: the broker has none yet, and the record goes on in it. False: the worker has to read
    on before there can be as many partitions as were asked for.

    Raises psycopg.Error, NatsRequestError, EngineStartError, PasswordMissingError, PartitionsFixedError, CatalogueError
    and what `schema.apply` raises.
    """
    catalogue = classes.of(settings)
    password = settings.db_password.get_secret_value() if settings.db_password else None
    with psycopg.connect(make_conninfo(settings.dsn, user=settings.admin, password=password), autocommit=True) as conn:
        schema.apply(conn, catalogue)
        if logins is not None:
            for role in get_args(Role):
                _give_password(conn, role, logins / role.removeprefix("foremend_"))
        nats_url = settings.nats_url.get_secret_value()
        names = [name for name in settings.fronts.split(",") if name]
        several = settings.partitions if settings.partitions != 1 else None
        check(conn, settings.partitions)
        first_seq = partition.leave_log(conn) + 1 if new_log else 1
        fronts.ensure_logs(
            nats_url,
            names,
            slots=several,
            replicas=settings.log_replicas,
            first_seq=first_seq,
            issuer=Issuer(settings.nats_issuer.get_secret_value()).public if settings.nats_issuer else None,
        )
        return several is None or spread(conn, nats_url, several, names)


def _give_password(conn: Connection[Any], role: str, file: Path) -> None:
    """Hashed here, so that no statement and no log of the server ever has it in the clear."""
    password = file.read_text().strip() if file.is_file() else ""
    if not password:
        raise PasswordMissingError(file)
    hashed = conn.pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256").decode()
    (statement,) = conn.execute(_sql.write_password_statement, {"role": role, "hashed": hashed}).fetchone() or ("",)
    conn.execute(statement)
