"""A card's secret makes an appliance somebody's, once; a label alone never does."""

import re
from concurrent.futures import ThreadPoolExecutor
from html import unescape

import pytest
from starlette.testclient import TestClient

from api.http.guard import FORM_BYTES
from api.http.house import House
from api.relay.letters import Letter
from devices import store
from ledger import outbox
from tests.conftest import Database
from tests.http import photographs as taken
from tests.http.claims.conftest import GTIN, PERSON, SECRETS, begins, claims, owner_of, presses
from tests.http.conftest import Clock, a_device_body
from tests.http.scene import events
from ticketing.notify.model import Mail


def letters(database: Database, house: House, clock: Clock) -> list[Mail]:
    """What the relay writes to the owner, the newest one first."""
    with database.connect("foremend_relay") as conn:
        (customer_id,) = conn.execute("SELECT customer_id FROM device WHERE device_no = 1").fetchone() or (None,)
        owner = store.find_customer(conn, "demo", customer_id)
        assert owner is not None
        found = outbox.listed(conn)
        assert {delivery.destination for delivery in found} == {f"email:{customer_id}"}
        facts = {"settings": house.settings, "catalogue": house.catalogue, "now": clock.now}
        return [Letter(delivery=delivery, customer=owner, **facts).write(conn) for delivery in found]


def test_the_secret_binds_and_the_form_is_filled_in(
    client: TestClient, ann: TestClient, label: str, secret: str, database: Database
) -> None:
    assert f'href="/claim/{label}"' in ann.get(f"/r/{label}").text
    assert "The code on the card" in ann.get(f"/claim/{label}").text
    answer = claims(ann, label, secret=secret.upper())
    assert answer.status_code == 303
    page = ann.get(answer.headers["location"]).text
    assert "It is registered to you." in page
    assert "It is registered to you." not in ann.get(answer.headers["location"].partition("?")[0]).text
    ann.cookies.clear()
    assert "It is registered to you." not in ann.get(f"/r/{label}?claimed=1").text  # nobody is known here
    for known in ("Ann Lee", 'value="ann@example.org"', "12 Canal Street, kitchen", "2026-11-01"):
        assert known in page
    assert client.get("/api/devices/fridge-1").json()["state"] == "CLAIMED"
    claimed = events(database, "device.claimed")[0]
    assert claimed["actor"] == f"customer:{claimed['data']['customer_id']}"
    assert events(database, "device.claim_proved")[0]["data"] == {"by": "secret"}


def test_the_phone_that_claimed_finds_its_form_behind_the_label(ann: TestClient, label: str, secret: str) -> None:
    claims(ann, label, secret=secret)
    for path in (f"/r/{label}", f"/01/{GTIN}/21/S1"):
        page = ann.get(path).text
        assert 'value="ann@example.org"' in page
        assert "12 Canal Street, kitchen" in page


def test_the_owners_report_is_the_customers(
    client: TestClient, ann: TestClient, label: str, secret: str, database: Database
) -> None:
    path = claims(ann, label, secret=secret).headers["location"]
    photo = taken.jpeg(taken.noisy(taken.a_photo_of()))
    assert len(photo) > FORM_BYTES
    fields = {"words": "no longer cold", "contact": "ann@example.org", "key": "k"}
    sent = ann.post(path, data=fields, files={"photo": ("p.jpg", photo, "image/jpeg")})
    assert "Your ticket is T-000001." in sent.text
    assert events(database, "ticket.opened")[0]["actor"].startswith("customer:")


def test_a_label_alone_gives_no_customer_data_on_any_public_route(
    ann: TestClient, stranger: TestClient, label: str, secret: str, house: House
) -> None:
    claims(ann, label, secret=secret)
    ann.post(f"/r/{label}", data={"words": "no longer cold", "key": "k"})
    wrong = {"do": "secret", "secret": secret, "name": "Eve", "contact": "eve@example.org"}
    answers = [
        stranger.get(f"/r/{label}"),
        stranger.get("/r/", params={"code": label}),
        stranger.get(f"/claim/{label}"),
        stranger.get(f"/claim/{label}?press=x"),
        stranger.get(f"/01/{GTIN}/21/S1"),
        stranger.get(f"/claim/01/{GTIN}/21/S1"),
        *(stranger.get(f"/{page}/{label}") for page in ("q", "t", "m", "t/x")),
        stranger.post(f"/m/{label}", data={"words": "x"}),
        stranger.post(f"/claim/{label}", data=wrong),
        stranger.post(f"/claim/{label}", data={"do": "begin"}),
        stranger.post(f"/claim/01/{GTIN}/21/S1", data=wrong),
        report := stranger.post(f"/r/{label}", data={"words": "it hums", "key": "k"}),
        stranger.post(f"/01/{GTIN}/21/S1", data={"words": "it hums", "key": "k"}),
    ]
    follow = re.search(r'href="(/t/[^"]+)"', report.text)
    assert follow is not None
    answers.append(stranger.get(follow[1]))
    for answer in answers:
        assert "set-cookie" not in answer.headers
        assert [known for known in SECRETS if known in answer.text] == [], answer.url


def test_who_lost_his_link_finds_it_in_a_letter_or_is_given_another(
    ann: TestClient, client: TestClient, label: str, secret: str, database: Database, house: House, clock: Clock
) -> None:
    assert client.post("/desk/devices/fridge-1/claim/link").status_code == 409
    claims(ann, label, secret=secret)
    assert "Claim proved" in client.get("/desk/outbox").text
    (letter,) = letters(database, house, clock)
    written = re.search(r"http://127.0.0.1:8080(/m/\S+)", letter.body)
    assert written is not None
    given = client.post("/desk/devices/fridge-1/claim/link").headers["location"]
    ann.cookies.clear()
    for path in (written[1], given):
        assert 'value="ann@example.org"' in ann.get(path).text


def test_a_second_tap_is_the_same_claim(ann: TestClient, client: TestClient, label: str, secret: str) -> None:
    with ThreadPoolExecutor(3) as taps:
        answers = [*taps.map(lambda _: claims(ann, label, secret=secret, key="k1"), range(3))]
    assert [answer.status_code for answer in answers] == [303] * 3
    assert all("Ann Lee" in ann.get(answer.headers["location"]).text for answer in answers)
    assert len(client.get("/api/devices/fridge-1/ownership").json()["ownership"]) == 1


def test_a_get_begins_nothing(ann: TestClient, client: TestClient, label: str, secret: str) -> None:
    ann.get(f"/claim/{label}", params={"do": "secret", "secret": secret, **PERSON})
    assert owner_of(client) is None


def test_who_types_anothers_number_does_not_become_him(
    ann: TestClient, client: TestClient, label: str, secret: str
) -> None:
    client.put(
        "/api/devices/other", json=a_device_body(serial="S2", customer={"name": "Bob", "email": "ann@example.org"})
    )
    page = ann.get(claims(ann, label, secret=secret).headers["location"]).text
    assert "Bob" not in page
    assert owner_of(client) != client.get("/api/devices/other").json()["customer_id"]


def test_a_second_person_is_told_politely_and_the_owner_hears_of_it_once_a_day(
    ann: TestClient, stranger: TestClient, label: str, secret: str, database: Database, house: House, clock: Clock
) -> None:
    claims(ann, label, secret=secret)
    for _ in range(2):
        answer = claims(stranger, label, secret=secret, name="Eve", contact="eve@example.org")
        assert answer.status_code == 409
        assert "It is registered already" in answer.text
    told = events(database, "device.claim_refused")
    assert len(told) == 1
    refused, claimed = letters(database, house, clock)
    assert refused.to == claimed.to == "ann@example.org"
    assert refused.subject == "Somebody tried to register your refrigerator"
    assert "Eve" not in refused.body
    clock.forward(hours=25)
    claims(stranger, label, secret=secret)
    assert len(events(database, "device.claim_refused")) == 2


def test_wrong_secrets_lock_the_device_and_the_owner_gets_in_by_the_button(
    ann: TestClient, stranger: TestClient, client: TestClient, label: str, secret: str, database: Database, clock: Clock
) -> None:
    for n in range(5):
        answer = claims(stranger, label, secret=f"0000-0000-0000-000{n}")
        assert answer.status_code == 422
    assert "too many wrong codes" in unescape(answer.text)
    assert "2026-11-20 09:01" in answer.text
    assert 'value="0000-0000-0000-0004"' in answer.text
    locked = claims(ann, label, secret=secret)
    assert locked.status_code == 429
    assert "2026-11-20 09:01" in locked.text
    assert client.get("/api/devices/fridge-1/claim").json()["wrong_secrets"] == 5
    assert "Open the lock" in client.get("/desk/devices/fridge-1").text
    token = begins(ann, label)
    clock.forward(seconds=20)
    presses(database, clock)
    assert claims(ann, label, do="pressed", token=token).status_code == 303
    assert owner_of(client) is not None


def test_many_guesses_at_once_are_as_many(stranger: TestClient, client: TestClient, label: str, secret: str) -> None:
    with ThreadPoolExecutor(4) as taps:
        answers = [*taps.map(lambda n: claims(stranger, label, secret=f"wrong-{n}").status_code, range(8))]
    assert sorted(answers) == [422] * 5 + [429] * 3
    metrics = client.get("/metrics").text
    assert 'foremend_claims_total{verdict="WRONG"} 5.0' in metrics
    assert 'foremend_claims_total{verdict="LOCKED"} 3.0' in metrics
    assert 'foremend_claim_lockouts_total{of="device"} 1.0' in metrics


def test_an_address_that_guesses_at_many_devices_is_locked_and_no_other(
    ann: TestClient, stranger: TestClient, client: TestClient, label: str, secret: str
) -> None:
    others = []
    for n in range(3):
        body = {**a_device_body(serial=f"T{n}"), "customer": None}
        others.append(client.put(f"/api/devices/other-{n}", json=body).json()["label_url"].rpartition("/")[2])
    tried = [claims(stranger, others[n % 3], secret="wrong").status_code for n in range(11)]
    assert tried == [422] * 10 + [429]
    assert claims(stranger, label, secret=secret).status_code == 429
    assert claims(ann, label, secret=secret).status_code == 303


def test_a_lock_opens_by_itself_or_by_staff(
    ann: TestClient, stranger: TestClient, client: TestClient, label: str, secret: str, clock: Clock, database: Database
) -> None:
    for n in range(5):
        claims(stranger, label, secret=f"wrong-{n}")
    clock.forward(seconds=61)
    assert claims(stranger, label, secret="wrong").status_code == 422  # and closes it again, for longer
    assert claims(ann, label, secret=secret).status_code == 429
    assert client.post("/desk/devices/fridge-1/claim/unlock").status_code == 303
    assert claims(ann, label, secret=secret).status_code == 303
    assert events(database, "device.claim_unlocked")[0]["actor"] == "staff:desk"


def test_a_new_card_ends_the_old_one_and_an_old_card_has_an_end(
    ann: TestClient, client: TestClient, label: str, secret: str, clock: Clock
) -> None:
    newer = client.post("/api/devices/fridge-1/claim/secret", json={"valid_days": 1}).json()["secret"]
    assert "not the code" in claims(ann, label, secret=secret).text
    clock.forward(days=1)
    assert "too old" in claims(ann, label, secret=newer).text


def test_a_secret_is_kept_as_its_hash_alone(secret: str, database: Database) -> None:
    with database.connect() as conn:
        rows = conn.execute("SELECT t::text FROM claim_secret t UNION ALL SELECT e::text FROM event e").fetchall()
    assert not any(secret in text or secret.replace("-", "") in text for (text,) in rows)


def test_who_was_owner_before_finds_nothing_and_the_next_one_claims(
    ann: TestClient, stranger: TestClient, client: TestClient, label: str, secret: str, clock: Clock
) -> None:
    old = claims(ann, label, secret=secret, key="k1").headers["location"]
    version = client.get("/api/devices/fridge-1").json()["version"]
    clock.forward(minutes=1)
    moved = client.post("/api/devices/fridge-1/transitions", json={"to": "RESOLD", "version": version})
    assert moved.status_code == 200, moved.text
    assert ann.get(old).status_code == 404
    assert "Ann" not in ann.get(f"/r/{label}").text
    assert claims(ann, label, secret=secret, key="k1").status_code == 422, "a repeat is answered as it is now"
    assert "not the code" in claims(stranger, label, secret=secret).text, "a card is good once"
    newer = client.post("/api/devices/fridge-1/claim/secret").json()["secret"]
    clock.forward(minutes=1)
    page = stranger.get(claims(stranger, label, secret=newer, name="Eve", place="").headers["location"]).text
    assert "Eve" in page
    assert "Canal" not in page


def test_a_card_that_the_old_owner_never_needed_does_not_give_him_the_device_back(
    ann: TestClient, client: TestClient, label: str, secret: str, clock: Clock
) -> None:
    said = {"name": "Ann Lee", "email": "ann@example.org"}
    customer_id = client.post("/api/customers", json=said).json()["customer_id"]
    for to, more in (("CLAIMED", {"customer": customer_id}), ("RESOLD", {})):
        version = client.get("/api/devices/fridge-1").json()["version"]
        clock.forward(minutes=1)
        moved = client.post("/api/devices/fridge-1/transitions", json={"to": to, "version": version, **more})
        assert moved.status_code == 200, moved.text
    assert claims(ann, label, secret=secret).status_code == 422
    assert owner_of(client) is None


def test_of_two_customers_at_once_with_one_secret_one_has_the_device(
    ann: TestClient, client: TestClient, label: str, secret: str
) -> None:
    with ThreadPoolExecutor(4) as people:
        answers = people.map(lambda n: claims(ann, label, secret=secret, name=f"P{n}", contact=f"p{n}@x.org"), range(4))
    assert sorted(answer.status_code for answer in answers) == [303, 409, 409, 409]
    assert len(client.get("/api/devices/fridge-1/ownership").json()["ownership"]) == 1


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"name": " "}, "Please write your name"),
        ({"contact": ""}, "phone number or an e-mail"),
        ({"bought_on": "2026-11-21"}, "cannot lie ahead"),
        ({"bought_on": "yesterday"}, "cannot lie ahead"),
    ],
)
def test_what_is_missing_is_said_and_costs_no_guess(
    ann: TestClient, client: TestClient, label: str, secret: str, fields: dict[str, str], sentence: str
) -> None:
    answer = claims(ann, label, secret=secret, **fields)
    assert answer.status_code == 422
    assert sentence in answer.text
    assert client.get("/api/devices/fridge-1/claim").json()["wrong_secrets"] == 0


def test_the_page_speaks_chinese(ann: TestClient, label: str) -> None:
    assert "使用卡片上的登记码" in ann.get(f"/claim/{label}?lang=zh").text
