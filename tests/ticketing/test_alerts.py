"""Findings become alerts: one ACTIVE a device and rule, whoever races; what cannot be taken is set aside and shown."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import UUID, uuid4

import psycopg
import pytest

from tests.processes import wait_for
from tests.ticketing.builders import CLASSES, NOW, OTHER_RULE, RULE, Firm, at_once, blocked, insert_finding
from ticketing.alerts import lifecycle, store
from ticketing.alerts.model import Alert, Condition, Engagement
from ticketing.alerts.take import Took, take_findings
from ticketing.model import Severity, Symptom


def test_a_finding_raises_an_alert_of_its_rules_family(firm: Firm) -> None:
    device = firm.device()
    alert = firm.alert(device)
    assert (alert.family, alert.severity, alert.condition, alert.engagement) == (
        "compressor",
        Severity.MAJOR,
        Condition.ACTIVE,
        Engagement.NONE,
    )
    assert (alert.since, alert.raised_at, alert.device_id) == (NOW - timedelta(hours=6), NOW, "fridge-1")
    assert firm.kinds(alert.alert_id) == ["alert.raised"]


def test_a_repeated_finding_raises_occurrences_not_a_second_alert(firm: Firm) -> None:
    device = firm.device()
    firm.alert(device)
    firm.forward(hours=1)
    firm.finding(device, observed=40.0)
    assert firm.take() == [Took.REPEATED]
    (alert,) = firm.alerts()
    assert (alert.occurrences, alert.last_seen, alert.observed) == (2, firm.now, 40.0)
    assert alert.raised_at == NOW


def test_what_cleared_and_comes_back_is_a_new_alert(firm: Firm) -> None:
    device = firm.device()
    firm.alert(device)
    firm.finding(device, "CLEARED")
    firm.finding(device)
    assert firm.take() == [Took.CLEARED, Took.RAISED]
    assert [alert.condition for alert in firm.alerts()] == [Condition.ACTIVE, Condition.CLEARED]


def test_a_finding_is_taken_once(firm: Firm) -> None:
    firm.finding(firm.device())
    assert (firm.take(), firm.take()) == ([Took.RAISED], [])


def test_a_finding_that_cannot_be_taken_is_set_aside_and_the_rest_goes_on(firm: Firm) -> None:
    device = firm.device()
    firm.finding(device, rule="level:nobody_measures_this")
    firm.finding(device)
    assert firm.take() == [Took.SET_ASIDE, Took.RAISED]
    with firm.api() as conn:
        (aside,) = store.set_aside(conn)
    assert (aside.device_id, aside.rule) == ("fridge-1", "level:nobody_measures_this")
    assert "UnknownRuleError" in aside.set_aside
    assert firm.take() == []


def test_a_finding_that_the_database_refuses_leaves_nothing_behind(firm: Firm) -> None:
    device = firm.device()
    firm.finding(device, observed=float("inf"))  # which jsonb has no word for
    assert firm.take() == [Took.SET_ASIDE]
    assert (firm.alerts(), firm.count("event WHERE kind LIKE 'alert.%'")) == ([], 0)


def test_a_detector_that_was_switched_off_is_in_the_devices_history(firm: Firm) -> None:
    device = firm.device()
    firm.finding(device, "SWITCHED_OFF", evidence={"error": "ZeroDivisionError"})
    assert firm.take() == [Took.NOTHING]
    assert firm.count(f"event WHERE kind = 'detector.switched_off' AND subject_id = 'device:{device.device_no}'") == 1


def test_two_takers_at_once_give_one_alert(firm: Firm) -> None:
    device = firm.device()
    for _ in range(6):
        firm.finding(device)
    took = at_once(firm.take, firm.take)
    assert sorted(word for words in took for word in words) == sorted([Took.RAISED, *[Took.REPEATED] * 5])  # type: ignore[attr-defined]
    (alert,) = firm.alerts()
    assert alert.occurrences == 6


def test_two_findings_raced_through_two_connections_give_one_alert(firm: Firm) -> None:
    """The index decides, not a look before the leap: the second insert waits for the first and joins it."""
    device = firm.device()
    symptom = Symptom(
        tenant_id="demo",
        device_no=device.device_no,
        rule=RULE,
        family="compressor",
        severity=Severity.MAJOR,
        metric="power_w",
        observed=1.0,
        expected=2.0,
        since=NOW,
        at=NOW,
    )

    def race() -> UUID:
        with firm.relay() as conn:
            return store.raise_alert(conn, symptom, uuid4(), NOW)

    with ThreadPoolExecutor(1) as threads:
        with firm.relay() as conn:
            first = store.raise_alert(conn, symptom, uuid4(), NOW)
            second = threads.submit(race)
            wait_for(lambda: blocked(firm.database))
            assert not second.done()
        assert second.result() == first
    assert firm.alerts()[0].occurrences == 2


def test_another_rule_and_another_device_have_alerts_of_their_own(firm: Firm) -> None:
    one, other = firm.device(), firm.device("fridge-2")
    firm.finding(one)
    firm.finding(one, rule=OTHER_RULE)
    firm.finding(other)
    assert firm.take() == [Took.RAISED] * 3


def test_another_tenant_sees_none_of_it(firm: Firm) -> None:
    firm.alert(firm.device())
    with firm.database.connect("foremend_api", autocommit=False) as conn:
        assert store.listed(conn) == []


def test_the_relay_takes_findings_in_order_and_stops_at_the_limit(firm: Firm) -> None:
    device = firm.device()
    with firm.worker() as conn:
        for claim in ("RAISED", "CLEARED", "RAISED"):
            insert_finding(conn, device, claim, RULE, NOW)
    with firm.relay() as conn:
        assert take_findings(conn, CLASSES, NOW, limit=2) == [Took.RAISED, Took.CLEARED]
        assert take_findings(conn, CLASSES, NOW, limit=2) == [Took.RAISED]


def test_the_gates_index_serves_the_timers(firm: Firm) -> None:
    device = firm.device()
    firm.alert(device)
    with firm.database.connect() as conn:
        conn.execute("SET enable_seqscan = off")
        plan = "\n".join(
            row[0]
            for row in conn.execute("EXPLAIN SELECT 1 FROM alert WHERE look_at <= now() ORDER BY look_at LIMIT 1")
        )
    assert "alert_look" in plan


def an_alert(**facts: object) -> Alert:
    said: dict[str, object] = {
        "alert_id": uuid4(),
        "tenant_id": "demo",
        "device_no": 1,
        "device_id": "fridge-1",
        "rule": RULE,
        "family": "compressor",
        "severity": Severity.MAJOR,
        "condition": Condition.ACTIVE,
        "engagement": Engagement.NONE,
        "metric": "power_w",
        "observed": 1.0,
        "expected": 2.0,
        "since": NOW,
        "raised_at": NOW,
        "last_seen": NOW,
        "occurrences": 1,
        "cleared_at": None,
        "evidence": {},
        "ticket_id": None,
        "review": None,
        "look_at": None,
        "waits_for": None,
    }
    return Alert(**{**said, **facts})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("engagement", "ticket_id", "becomes", "follows"),
    [
        (Engagement.NONE, None, Engagement.NONE, False),
        (Engagement.ASKED, None, Engagement.WITHDRAWN, True),  # the customer is to be told
        (Engagement.CONFIRMED, uuid4(), Engagement.CONFIRMED, True),  # the ticket gets a note
        (Engagement.DECLINED, None, Engagement.DECLINED, False),
        (Engagement.EXPIRED, None, Engagement.EXPIRED, False),
    ],
)
def test_what_clearing_makes_of_an_alert(
    engagement: Engagement, ticket_id: UUID | None, becomes: Engagement, *, follows: bool
) -> None:
    alert = an_alert(engagement=engagement, ticket_id=ticket_id, look_at=NOW)
    after = lifecycle.cleared(alert, NOW, NOW)
    assert (after.condition, after.engagement) == (Condition.CLEARED, becomes)
    assert (after.look_at is not None) == follows


def test_the_relay_has_the_rights_it_needs_and_no_others(firm: Firm) -> None:
    for statement in (
        "UPDATE ticket SET state = 'CANCELLED'",
        "INSERT INTO snapshot (snapshot_id) VALUES (gen_random_uuid())",
        "SELECT * FROM snapshot",
        "DELETE FROM alert",
        "UPDATE event SET kind = 'x'",
        "SELECT * FROM link",
    ):
        with firm.relay() as conn, pytest.raises(psycopg.errors.InsufficientPrivilege):
            conn.execute(statement.encode())
