"""What is listed goes over an index, and reads hardly more rows than it shows."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from ledger import scope
from ledger.statements import Statements
from tests.conftest import Database
from tests.devices.conftest import BY

PAGE = 20
AT_HOME = {"email": None, "phone": "+49 30 100007"}
ASKED: dict[str, dict[str, Any]] = {  # of each there are 100 devices among 4,000 of the tenant
    "device_listed|device_pkey": {},
    "device_class": {"class_id": "c7"},
    "device_model": {"model": "m7"},
    "device_state": {"state": "RETIRED"},
    "device_site": {"site": "7"},
    "device_customer": {"customer_id": UUID(int=7)},
}
FILL = """
INSERT INTO tenant VALUES ('demo', 'Demo'), ('other', 'Other');
INSERT INTO site (tenant_id, name)
SELECT t, n::text FROM unnest(ARRAY['demo', 'other']) AS t, generate_series(0, 39) AS n;
INSERT INTO customer (customer_id, tenant_id, name, phone)
SELECT lpad(to_hex(n), 32, '0')::uuid, 'demo', 'C' || n, '+49 30 ' || 100000 + n FROM generate_series(0, 1999) AS n;
INSERT INTO device (tenant_id, device_id, class_id, model, serial, site, customer_id, state, label_token, registered_at)
SELECT t, 'd' || n, 'c' || n % 40, 'm' || n % 40, n::text, (n % 40)::text,
       CASE t WHEN 'demo' THEN lpad(to_hex(n % 40), 32, '0')::uuid END,
       CASE n % 40 WHEN 7 THEN 'RETIRED' ELSE 'ACTIVE' END, t || n, now()
FROM generate_series(1, 4000) AS n, unnest(ARRAY['demo', 'other']) AS t;
"""


def test_a_page_of_any_list_is_read_by_an_index(database: Database) -> None:
    with database.connect() as owner:
        owner.execute(FILL)
        owner.execute("ANALYZE")
    with database.connect("foremend_api", autocommit=False) as conn:
        scope.enter(conn, BY)

        def nodes(room: str, statement: str, **names: Any) -> list[dict[str, Any]]:
            text = b"EXPLAIN (ANALYZE, FORMAT JSON) " + getattr(Statements(room), statement)
            (plan,) = conn.execute(text, {"tenant_id": "demo", "limit": PAGE, **names}).fetchone() or ({},)
            return list(_nodes(plan[0]["Plan"]))

        nothing = dict.fromkeys(("class_id", "model", "state", "site", "customer_id", "text"))
        for index, asked in ASKED.items():
            for text in (None, "no such text") if asked else (None,):
                found = nodes("devices", "list_devices", after=0, **{**nothing, **asked, "text": text})
                assert any(node.get("Index Name") in index.split("|") for node in found), (index, found)
                assert all(_read(node) <= 100 for node in found), (index, found)
        for room, statement, names in (
            ("devices.people", "list_customers", {"text": None, "after": UUID(int=900)}),
            ("devices", "find_same_customer", {"name": "C7", "language": "en", "time_zone": "UTC", **AT_HOME}),
            ("devices.people", "find_by_address", {"email": None, "phone": "+4930100007"}),
            ("devices.sites", "list_sites", {"after": "2"}),
        ):
            found = nodes(room, statement, **names)
            assert not [node for node in found if node["Node Type"] == "Seq Scan" and _read(node) > 100], found


def _read(node: dict[str, Any]) -> int:
    return int(node["Actual Rows"]) + int(node.get("Rows Removed by Filter", 0))


def _nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for child in node.get("Plans", []):
        yield from _nodes(child)
