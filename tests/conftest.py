"""The real engines for every test that needs them: started once a session, a fresh database for each test."""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import hypothesis
import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from pydantic import SecretStr

from api import schema
from api.engines import account as accounts
from api.engines.nats import Nats
from api.engines.nats_request import request
from api.engines.nats_streams import STREAM, StreamState, stream_state
from api.engines.ports import free_port
from api.engines.postgres import Postgres
from api.settings import Settings
from devices import catalogue

_TEMPLATE = "foremend_template"
_numbers = count(1)

# How busy the machine is decides no test, nor does chance: the same commit gives the same result. Who looks for what
# nobody thought of says --hypothesis-profile explore.
_UNHURRIED = {"deadline": None, "suppress_health_check": [hypothesis.HealthCheck.too_slow]}
hypothesis.settings.register_profile("same", derandomize=True, **_UNHURRIED)
hypothesis.settings.register_profile("explore", derandomize=False, **_UNHURRIED)
hypothesis.settings.load_profile("same")


def need(condition: object, reason: str) -> None:
    """Skip with a reason; where everything must run (CI) a missing thing is a failure."""
    if condition:
        return
    if os.environ.get("FOREMEND_REQUIRE_ALL") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


@dataclass(frozen=True, kw_only=True)
class Database:
    """A fresh database with the schema applied. `dsn` has no user: add a role, or use `connect`."""

    dsn: str

    def connect(self, role: str = "postgres", *, autocommit: bool = True, **options: Any) -> psycopg.Connection[Any]:
        """The caller closes it (use it as a context manager)."""
        settings = {"options": "-c timezone=UTC", **options}
        return psycopg.connect(self.dsn, user=role, autocommit=autocommit, **settings)

    def settings(self, **more: Any) -> Settings:
        """What a process of ours would be told about it."""
        return Settings(**{"dsn": self.dsn, **more})


@dataclass(frozen=True, kw_only=True)
class NatsServer:
    """The server of the session. Its log is one for all tests: `clear` empties it, sequences go on."""

    engine: Nats

    @property
    def url(self) -> str:
        return self.engine.url

    @property
    def secret_url(self) -> SecretStr:
        return SecretStr(self.engine.url)

    @property
    def port(self) -> int:
        return self.engine.port

    @property
    def mqtt_port(self) -> int:
        return self.engine.mqtt_port

    def state(self) -> StreamState:
        return stream_state(self.url)

    def clear(self) -> int:
        """Purge the log; returns its last sequence, which a test's cursor starts from."""
        request(self.url, f"$JS.API.STREAM.PURGE.{STREAM}")
        return self.state().last_seq


@pytest.fixture(scope="session")
def engines_folder() -> Iterator[Path]:
    """Not below pytest's own tmp: as root the engines run as a user who cannot enter that one."""
    folder = Path(tempfile.mkdtemp(prefix="foremend-test-", dir=_fast_disk()))
    accounts.prepare(folder, accounts.choose())
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def _fast_disk() -> str:
    """Memory where it has room and may hold programs: every test gets a database of several hundred files."""
    memory = "/dev/shm"
    try:
        there = os.statvfs(memory)
    except OSError:
        return "/tmp"
    roomy = there.f_bavail * there.f_frsize >= 4 * 2**30
    return memory if roomy and not there.f_flag & os.ST_NOEXEC else "/tmp"


@pytest.fixture(scope="session")
def postgres_server(engines_folder: Path) -> Iterator[Postgres]:
    server = Postgres(engines_folder / "record", sync=False)
    server.start()
    with psycopg.connect(server.dsn, user="postgres", autocommit=True) as conn:
        conn.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(_TEMPLATE)))
    with psycopg.connect(_named(server.dsn, _TEMPLATE), user="postgres", autocommit=True) as conn:
        schema.apply(conn, catalogue.load())
    yield server
    server.stop()


@pytest.fixture
def new_database(postgres_server: Postgres, used_databases: list[str]) -> Iterator[Callable[[], Database]]:
    """Makes as many databases as a test asks for."""
    made: list[str] = []

    def make(template: str = _TEMPLATE) -> Database:
        name = f"foremend_{next(_numbers)}"
        with psycopg.connect(postgres_server.dsn, user="postgres", autocommit=True) as conn:
            while used_databases:
                conn.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(used_databases.pop())))
            conn.execute(
                sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY").format(  # a third of WAL_LOG's time
                    sql.Identifier(name), sql.Identifier(template)
                )
            )
        made.append(name)
        return Database(dsn=_named(postgres_server.dsn, name))

    yield make
    used_databases.extend(made)


@pytest.fixture(scope="session")
def used_databases() -> list[str]:
    """Dropped when the next one is made: at a test's own end PostgreSQL waits 0.1 s for whoever is just leaving."""
    return []


@pytest.fixture
def database(new_database: Callable[[], Database]) -> Database:
    return new_database()


@pytest.fixture(scope="session")
def nats_server(engines_folder: Path) -> Iterator[NatsServer]:
    engine = Nats(engines_folder / "log", port=free_port(), mqtt_port=free_port())
    engine.start()
    yield NatsServer(engine=engine)
    engine.stop()


def _named(dsn: str, name: str) -> str:
    return make_conninfo(**{**conninfo_to_dict(dsn), "dbname": name})
