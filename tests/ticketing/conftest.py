from collections.abc import Iterator

import pytest

from api.engines.postgres import Postgres
from tests.conftest import Database
from tests.ledger.emptied import empty, share
from tests.ticketing.builders import Firm


@pytest.fixture(scope="session")
def room_database(postgres_server: Postgres) -> Database:
    return share(postgres_server, "foremend_ticketing")


@pytest.fixture
def firm(room_database: Database) -> Iterator[Firm]:
    yield Firm(database=room_database)
    empty(room_database)
