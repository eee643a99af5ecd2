from collections.abc import Iterator

import pytest

from api.engines.postgres import Postgres
from tests.conftest import Database
from tests.ledger.emptied import empty, share


@pytest.fixture(scope="session")
def ledger_database(postgres_server: Postgres) -> Database:
    return share(postgres_server, "foremend_ledger")


@pytest.fixture
def database(ledger_database: Database) -> Iterator[Database]:
    yield ledger_database
    empty(ledger_database)
