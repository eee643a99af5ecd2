"""Forms of the desk: a device's facts and place, customers and their households, as a person fills them in."""

import re
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.http.conftest import a_device_body

FRIDGE = "/desk/devices/fridge-1"
FACTS = {"model": "F-200", "serial": "S1", "made_on": "", "bought_on": "", "installed_on": "", "version": "1"}
PLACE = {"place": "12 Canal Street", "region": "north", "site": "", "gateway": "", "latitude": "", "longitude": ""}
PLACE |= {"datum": "WGS-84", "version": "1"}
ANN = {
    "name": "Ann",
    "phone": "+49 30 1234567",
    "email": "",
    "language": "en",
    "time_zone": "Europe/Berlin",
    "key": "k",
}


@pytest.fixture
def desk(client: TestClient) -> TestClient:
    client.put("/api/devices/fridge-1", json=a_device_body())
    return client


def device(desk: TestClient) -> Any:
    return desk.get("/api/devices/fridge-1").json()


def amend(desk: TestClient, part: str, said: dict[str, str], query: str = "") -> Any:
    return desk.post(f"{FRIDGE}/{part}{query}", data=said)


def beside(page: str) -> dict[str, str]:
    """What is said beside which field, joined to it for whoever hears the page."""
    said = dict(re.findall(r'<p class="wrong" id="wrong-(\w+)">(.*?)</p>', page))
    assert {name for name in said if f'aria-describedby="wrong-{name}"' in page} == set(said)
    return said


def test_facts_are_corrected_with_the_version_that_the_page_showed(desk: TestClient) -> None:
    page = desk.get(f"{FRIDGE}/edit").text
    assert 'name="serial" value="S1"' in page
    done = amend(desk, "facts", {**FACTS, "model": "F-300", "bought_on": "2026-01-31"}, "?lang=zh")
    assert (done.status_code, done.headers["location"]) == (303, f"{FRIDGE}?lang=zh#facts")
    known = device(desk)
    assert (known["model"], known["bought_on"], known["place"], known["version"]) == (
        "F-300",
        "2026-01-31",
        "12 Canal Street",
        2,
    )
    stale = amend(desk, "facts", FACTS)
    assert (stale.status_code, "Somebody was faster" in stale.text) == (412, True)
    assert amend(desk, "facts", {**FACTS, "model": "F-300", "version": "2"}).status_code == 303
    assert device(desk)["bought_on"] is None


WRONG = (
    ("facts", {"model": " "}, "model", "不能为空"),
    ("facts", {"serial": "x" * 201}, "serial", "最多 200 个字符"),
    ("facts", {"serial": "a\x00b"}, "serial", "不能使用的字符"),
    ("facts", {"bought_on": "31.1.2026"}, "bought_on", "2026-01-31"),
    ("facts", {"serial": "S2"}, "serial", "已有这个序列号"),
    ("place", {"latitude": "91", "longitude": "0"}, "latitude", "-90 到 90"),
    ("place", {"latitude": "nan", "longitude": "0"}, "latitude", "-90 到 90"),
    ("place", {"latitude": "1", "longitude": "west"}, "longitude", "-180 到 180"),
    ("place", {"latitude": "52.5"}, "longitude", "都填或都不填"),
    ("place", {"datum": "Mars"}, "datum", "三个坐标系"),
    ("place", {"site": "x" * 65}, "site", "最多 64 个字符"),
    ("place", {"gateway": "nobody"}, "gateway", "没有登记"),
    ("place", {"gateway": "fridge-1"}, "gateway", "不能放在自己之后"),
)


def test_what_is_wrong_is_said_beside_its_field_and_what_was_typed_stays(desk: TestClient) -> None:
    desk.put("/api/devices/fridge-2", json=a_device_body(serial="S2"))
    before = device(desk)
    for part, typed, field, words in WRONG:  # of one house: none leaves anything behind
        usual, kept = (PLACE, {"place": "typed before"}) if part == "place" else (FACTS, {"made_on": "2020-02-02"})
        answer = amend(desk, part, {**usual, **kept, **typed}, "?lang=zh")
        said = beside(answer.text)
        assert (answer.status_code, list(said)) == (422, [field]), typed
        assert words in said[field], typed
        assert f'value="{next(iter(kept.values()))}"' in answer.text, typed
    assert device(desk) == before


def test_a_device_is_placed_at_a_site_behind_a_gateway_with_its_point_in_its_datum(desk: TestClient) -> None:
    desk.put("/api/devices/gate-1", json={"class_id": "refrigerator", "model": "G", "serial": "G1"})
    said = {"site": "Mill 3", "gateway": "gate-1", "latitude": "31.2304", "longitude": "121.4737", "datum": "GCJ-02"}
    assert amend(desk, "place", {**PLACE, **said, "region": "south"}).status_code == 303
    known = device(desk)
    assert (known["site"], known["region"], known["point"]["given"]["datum"]) == ("Mill 3", "south", "GCJ-02")
    assert abs(known["point"]["latitude"] - 31.2323) < 0.001
    page = desk.get(f"{FRIDGE}/edit").text
    for value in ("Mill 3", "gate-1", "31.2304", "121.4737"):
        assert f'value="{value}"' in page
    assert '<option value="GCJ-02" selected>' in page
    assert amend(desk, "place", PLACE).status_code == 412  # seen before it was placed
    assert amend(desk, "place", {**PLACE, "version": str(known["version"])}).status_code == 303
    gone = device(desk)
    assert (gone["site"], gone["gateway_no"], gone["point"]) == (None, None, None)


def test_a_form_of_another_site_changes_nothing(desk: TestClient) -> None:
    headers = {"sec-fetch-site": "cross-site"}
    for path in (f"{FRIDGE}/facts", f"{FRIDGE}/place", "/desk/customers"):
        assert desk.post(path, data={**FACTS, **PLACE, **ANN}, headers=headers).status_code == 403
    assert device(desk)["version"] == 1


def customer(desk: TestClient, **said: str) -> str:
    """Where the page of whom the form added is."""
    answer = desk.post("/desk/customers", data={**ANN, **said})
    assert answer.status_code == 303, answer.text
    return str(answer.headers["location"])


def test_a_customer_is_added_once_however_often_the_form_is_sent(desk: TestClient) -> None:
    nobody = {"name": "Bob", "phone": "", "key": "k2"}
    assert customer(desk, **nobody) == customer(desk, **nobody)
    again = desk.post("/desk/customers?lang=zh", data={**ANN, "name": "Bert", "phone": "", "key": "k2"})
    assert (again.status_code, "此前已以不同内容提交过" in again.text) == (422, True)
    found = desk.get("/desk/customers?text=BOB").text
    assert found.count(">Bob<") == 1
    assert ">Ann<" not in found
    assert "Nobody was found." in desk.get("/desk/customers?text=zzz").text


def test_whoever_is_reached_there_already_is_shown_instead_and_it_is_said(desk: TestClient) -> None:
    ann = customer(desk)
    other = customer(desk, name="Anna", phone="+49301234567", key="k3")
    assert other.partition("?")[0] == ann
    assert "Nothing was added." in desk.get(other).text
    assert "Nothing was added." not in desk.get(ann).text


def test_a_customer_is_corrected_and_an_empty_address_is_taken_away(desk: TestClient) -> None:
    ann = customer(desk, email="ann@example.net")
    said = {**ANN, "name": "Ann Lee", "phone": "", "email": "ann@example.net", "version": "1"}
    assert desk.post(ann, data=said).status_code == 303
    known = desk.get(f"/api/customers/{ann.rpartition('/')[2]}").json()
    assert (known["name"], known["phone"], known["version"]) == ("Ann Lee", None, 2)
    assert "Customer corrected" in desk.get(ann).text
    assert desk.post(ann, data=said).status_code == 412
    wrong = desk.post(f"{ann}?lang=zh", data={**said, "name": "", "time_zone": "Mars/Base", "version": "2"})
    assert (wrong.status_code, set(beside(wrong.text))) == (422, {"name", "time_zone"})
    assert 'value="Mars/Base"' in wrong.text


def test_a_household_is_joined_in_a_role_which_changes_and_ends(desk: TestClient) -> None:
    ann = customer(desk)
    bob = customer(desk, name="Bob", phone="", key="k2").rpartition("/")[2]
    found = desk.get(f"{ann}?find=bob").text
    assert f'name="member" value="{bob}"' in found
    for role in ("MEMBER", "OWNER", "OWNER"):
        joined = desk.post(f"{ann}/household", data={"member": bob, "role": role})
        assert (joined.status_code, joined.headers["location"]) == (303, f"{ann}#household")
    household = desk.get(f"/api{ann.removeprefix('/desk')}/household").json()["members"]
    assert [(each["name"], each["role"]) for each in household] == [("Ann", "OWNER"), ("Bob", "OWNER")]
    assert f'name="member" value="{bob}"' not in desk.get(f"{ann}?find=bob").text.partition("<details open>")[2]
    head = desk.post(f"{ann}/household?lang=zh", data={"member": ann.rpartition("/")[2], "role": "MEMBER"})
    assert (head.status_code, "始终是其所有者" in head.text) == (409, True)
    assert desk.post(f"{ann}/household/{bob}/leave").status_code == 303
    assert "Somebody left the household" in desk.get(ann).text


def test_a_device_that_is_nobodys_is_given_to_a_customer(desk: TestClient) -> None:
    ann = customer(desk)
    desk.put("/api/devices/free-1", json={"class_id": "freezer", "model": "Z", "serial": "1"})
    for wanted, words in (("fridge-1", "属于别人"), ("nobody", "没有登记")):
        answer = desk.post(f"{ann}/devices?lang=zh", data={"device": wanted})
        assert (answer.status_code, words in beside(answer.text)["device"]) == (422, True)
    assert desk.post(f"{ann}/devices", data={"device": " free-1 "}).status_code == 303
    assert "/desk/devices/free-1" in desk.get(ann).text
    assert ann in desk.get("/desk/devices/free-1").text


def test_a_customer_whom_nobody_knows_is_no_page(client: TestClient) -> None:
    lost = client.get("/desk/customers/00000000-0000-0000-0000-000000000000?lang=zh")
    assert (lost.status_code, "没有这位客户" in lost.text) == (404, True)
    assert client.post("/desk/customers/nonsense", data=ANN).status_code == 422


def test_a_site_is_described_with_the_version_that_the_page_showed(desk: TestClient) -> None:
    assert (desk.post("/desk/sites", data={"name": " "}).status_code, desk.get("/api/sites").json()["sites"]) == (
        422,
        [],
    )
    for _ in range(2):
        added = desk.post("/desk/sites?lang=zh", data={"name": "Mill 3/a?"})
        assert (added.status_code, added.headers["location"]) == (303, "/desk/sites/Mill%203/a%3F?lang=zh")
    amend(desk, "place", {**PLACE, "site": "Mill 3/a?"})
    page = added.headers["location"]
    assert "/desk/devices/fridge-1" in desk.get(page).text
    assert "/desk/sites/Mill%203/a%3F" in desk.get(FRIDGE).text
    said = {"address": "3 Mill Lane", "time_zone": "Asia/Shanghai", "latitude": "31.2", "longitude": "121.4"}
    said |= {"datum": "BD-09", "version": "1"}
    assert desk.post(page, data=said).status_code == 303
    (known,) = desk.get("/api/sites").json()["sites"]
    assert (known["address"], known["given_latitude"], known["datum"], known["version"]) == (
        "3 Mill Lane",
        31.2,
        "BD-09",
        2,
    )
    assert desk.post(page, data={**said, "address": "elsewhere"}).status_code == 412
    wrong = desk.post(page, data={**said, "longitude": "", "time_zone": "Mars/Base", "version": "2"})
    assert (wrong.status_code, set(beside(wrong.text))) == (422, {"time_zone"})
    wrong = desk.post(page, data={**said, "longitude": "", "version": "2"})
    assert (wrong.status_code, set(beside(wrong.text))) == (422, {"longitude"})
    assert desk.get("/desk/sites/nowhere?lang=zh").status_code == 404
