"""What the relay forgets, when, a little at a time and over an index; and what it never does."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from api.relay.forget import AT_ONCE, STEPS, Forgetting
from api.relay.meters import RelayMeters
from devices.twin import store as commands
from ingest.twin import store as answers
from ledger import idempotency, outbox
from ledger.statements import Statements
from tests.processes import relaying, wait_for
from tests.ticketing.builders import NOW, Firm
from ticketing.links import links

KEPT = {
    "commands": commands.KEPT,
    "answers": answers.SET_ASIDE_KEPT,
    "links": links.KEPT,
    "idempotency_keys": idempotency.KEPT,
    "deliveries": outbox.KEPT,
}
# %(n)s rows of each that are over since %(at)s, and one that lasts, however old.
FILL = {
    "commands": """
        INSERT INTO command (command_id, device_no, tenant_id, name, arguments, state, queued_at, queued_by, expires_at,
                             over_at)
        SELECT gen_random_uuid(), device_no, 'demo', 'ping', '{}', CASE WHEN n = 0 THEN 'QUEUED' ELSE 'SUCCEEDED' END,
               %(at)s, 'x', %(at)s, CASE WHEN n > 0 THEN %(at)s::timestamptz END
        FROM device, generate_series(0, %(n)s) AS n""",
    "answers": """
        INSERT INTO device_answer (tenant_id, device_no, seq, received_at, about, body, set_aside)
        SELECT 'demo', device_no, n, %(at)s, 'reported', '{}', CASE WHEN n > 0 THEN 'TypeError' END
        FROM device, generate_series(0, %(n)s) AS n""",
    "links": """
        INSERT INTO link (token_sha256, tenant_id, purpose, subject_id, recipient, minted_at, expires_at)
        SELECT gen_random_uuid(), 'demo', 'ticket', '', '', %(at)s,
               %(at)s::timestamptz + CASE WHEN n = 0 THEN interval '9 years' ELSE interval '0' END
        FROM generate_series(0, %(n)s) AS n""",
    "idempotency_keys": """
        INSERT INTO idempotency (tenant_id, key, body_sha256, status, answer, at)
        SELECT 'demo', gen_random_uuid(), '', 201, '{}',
               %(at)s::timestamptz + CASE WHEN n = 0 THEN interval '9 years' ELSE interval '0' END
        FROM generate_series(0, %(n)s) AS n""",
    "deliveries": """
        WITH said AS (INSERT INTO event (event_id, tenant_id, kind, subject_id, at, actor)
                      VALUES (gen_random_uuid(), 'demo', 'x.done', 'x', %(at)s, 'x') RETURNING event_id)
        INSERT INTO delivery (delivery_id, tenant_id, event_id, destination, lane, state, next_at)
        SELECT gen_random_uuid(), 'demo', event_id, 'email:' || n, 'x',
               CASE WHEN n = 0 THEN 'PENDING' WHEN n %% 2 = 0 THEN 'DEAD' ELSE 'DELIVERED' END, %(at)s
        FROM said, generate_series(0, %(n)s) AS n""",
}
FOUND = {
    "commands": ("devices.twin", "forget_commands", "command_over"),
    "answers": ("ingest.twin", "forget_set_aside", "device_answer_old"),
    "links": ("ticketing.links", "forget_links", "link_expired"),
    "idempotency_keys": ("ledger", "forget_idempotency_keys", "idempotency_old"),
    "deliveries": ("ledger", "forget_deliveries", "delivery_settled"),
}
TABLES = {
    "commands": "command",
    "answers": "device_answer",
    "links": "link",
    "idempotency_keys": "idempotency",
    "deliveries": "delivery",
}


def fill(firm: Firm, what: str, n: int, at: datetime = NOW) -> None:
    with firm.database.connect() as conn:
        conn.execute(FILL[what].encode(), {"n": n, "at": at})


def forgets(firm: Firm, now: datetime, limit: int = AT_ONCE) -> Any:
    meters = RelayMeters()
    with firm.database.connect("foremend_relay") as conn:
        Forgetting(meters.forgotten).forget(conn, now, limit)
    return lambda what: meters.registry.get_sample_value("foremend_forgotten_total", {"what": what})


@pytest.mark.parametrize("what", STEPS)
def test_what_is_over_for_long_enough_is_forgotten_and_what_lasts_is_not(firm: Firm, what: str) -> None:
    firm.device()
    fill(firm, what, 3)
    assert forgets(firm, NOW + KEPT[what])(what) == 0
    assert firm.count(TABLES[what]) == 4
    assert forgets(firm, NOW + KEPT[what] + timedelta(seconds=1))(what) == 3
    assert firm.count(TABLES[what]) == 1


@pytest.mark.parametrize("what", STEPS)
def test_a_round_forgets_no_more_than_it_may_the_oldest_first(firm: Firm, what: str) -> None:
    firm.device()
    fill(firm, what, 3)
    fill(firm, what, 3, NOW - timedelta(days=1))
    assert forgets(firm, NOW + KEPT[what], limit=2)(what) == 2
    assert forgets(firm, NOW + KEPT[what], limit=2)(what) == 1
    assert forgets(firm, NOW + KEPT[what], limit=2)(what) == 0


@pytest.mark.parametrize("what", STEPS)
def test_the_old_are_found_by_an_index_however_many_are_young(firm: Firm, what: str) -> None:
    firm.device()
    fill(firm, what, 1_000)
    room, statement, index = FOUND[what]
    with firm.database.connect() as owner:
        owner.execute(f"ANALYZE {TABLES[what]}".encode())
    with firm.database.connect("foremend_relay") as conn:
        text = b"EXPLAIN " + getattr(Statements(room), statement)
        plan = [line for (line,) in conn.execute(text, {"before": NOW - timedelta(days=1), "limit": AT_ONCE})]
    assert [line for line in plan if index in line], plan
    assert not [line for line in plan if "Seq Scan" in line], plan


def test_the_log_is_never_forgotten(firm: Firm) -> None:
    fill(firm, "deliveries", 3)
    forgets(firm, NOW + timedelta(days=3650))
    assert (firm.count("event"), firm.count("delivery")) == (1, 1)


def test_the_relay_forgets_by_itself(firm: Firm) -> None:
    firm.device()
    fill(firm, "links", 3, NOW - timedelta(days=1000))
    with relaying(firm.database.settings()):
        wait_for(lambda: firm.count("link") == 1)
