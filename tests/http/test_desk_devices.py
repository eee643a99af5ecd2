"""Forms of the desk by which devices come: one is registered, many come from a file, each gets its credential."""

import html
import re
from typing import Any

import pytest
from starlette.testclient import TestClient

from devices.credentials.secret import sha256
from devices.imports.columns import COLUMNS
from tests.conftest import Database
from tests.http.conftest import a_device_body
from tests.http.test_desk_forms import beside

DEVICES, IMPORTS, SIGN_IN = "/desk/devices", "/desk/imports", "/desk/devices/fridge-1/credentials"
NEW = {"device_id": "new-1", "class_id": "freezer", "model": "Z-10", "serial": "S7", "place": "Cellar", "region": ""}
NEW |= {"made_on": "2026-01-31", "bought_on": "", "installed_on": ""}
FILE = "device_id,class,model,serial,place,colour\nnew-1,freezer,Z-10,S7,Cellar,red\nnew-2,frezer,Z-10,S8,,\n"


@pytest.fixture
def desk(client: TestClient) -> TestClient:
    client.put("/api/devices/fridge-1", json=a_device_body())
    return client


def told(desk: TestClient, subject: str) -> list[tuple[str, str]]:
    events = desk.get("/api/events", params={"subject": subject}).json()["events"]
    return [(each["kind"], each["actor"]) for each in events]


def test_a_device_is_registered_once_however_often_the_form_is_sent(desk: TestClient) -> None:
    assert '<option value="freezer">冷柜</option>' in desk.get(f"{DEVICES}?lang=zh").text
    for _ in range(2):
        sent = desk.post(f"{DEVICES}?lang=zh", data=NEW)
        assert (sent.status_code, sent.headers["location"]) == (303, f"{DEVICES}/new-1?lang=zh")
    known = desk.get("/api/devices/new-1").json()
    assert (known["class_id"], known["place"], known["made_on"], known["state"]) == (
        "freezer",
        "Cellar",
        "2026-01-31",
        "MADE",
    )
    assert told(desk, "new-1") == [("device.registered", "staff:desk")]


def test_what_cannot_be_registered_is_said_beside_its_field_and_what_was_typed_stays(desk: TestClient) -> None:
    wrong = (
        ({"device_id": "a b"}, "device_id", "不能用于主题"),
        ({"device_id": "new/1"}, "device_id", "不能用于主题"),
        ({"device_id": ""}, "device_id", "不能为空"),
        ({"device_id": "fridge-1"}, "device_id", "已登记为另一台设备"),
        ({"class_id": "toaster"}, "class_id", "没有这个品类"),
        ({"class_id": "refrigerator", "model": "F-200", "serial": "S1"}, "serial", "已有这个序列号"),
        ({"serial": "x" * 201}, "serial", "最多 200 个字符"),
        ({"bought_on": "31.1.2026"}, "bought_on", "2026-01-31"),
    )
    for typed, field, words in wrong:
        answer = desk.post(f"{DEVICES}?lang=zh", data={**NEW, "place": "typed before", **typed})
        said = beside(answer.text)
        assert (answer.status_code, list(said)) == (422, [field]), typed
        assert words in said[field], typed
        assert 'value="typed before"' in answer.text, typed
    assert [each["device_id"] for each in desk.get("/api/devices").json()["devices"]] == ["fridge-1"]


def sent(desk: TestClient, button: str, text: str | bytes = FILE, query: str = "") -> Any:
    body = text.encode() if isinstance(text, str) else text
    files = {"file": ("fleet.csv", body, "text/csv")}
    return desk.post(f"{IMPORTS}{query}", files=files, data={"button": button})


def words(page: str) -> str:
    """What a person reads, without the marks of the page."""
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", page)).split())


def test_a_file_is_looked_at_and_nothing_is_kept_until_somebody_takes_it_in(desk: TestClient) -> None:
    for button in ("check", "faults", "anything"):
        assert sent(desk, button).status_code == 200
    assert desk.get("/api/devices/new-1").status_code == 404
    looked = words(sent(desk, "check").text)
    assert "Nothing was changed. 2 rows: 1 new, 0 corrected, 0 as they were, 1 refused." in looked
    assert "3 class There is no such class." in looked
    assert "These columns mean nothing here: colour" in looked
    took = words(sent(desk, "take", query="?lang=zh").text)
    assert "文件已导入。 共 2 行：新增 1，更正 0，不变 0，拒绝 1。" in took
    assert "3 class 没有这个品类" in took
    assert told(desk, "new-1") == [("device.registered", "staff:desk")]
    again = words(sent(desk, "take", FILE.replace("Cellar", "Attic")).text)
    assert "0 new, 1 corrected" in again
    assert "2 new-1 place : Cellar → Attic" in again


def test_what_is_wrong_with_a_file_comes_as_a_file_in_the_readers_language(desk: TestClient) -> None:
    faults = sent(desk, "faults", query="?lang=zh")
    assert faults.headers["content-disposition"] == 'attachment; filename="faults.csv"'
    assert "3,class,UNKNOWN_CLASS," in faults.text
    assert "没有这个品类" in faults.text


def test_a_file_that_is_none_is_refused_beside_its_field(desk: TestClient) -> None:
    wrong: tuple[tuple[str | bytes, str], ...] = (
        ("", "不能为空"),
        ("id,model\n1,2\n", "class、serial"),
        ("\n", "没有表头"),
        ("x".encode("utf-16"), "UTF-16"),
    )
    for text, said in wrong:
        answer = sent(desk, "take", text, "?lang=zh")
        assert (answer.status_code, said in beside(answer.text)["file"]) == (422, True), answer.text
    assert beside(desk.post(IMPORTS, data={"button": "take"}).text).keys() == {"file"}


def test_an_export_comes_in_again_by_the_page_and_the_page_says_which_columns_there_are(desk: TestClient) -> None:
    page = desk.get(IMPORTS).text
    assert all(name in page for name in COLUMNS)
    assert 'href="/api/exports/devices.csv"' in page
    taken = sent(desk, "take", desk.get("/api/exports/devices.csv").text)
    assert "0 new, 0 corrected, 1 as they were" in words(taken.text)


def password(page: str) -> str:
    (found,) = re.findall(r'<strong class="mono">([a-z2-7]{32})</strong>', page)
    return str(found)


def test_a_credential_is_shown_once_replaced_and_revoked(desk: TestClient, database: Database) -> None:
    assert f'action="{SIGN_IN}"' in desk.get("/desk/devices/fridge-1").text
    first = desk.post(f"{SIGN_IN}?lang=zh")
    assert (first.status_code, first.headers["cache-control"]) == (200, "no-store")
    assert all(each in words(first.text) for each in ("demo.fridge-1.1", "demo:fridge-1", "fm/demo/fridge-1/up/#"))
    assert 'href="/desk/devices/fridge-1?lang=en"' in first.text, "its own path has nothing to show to a GET"
    again = desk.post(f"{SIGN_IN}?lang=zh")
    assert (again.status_code, "密码只显示一次" in again.text) == (409, True)
    second = desk.post(f"{SIGN_IN}/rotate", data={"grace_d": "30"})
    assert "the old one ends when the device first comes in by the new one" in words(second.text).lower()
    with database.connect() as conn:
        kept = conn.execute("SELECT password_sha256 FROM credential ORDER BY n").fetchall()
    assert kept == [(sha256(password(page.text)),) for page in (first, second)]
    page = desk.get("/desk/devices/fridge-1").text
    assert password(second.text) not in page + str(desk.get("/api/events", params={"subject": "fridge-1"}).json())
    states = desk.get("/api/devices/fridge-1/credentials").json()["credentials"]
    assert [(each["state"], each["expires_at"]) for each in states] == [
        ("LIVE", "2026-12-20T09:00:00Z"),
        ("LIVE", None),
    ]
    for n in (1, 2):
        assert desk.post(f"{SIGN_IN}/{n}/revoke").status_code == 303
    nothing = desk.post(f"{SIGN_IN}/rotate?lang=zh", data={"grace_d": "0"})
    assert (nothing.status_code, "没有有效凭据" in nothing.text) == (409, True)
    assert desk.post(SIGN_IN).status_code == 200, "after all others ended there is a first one again"
    assert told(desk, "fridge-1")[:2] == [("credential.issued", "staff:desk"), ("credential.revoked", "staff:desk")]


def test_a_form_of_another_site_registers_takes_in_and_hands_out_nothing(desk: TestClient) -> None:
    headers = {"sec-fetch-site": "cross-site"}
    for path in (DEVICES, IMPORTS, SIGN_IN, f"{SIGN_IN}/rotate"):
        assert desk.post(path, data={**NEW, "button": "take"}, headers=headers).status_code == 403
    assert desk.get("/api/devices/fridge-1/credentials").json()["credentials"] == []


def test_what_a_rotation_cannot_be_is_refused(desk: TestClient) -> None:
    desk.post(SIGN_IN)
    for days in ("-1", "91", "soon"):
        assert desk.post(f"{SIGN_IN}/rotate", data={"grace_d": days}).status_code == 422
    assert desk.post("/desk/devices/nobody/credentials").status_code == 404
