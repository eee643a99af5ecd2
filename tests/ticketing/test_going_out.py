"""The decisions on the way out: the retry ladder, which addresses lie outside, what a webhook's body says."""

import json
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from ledger.model import DeliveryState, Event
from tests.ticketing.receivers import dripping
from ticketing.notify import adapter_http, ladder, outside
from ticketing.notify.envelope import Envelope, envelope
from ticketing.notify.model import Attempt, Endpoint

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
EVENT = Event(
    event_id=UUID("019a9f8e-0000-7000-8000-000000000001"),
    tenant_id="demo",
    kind="ticket.opened",
    subject_id="019a9f8e-0000-7000-8000-000000000002",
    at=NOW,
    actor="customer:x",
    data={"number": "T-000001", "device_id": "冰箱-1"},
)


def test_what_arrived_is_delivered() -> None:
    assert ladder.after(Attempt(), 3, NOW, 0.5).state is DeliveryState.DELIVERED


def test_each_failure_waits_longer_than_the_one_before_and_never_longer_than_six_hours() -> None:
    rungs = [ladder.after(Attempt(error="HTTP 500"), n, NOW, 0.0) for n in range(1, ladder.ATTEMPTS)]
    waits = [rung.next_at - NOW for rung in rungs]
    assert waits[:4] == [timedelta(seconds=s) for s in (5, 20, 80, 320)]
    assert waits == sorted(waits)
    assert waits[-1] == timedelta(hours=6)
    assert {rung.state for rung in rungs} == {DeliveryState.PENDING}


def test_jitter_spreads_by_a_quarter() -> None:
    rung = ladder.after(Attempt(error="x"), 1, NOW, 0.999)
    assert timedelta(seconds=6.2) < rung.next_at - NOW < timedelta(seconds=6.25)


@pytest.mark.parametrize(("attempt", "attempts"), [(Attempt(error="x"), 10), (Attempt(error="x", final=True), 1)])
def test_after_the_last_rung_or_a_final_error_it_is_dead(attempt: Attempt, attempts: int) -> None:
    rung = ladder.after(attempt, attempts, NOW, 0.0)
    assert (rung.state, rung.error) == (DeliveryState.DEAD, "x")


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.0.0.8",
        "172.16.3.4",
        "192.168.1.1",
        "169.254.169.254",  # where clouds keep their keys
        "100.64.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "255.255.255.255",
        "::1",
        "::",
        "fe80::1%eth0",
        "fd00::1",
        "::ffff:127.0.0.1",
        "64:ff9b::7f00:1",
        "64:ff9b:1::7f00:1",
        "::127.0.0.1",
        "::ffff:0:127.0.0.1",
        "fec0::1",
        "2002:7f00:1::",
        "ff02::1",
    ],
)
def test_this_machine_and_its_network_are_not_outside(address: str) -> None:
    assert outside.refuse_addresses(["93.184.216.34", address]) is not None


def test_public_addresses_are_outside() -> None:
    assert (
        outside.refuse_addresses(["93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946", "::ffff:93.184.216.34"])
        is None
    )


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.org",
        "file:///etc/passwd",
        "http://",
        "//example.org",
        "http://u:p@example.org/",
        "http://a:b:c",
        "http://example.org:0/",
        "http://example.org:99999/",
    ],
)
def test_only_plain_http_addresses_are_webhooks(url: str) -> None:
    assert outside.refuse_url(url) is not None
    assert adapter_http.post(url, Envelope(headers={}, body=b""), allow_private=True).final


def test_who_answers_a_byte_at_a_time_is_left_when_the_whole_time_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adapter_http, "WHOLE_S", 0.5)
    with dripping() as url:
        attempt = adapter_http.post(url, Envelope(headers={}, body=b"{}"), allow_private=True)
    assert (attempt.error, attempt.final) == ("SILENT 0.5", False)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "2130706433", "0x7f.1"])
def test_a_name_of_this_machine_is_refused_before_anything_is_sent(host: str) -> None:
    attempt = adapter_http.post(f"http://{host}:9/", Envelope(headers={}, body=b""), allow_private=False)
    assert attempt.final
    assert attempt.error is not None
    assert attempt.error.startswith("NOT_PUBLIC ")


def test_a_body_is_a_cloud_event_and_is_signed() -> None:
    signed = envelope(EVENT, SECRET, datetime.now(UTC))
    said = Webhook(SECRET).verify(signed.body, signed.headers)
    assert (
        said
        == json.loads(signed.body)
        == {
            "specversion": "1.0",
            "id": str(EVENT.event_id),
            "source": "/tenants/demo",
            "type": "foremend.ticket.opened",
            "subject": EVENT.subject_id,
            "time": "2026-11-20T09:00:00+00:00",
            "datacontenttype": "application/json",
            "data": {"number": "T-000001", "device_id": "冰箱-1", "actor": "customer:x"},
        }
    )
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(signed.body.replace(b"T-000001", b"T-000002"), signed.headers)


def test_a_retry_says_the_same_under_the_same_id() -> None:
    first, later = envelope(EVENT, SECRET, NOW), envelope(EVENT, SECRET, NOW + timedelta(hours=1))
    assert (first.body, first.headers["webhook-id"]) == (later.body, later.headers["webhook-id"])
    assert first.headers["webhook-signature"] != later.headers["webhook-signature"]


def test_a_secret_does_not_print() -> None:
    assert SECRET not in repr(Endpoint(url="https://example.org", secret=SECRET, active=True))
