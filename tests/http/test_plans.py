"""What a page or a program asks for again and again is found by an index, however much there is of everything else."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest

from ledger import scope
from ledger.model import Scope
from ledger.statements import Statements
from tests.conftest import Database

PAGE, THERE = 20, 4_000
FILL = """
SET session_replication_role = replica;
INSERT INTO tenant VALUES ('demo', 'Demo'), ('other', 'Other'), ('quiet', 'Quiet');
CREATE TEMPORARY TABLE each AS
    SELECT t, n, (CASE t WHEN 'demo' THEN 'aa' ELSE 'bb' END || lpad(to_hex(n), 30, '0'))::uuid AS id,
           n % 200 + 1 + CASE t WHEN 'other' THEN 200 ELSE 0 END AS device_no, 'f' || n % 9 AS family,
           timestamptz '2026-01-01' + n * interval '1 min' AS at
    FROM generate_series(1, 4000) AS n, unnest(ARRAY['demo', 'other']) AS t;
INSERT INTO device (tenant_id, device_id, class_id, model, serial, label_token, registered_at)
SELECT t, 'd' || n, 'c', 'm', n::text, t || n, at FROM each WHERE n <= 200 ORDER BY t, n;
INSERT INTO event (event_id, tenant_id, kind, subject_id, at, actor) SELECT id, t, 'x.done', n::text, at, 'x' FROM each;
INSERT INTO alert (alert_id, tenant_id, device_no, rule, family, severity, condition, metric, observed, expected,
                   since, raised_at, last_seen)
SELECT id, t, device_no, 'level:x', family, 'minor', CASE WHEN n > 3990 THEN 'ACTIVE' ELSE 'CLEARED' END, 'm', 1, 2,
       at, at, at
FROM each;
INSERT INTO ticket (ticket_id, tenant_id, number, device_no, family, severity, source, state, opened_at, changed_at)
SELECT id, t, n::text, device_no, family, 'minor', 'alert', CASE WHEN n > 3990 THEN 'READY' ELSE 'RESOLVED' END, at, at
FROM each;
INSERT INTO report (report_id, tenant_id, device_no, ticket_id, joined, words, contact, photo_sha256, channel, actor,
                    steps, at)
SELECT id, t, device_no, id, false, '', '', md5(id::text), 'qr', 'x', '[]', at FROM each;
INSERT INTO outage (outage_id, tenant_id, kind, subject, device_no, cause, since, noticed_at, until)
SELECT id, t, 'DEVICE', 'd' || n, device_no, 'SILENCE', at, at, CASE WHEN n <= 3900 THEN at END FROM each;
INSERT INTO refusal (tenant_id, seq, received_at, topic, reason, detail, payload, key, device_id, last_seq,
                     last_seen_at)
SELECT t, n, at, 'x', CASE WHEN n = 5 THEN 'BAD_TOPIC' ELSE 'NOT_JSON' END, '', '', decode(md5(id::text), 'hex'), 'd',
       n, at
FROM each;
RESET session_replication_role;
ANALYZE;
"""
NOTHING: dict[str, Any] = {
    **dict.fromkeys(("condition", "device_no", "lasts", "kind", "parent_id", "older_than")),
    **dict.fromkeys(("reason", "device_id", "topic", "since", "before", "refusal_no")),
}
OUTAGES = ("ingest.presence", "list_outages")
ASKED: list[tuple[tuple[str, str], dict[str, Any]]] = [
    (("api.http", "find_newest_change"), {}),
    (("api.http", "find_report_photo"), {"sha256": "no such photo"}),
    (("api.http", "count_of_device"), {"device_no": 7}),
    (("api.http", "list_open_tickets"), {}),
    (("ticketing.alerts", "list_alerts"), {}),
    (("ticketing.alerts", "list_alerts"), {"device_no": 7}),
    (("ticketing.alerts", "list_alerts"), {"condition": "ACTIVE"}),
    (("ticketing.tickets", "list_tickets"), {"device_no": 7}),
    (OUTAGES, {"top": False}),
    (OUTAGES, {"top": True, "lasts": True}),
    (OUTAGES, {"top": False, "kind": "OURSELVES"}),
    (OUTAGES, {"top": False, "kind": "SITE"}),
    (OUTAGES, {"top": True, "older_than": UUID("aa" + "0" * 27 + "7d0")}),
    (("ingest", "list_refusals"), {}),
    (("ingest", "list_refusals"), {"reason": "BAD_TOPIC"}),
]


@pytest.mark.parametrize("tenant", ["demo", "quiet"])
def test_nothing_of_the_desk_walks_through_a_tenant(database: Database, tenant: str) -> None:
    """Nor one without anything through the others."""
    with database.connect() as owner:
        owner.execute(FILL)
    with database.connect("foremend_api", autocommit=False) as conn:
        scope.enter(conn, Scope(tenant_id=tenant, actor="x"))
        for (room, statement), asked in ASKED:
            text = b"EXPLAIN (ANALYZE, FORMAT JSON) " + getattr(Statements(room), statement)
            (plan,) = conn.execute(text, {**NOTHING, "limit": PAGE, **asked}).fetchone() or ({},)
            most = max(_read(node) for node in _nodes(plan[0]["Plan"]))
            assert most <= THERE / 20, (statement, asked, plan)


def _read(node: dict[str, Any]) -> float:
    return float((node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"])


def _nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for child in node.get("Plans", []):
        yield from _nodes(child)
