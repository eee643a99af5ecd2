"""Credentials are issued once, rotated without a gap, revoked at once; and nothing but the answer has the password."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from devices import catalogue, registry
from devices.credentials import issuing, store
from devices.credentials.errors import AlreadyIssuedError, NothingToRotateError, UnknownCredentialError
from devices.credentials.lifecycle import GRACE
from devices.credentials.model import Credential, Issued, State, Username
from devices.credentials.verify import Verdict, judge
from devices.model import Device
from devices.registry import Registration
from ledger import outbox, scope
from ledger.model import Scope
from ledger.statements import Statements
from tests.conftest import Database

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
BY = Scope(tenant_id="demo", actor="staff:desk")
CLASSES = catalogue.load()


@pytest.fixture
def conn(database: Database) -> Iterator[psycopg.Connection[Any]]:
    with database.connect("foremend_api", autocommit=False) as connection:
        scope.enter(connection, BY)
        yield connection


def a_device(conn: psycopg.Connection[Any], device_id: str = "fridge-1") -> Device:
    said = Registration(device_id=device_id, class_id="refrigerator", model="F", serial=device_id)
    return registry.register(conn, CLASSES, said, by=BY, now=NOW).device


def states(conn: psycopg.Connection[Any], device: Device, now: datetime) -> list[State]:
    return [each.state(now) for each in store.of_device(conn, device)]


def verdict(conn: psycopg.Connection[Any], issued: Issued, now: datetime, **other: Any) -> Verdict:
    found = store.find_by_usernames(conn, [str(issued.username)]).get(str(issued.username))
    said = {"password": issued.password, "client_id": issued.username.client_id, **other}
    return judge(issued.username, found, said["password"], said["client_id"], now)


def test_what_is_issued_lets_in_its_own_device_and_is_nowhere_in_the_clear(conn: psycopg.Connection[Any]) -> None:
    device = a_device(conn)
    issued = issuing.issue(conn, device, by=BY, now=NOW)
    assert str(issued.username) == "demo.fridge-1.1"
    assert issued.username.client_id == "demo:fridge-1"
    assert len(issued.password) == 32
    assert verdict(conn, issued, NOW) is Verdict.LET_IN
    assert verdict(conn, issued, NOW, password=issued.password[:-1]) is Verdict.WRONG_PASSWORD
    assert verdict(conn, issued, NOW, client_id="demo:fridge-2") is Verdict.FOREIGN_CLIENT_ID
    kept = conn.execute("SELECT credential::text FROM credential").fetchone()[0]
    kept += str(conn.execute("SELECT json_agg(event) FROM event").fetchone()[0])
    assert issued.password not in kept + repr(issued) + repr(store.of_device(conn, device))
    assert [event.kind for event in outbox.history(conn, "fridge-1")][-1] == "credential.issued"


def test_a_password_is_shown_once_whoever_lost_it_rotates(conn: psycopg.Connection[Any]) -> None:
    device = a_device(conn)
    with pytest.raises(NothingToRotateError):
        issuing.rotate(conn, device, by=BY, now=NOW)
    issuing.issue(conn, device, by=BY, now=NOW)
    with pytest.raises(AlreadyIssuedError):
        issuing.issue(conn, device, by=BY, now=NOW)
    issuing.revoke(conn, device, None, by=BY, now=NOW)
    assert issuing.issue(conn, device, by=BY, now=NOW).username.n == 2


def test_after_a_rotation_both_open_until_the_new_one_is_used(conn: psycopg.Connection[Any]) -> None:
    device = a_device(conn)
    old = issuing.issue(conn, device, by=BY, now=NOW)
    store.note_used(conn, {str(old.username): (NOW, "192.0.2.1")}, NOW)
    new = issuing.rotate(conn, device, by=BY, now=NOW)
    later = NOW + timedelta(days=1)
    assert [verdict(conn, each, later) for each in (old, new)] == [Verdict.LET_IN] * 2
    assert issuing.came_in(conn, {str(new.username): (later, "192.0.2.1")}, later) == [str(old.username)]
    assert [verdict(conn, each, later) for each in (old, new)] == [Verdict.EXPIRED, Verdict.LET_IN]
    assert store.list_ended(conn, later) == [str(old.username)]
    store.mark_dropped(conn, [str(old.username)], later)
    assert store.list_ended(conn, later) == []
    told = [event for event in outbox.history(conn, "fridge-1") if event.kind.startswith("credential.")]
    assert [(event.kind, event.actor, event.data) for event in told] == [
        ("credential.issued", BY.actor, {"n": 1}),
        ("credential.issued", BY.actor, {"n": 2, "ends": {"1": (NOW + GRACE).isoformat()}}),
        ("credential.ended", "device:fridge-1", {"n": 1}),
    ]


def test_a_rotated_one_that_nobody_replaces_ends_after_the_grace(conn: psycopg.Connection[Any]) -> None:
    device = a_device(conn)
    old = issuing.issue(conn, device, by=BY, now=NOW)
    new = issuing.rotate(conn, device, by=BY, now=NOW)
    end = NOW + GRACE
    assert verdict(conn, old, end - timedelta(seconds=1)) is Verdict.LET_IN
    assert [verdict(conn, each, end) for each in (old, new)] == [Verdict.EXPIRED, Verdict.LET_IN]


def test_never_more_than_two_open_and_the_one_in_use_is_kept(conn: psycopg.Connection[Any]) -> None:
    device = a_device(conn)
    first = issuing.issue(conn, device, by=BY, now=NOW)
    store.note_used(conn, {str(first.username): (NOW, "192.0.2.1")}, NOW)
    for n in range(1, 4):
        issuing.rotate(conn, device, by=BY, now=NOW + timedelta(minutes=n))
    now = NOW + timedelta(minutes=4)
    assert states(conn, device, now) == [State.LIVE, State.EXPIRED, State.EXPIRED, State.LIVE]


def test_a_revoked_one_opens_nothing_and_waits_to_be_dropped(conn: psycopg.Connection[Any]) -> None:
    device = a_device(conn)
    old = issuing.issue(conn, device, by=BY, now=NOW)
    new = issuing.rotate(conn, device, by=BY, now=NOW)
    with pytest.raises(UnknownCredentialError):
        issuing.revoke(conn, device, 3, by=BY, now=NOW)
    assert issuing.revoke(conn, device, 1, by=BY, now=NOW) == [1]
    assert [verdict(conn, each, NOW) for each in (old, new)] == [Verdict.REVOKED, Verdict.LET_IN]
    assert issuing.revoke(conn, device, None, by=BY, now=NOW) == [2]
    assert set(store.list_ended(conn, NOW)) == {"demo.fridge-1.1", "demo.fridge-1.2"}
    told = [event.data["n"] for event in outbox.history(conn, "fridge-1") if event.kind == "credential.revoked"]
    assert told == [1, 2]


def test_what_was_revoked_by_a_clock_that_is_ahead_is_dropped_at_once(conn: psycopg.Connection[Any]) -> None:
    device = a_device(conn)
    issuing.issue(conn, device, by=BY, now=NOW)
    issuing.revoke(conn, device, None, by=BY, now=NOW + timedelta(minutes=1))
    assert store.list_ended(conn, NOW) == ["demo.fridge-1.1"]
    assert store.list_ended(conn, NOW, but=["demo.fridge-1.1"]) == []


def test_who_is_to_be_dropped_and_who_asks_to_come_in_are_found_by_an_index(conn: psycopg.Connection[Any]) -> None:
    conn.execute("SET LOCAL enable_seqscan = off")
    sql = Statements("devices.credentials")
    names = {"now": NOW, "but": [], "limit": 10, "usernames": ["demo.fridge-1.1"]}
    for name, index in (("list_ended", "credential_ended"), ("find_by_usernames", "credential_username_key")):
        plan = "\n".join(line for (line,) in conn.execute(b"EXPLAIN " + getattr(sql, name), names))
        assert f"using {index}" in plan or f"on {index}" in plan, plan


def test_all_devices_without_one_get_theirs_page_by_page(conn: psycopg.Connection[Any]) -> None:
    for number in range(5):
        a_device(conn, f"fridge-{number}")
    issuing.issue(conn, registry.find(conn, "demo", "fridge-2"), by=BY, now=NOW)
    first, after = issuing.issue_missing(conn, after=0, limit=3, by=BY, now=NOW)
    rest, end = issuing.issue_missing(conn, after=after or 0, limit=3, by=BY, now=NOW)
    assert [str(each.username) for each in first + rest] == [f"demo.fridge-{n}.1" for n in (0, 1, 3, 4)]
    assert end is None
    assert len({each.password for each in first + rest}) == 4
    live = store.list_live(conn, NOW, limit=3)
    assert [each.n for each in live + store.list_live(conn, NOW, after=(live[-1].device_no, 1))] == [1] * 5


def test_another_tenants_credentials_do_not_exist(conn: psycopg.Connection[Any]) -> None:
    device = a_device(conn)
    issuing.issue(conn, device, by=BY, now=NOW)
    scope.enter(conn, Scope(tenant_id="other", actor="staff:desk"))
    assert store.find_by_usernames(conn, ["demo.fridge-1.1"]) == {}
    assert store.of_device(conn, device) == []


@pytest.mark.parametrize(
    "name", ["", "demo", "demo.fridge-1", "demo.fridge-1.0", "demo.fridge-1.01", "a.b.c.1", "demo.fr/1.1", "demo.x.1\n"]
)
def test_what_is_no_devices_name_is_read_as_none(name: str) -> None:
    assert Username.read(name) is None
    assert judge(None, None, "x", "x", NOW) is Verdict.NO_DEVICE


def test_a_name_is_read_as_it_is_written() -> None:
    name = Username("demo", "fridge_1-A", 12)
    assert Username.read(str(name)) == name


def test_why_somebody_is_turned_away_is_decided_only_for_who_has_the_password() -> None:
    name = Username("demo", "d", 1)
    sha256 = bytes.fromhex("2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b")  # of `secret`
    facts = {"device_no": 1, "n": 1, "tenant_id": "demo", "username": str(name), "issued_at": NOW}
    revoked = Credential(**facts, password_sha256=sha256, revoked_at=NOW)
    assert judge(name, revoked, "guess", "demo:d", NOW) is Verdict.WRONG_PASSWORD
    assert judge(name, revoked, "secret", "demo:d", NOW) is Verdict.REVOKED
    assert judge(name, None, "guess", "demo:d", NOW) is Verdict.UNKNOWN
