"""The REST interface of customers, sites and devices' facts: what is changed names the version that it saw."""

from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.http.conftest import a_device_body

BAIDU = {"latitude": 39.915, "longitude": 116.404, "datum": "BD-09"}


def test_a_devices_point_is_kept_as_it_was_given_and_in_wgs_84(client: TestClient) -> None:
    body = a_device_body(point=BAIDU, bought_on="2026-01-31")
    said = client.put("/api/devices/fridge-1", json=body).json()
    assert said["point"]["given"] == BAIDU
    assert (round(said["point"]["latitude"], 4), round(said["point"]["longitude"], 4)) == (39.9073, 116.3914)
    assert client.put("/api/devices/fridge-1", json=body).status_code == 200
    other = a_device_body(point={**BAIDU, "datum": "GCJ-02"}, bought_on="2026-01-31")
    assert client.put("/api/devices/fridge-1", json=other).status_code == 409


def test_a_fact_is_corrected_with_the_version_that_was_seen(client: TestClient) -> None:
    client.put("/api/devices/fridge-1", json=a_device_body())
    client.put("/api/devices/fridge-2", json=a_device_body(serial="S2"))
    tag = client.get("/api/devices/fridge-1").headers["etag"]

    def patch(if_match: str | None, **changes: Any) -> Any:
        headers = {"if-match": if_match} if if_match else {}
        return client.patch("/api/devices/fridge-1", json=changes, headers=headers)

    assert patch(None, place="elsewhere").status_code == 428
    amended = patch(tag, place="elsewhere", bought_on="2026-01-31", point=BAIDU)
    assert (amended.json()["place"], amended.json()["bought_on"]) == ("elsewhere", "2026-01-31")
    assert patch(tag, place="nowhere").status_code == 412
    now = amended.headers["etag"]
    assert patch(now, place="elsewhere").headers["etag"] == now, "nothing changed"
    assert patch(now, serial="S2").json()["type"] == "urn:foremend:problem:device-taken"
    assert patch(now, bought_on=None, point=None).json()["point"] is None
    assert client.patch("/api/devices/fridge-1", json={"class_id": "x"}, headers={"if-match": now}).status_code == 422


def test_devices_are_listed_by_what_they_are(client: TestClient) -> None:
    client.put("/api/devices/fridge-1", json=a_device_body())
    client.put("/api/devices/room-1", json={"class_id": "cold_room", "model": "W", "serial": "1"})

    def ids(**asked: str) -> list[str]:
        return [each["device_id"] for each in client.get("/api/devices", params=asked).json()["devices"]]

    customer = client.get("/api/devices/fridge-1").json()["customer_id"]
    assert ids(**{"class": "cold_room"}) == ids(state="MADE") == ids(text="ROOM") == ["room-1"]
    assert ids(customer=customer) == ids(state="CLAIMED") == ids(model="F-200") == ["fridge-1"]
    assert ids(site="Mill 3") == []
    assert client.get("/api/devices", params={"state": "BROKEN"}).status_code == 422


def test_a_customer_is_found_by_phone_or_mail_and_corrected(client: TestClient) -> None:
    ann = {"name": "Ann", "phone": "+49 (30) 12-34", "email": "Ann@Example.org"}
    first = client.post("/api/customers", json=ann)
    by_phone = client.post("/api/customers", json={"name": "A. Berg", "phone": "+49301234"}).json()
    by_mail = client.post("/api/customers", json={"name": "Ann", "email": "ann@example.org"}).json()
    assert by_phone == by_mail == first.json()
    assert client.post("/api/customers", json={"name": "Ann"}).json()["customer_id"] != first.json()["customer_id"]
    url = f"/api/customers/{first.json()['customer_id']}"
    assert client.patch(url, json={"name": "Ann Berg"}).status_code == 428
    amended = client.patch(url, json={"name": "Ann Berg", "email": None}, headers={"if-match": first.headers["etag"]})
    assert (amended.json()["name"], amended.json()["email"], amended.json()["phone"]) == (
        "Ann Berg",
        None,
        ann["phone"],
    )
    assert client.patch(url, json={"name": "X"}, headers={"if-match": first.headers["etag"]}).status_code == 412
    listed = client.get("/api/customers", params={"text": "berg", "limit": 1}).json()
    assert [each["name"] for each in listed["customers"]] == ["Ann Berg"]
    assert client.get("/api/customers", params={"after": listed["next"]}).json()["customers"][0]["name"] == "Ann"


def test_somebody_without_an_address_is_one_customer_under_one_key(client: TestClient) -> None:
    def made(name: str) -> Any:
        return client.post("/api/customers", json={"name": name}, headers={"Idempotency-Key": "k"})

    assert made("Ann").json() == made("Ann").json()
    assert made("Bob").status_code == 422


def test_whoever_a_household_is_named_by_stays_its_owner(client: TestClient) -> None:
    ann = client.post("/api/customers", json={"name": "Ann", "phone": "+49 30 12345"}).json()["customer_id"]
    nobody = "00000000-0000-0000-0000-000000000001"
    url = f"/api/customers/{ann}/household"
    assert client.put(f"{url}/{ann}", json={"role": "MEMBER"}).status_code == 409
    assert client.put(f"{url}/{nobody}", json={"role": "MEMBER"}).status_code == 404
    assert client.get(f"/api/customers/{nobody}/household").status_code == 404
    assert [each["role"] for each in client.get(url).json()["members"]] == ["OWNER"]


def test_a_site_is_made_by_placing_a_device_and_described_afterwards(client: TestClient) -> None:
    client.put("/api/devices/fridge-1", json=a_device_body())
    client.put("/api/devices/fridge-1/place", json={"site": "Mill 3"})
    site = client.get("/api/sites/Mill 3")
    assert (site.json()["time_zone"], site.json()["latitude"]) == ("UTC", None)
    said = {"address": "Mill Lane 3", "time_zone": "Asia/Shanghai", "point": BAIDU}
    assert client.put("/api/sites/Mill 3", json=said).status_code == 412
    put = client.put("/api/sites/Mill 3", json=said, headers={"if-match": site.headers["etag"]})
    assert (put.status_code, put.json()["address"], put.json()["datum"]) == (200, "Mill Lane 3", "BD-09")
    assert client.put("/api/sites/Mill 3", json=said).headers["etag"] == put.headers["etag"], "nothing changed"
    told = client.get("/api/events", params={"subject": "Mill 3"}).json()["events"]
    assert [line["kind"] for line in told] == ["site.amended", "site.registered"]
    assert {"address", "time_zone", "datum"} <= set(told[0]["data"]["fields"])
    assert client.put("/api/sites/Yard", json={}).status_code == 201
    listed = client.get("/api/sites", params={"limit": 1}).json()
    assert [each["name"] for each in listed["sites"]] == ["Mill 3"]
    assert client.get("/api/sites", params={"after": listed["next"]}).json()["sites"][0]["name"] == "Yard"
    assert client.get("/api/sites/Nowhere").status_code == 404


def test_the_firm_has_a_name(client: TestClient) -> None:
    assert client.get("/api/tenant").json() == {"tenant": "demo", "name": "demo"}
    client.put("/api/tenant", json={"name": "Canal Cooling"})
    assert client.get("/api/tenant").json()["name"] == "Canal Cooling"


@pytest.mark.parametrize(
    ("point", "pointer"),
    [({"latitude": 91, "longitude": 0}, "#/point/latitude"), ({**BAIDU, "datum": "Tokyo"}, "#/point/datum")],
)
def test_a_point_that_cannot_be_is_pointed_at(doorway: TestClient, point: dict[str, Any], pointer: str) -> None:
    answer = doorway.put("/api/devices/fridge-1", json=a_device_body(point=point))
    assert answer.status_code == 422
    assert pointer in [error["pointer"] for error in answer.json()["errors"]]
