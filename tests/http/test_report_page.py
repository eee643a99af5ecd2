"""`/r/`: knows the appliance but not its owner, takes words and a photo, answers with the ticket's number."""

import io
import re
import threading
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from starlette.testclient import TestClient

from api.http import photos
from api.http.app import staff_app
from api.http.guard import PHOTO_BYTES
from api.http.house import House
from api.http.pace import Pace
from tests.conftest import Database
from tests.http.scene import Scene, a_scene, events
from ticketing.errors import ReportRefusedError
from ticketing.intake.model import MOST_AN_HOUR


@pytest.fixture
def scene(database: Database, house: House, client: TestClient) -> Scene:
    return a_scene(database, house, client, asked=False)


def a_photo(kind: str = "JPEG") -> bytes:
    """With a place in it, lying on its side."""
    image = Image.new("RGB", (400, 200), (200, 30, 30))
    exif = Image.Exif()
    exif[0x0112] = 6  # rotate by 90 degrees
    exif.get_ifd(0x8825)[2] = (52.0, 31.0, 12.0)  # latitude
    out = io.BytesIO()
    image.save(out, kind, exif=exif)
    return out.getvalue()


def send(scene: Scene, **fields: Any) -> Any:
    photo = fields.pop("photo", None)
    files = {"photo": ("p.jpg", photo, "image/jpeg")} if photo is not None else None
    return scene.client.post(scene.label_path, data={"words": "no longer cold", "key": "k1", **fields}, files=files)


def test_the_page_knows_the_appliance_and_masks_the_rest(scene: Scene) -> None:
    page = scene.client.get(scene.label_path).text
    assert "Refrigerator" in page
    assert "F-200" in page
    assert "12 C…" in page
    for secret in ("Canal Street", "Ann", "+49", "S1<", "fridge-1"):
        assert secret not in page


def test_who_has_no_camera_types_what_stands_on_the_label(scene: Scene) -> None:
    assert "type what stands beneath it" in scene.client.get("/r/").text
    token = scene.label_path.rpartition("/")[2]
    typed = f" {token[:5]}-{token[5:10]} {token[10:]}".upper()
    assert scene.client.get("/r/", params={"code": typed}).headers["location"] == scene.label_path
    for harm in ("//evil.example", "../desk/", "x\r\ny", "é"):
        assert scene.client.get("/r/", params={"code": harm}).status_code == 200


def test_a_report_is_answered_with_a_ticket_number(scene: Scene) -> None:
    page = send(scene)
    assert page.status_code == 200
    assert "Your ticket is T-000001." in page.text
    assert scene.ticket()["source"] == "report"
    assert events(scene.database, "ticket.opened")[0]["actor"] == "label:fridge-1"
    words = scene.client.get(f"/work/{scene.ticket()['ticket_id']}").text
    assert "no longer cold" in words


def test_a_second_report_joins_the_open_ticket(scene: Scene) -> None:
    send(scene)
    page = send(scene, words="and it hums", key="k2").text
    assert "A ticket was open already: T-000001" in page
    assert len(scene.client.get("/api/tickets").json()["tickets"]) == 1


def test_a_second_tap_is_not_a_second_report(scene: Scene) -> None:
    first, second = send(scene).text, send(scene).text
    assert "Your ticket is T-000001." in first
    assert "Your ticket is T-000001." in second
    assert events(scene.database, "ticket.witness_joined") == []


def test_two_taps_at_once_both_read_the_number(scene: Scene) -> None:
    with ThreadPoolExecutor(3) as taps:
        pages = [page.text for page in taps.map(lambda _: send(scene), range(3))]
    assert ["Your ticket is T-000001." in page for page in pages] == [True] * 3
    assert events(scene.database, "ticket.witness_joined") == []


def test_who_goes_back_and_adds_something_reports_again(scene: Scene) -> None:
    send(scene)
    assert "A ticket was open already: T-000001" in send(scene, words="no longer cold, and it hums").text


def test_a_report_while_a_question_is_open_is_the_yes(database: Database, house: House, client: TestClient) -> None:
    scene = a_scene(database, house, client)
    assert "Your ticket is T-000001." in send(scene).text
    assert scene.question()["state"] == "YES"
    assert scene.ticket()["snapshot_id"] is not None


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_photo_is_kept_upright_and_without_its_place(scene: Scene, kind: str) -> None:
    send(scene, photo=a_photo(kind))
    page = scene.client.get(f"/work/{scene.ticket()['ticket_id']}").text
    found = re.search(r'src="(/desk/photos/[0-9a-f]{64}\.jpg)"', page)
    assert found is not None
    answer = scene.client.get(found[1])
    assert answer.headers["content-type"] == "image/jpeg"
    with Image.open(io.BytesIO(answer.content)) as kept:
        assert kept.size == (200, 400)
        assert dict(kept.getexif()) == {}
    assert b"Exif" not in answer.content


@pytest.mark.parametrize("bad", [b"GIF89a not really", b"\xff\xd8\xff\xe0 cut off", b"<svg onload='x'/>"])
def test_what_is_no_photo_is_refused_and_the_words_are_kept_in_the_form(scene: Scene, bad: bytes, house: House) -> None:
    answer = send(scene, words="so warm", photo=bad)
    assert answer.status_code == 422
    assert "The photo could not be read" in answer.text
    assert ">so warm</textarea>" in answer.text
    assert scene.client.get("/api/tickets").json()["tickets"] == []
    assert not list(Path(house.settings.photos).rglob("*.jpg"))


def test_a_picture_that_would_fill_the_memory_is_refused(scene: Scene) -> None:
    bomb = io.BytesIO()
    Image.new("1", (30_000, 30_000)).save(bomb, "PNG")
    assert len(bomb.getvalue()) < PHOTO_BYTES
    assert send(scene, photo=bomb.getvalue()).status_code == 422


def test_nothing_said_is_nothing_reported(scene: Scene) -> None:
    answer = send(scene, words="   ")
    assert answer.status_code == 422
    assert "Please say in a few words" in answer.text


def test_a_report_that_comes_to_nothing_leaves_no_photo(
    scene: Scene, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(*_: Any, **__: Any) -> None:
        raise ReportRefusedError(("EMPTY",))

    monkeypatch.setattr("ticketing.intake.report.store.insert", breaks)
    assert send(scene, photo=a_photo()).status_code == 422
    assert not list(Path(house.settings.photos).rglob("*"))


def test_a_body_beyond_the_limit_is_not_read(scene: Scene) -> None:
    assert send(scene, photo=b"x" * (PHOTO_BYTES + 70_000)).status_code == 413


def test_a_photo_that_nobody_reported_is_not_shown(scene: Scene, house: House) -> None:
    stray = house.settings.photos / "ab" / f"{'ab' * 32}.jpg"
    stray.parent.mkdir(parents=True)
    stray.write_bytes(b"secret")
    assert scene.client.get(f"/desk/photos/{'ab' * 32}.jpg").status_code == 404


def test_who_only_looks_does_not_wait_for_a_crowd_of_photos(
    scene: Scene, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The pages have some 40 threads, and the largest photos take seconds each."""
    looked_at = threading.Event()
    monkeypatch.setattr(photos, "clean", lambda data: looked_at.wait(60) and data)
    endless = Pace(per_minute=1, burst=1000)
    app = staff_app(replace(house, photo_pace=endless, report_pace=endless))
    crowd = 50
    with (
        TestClient(app, base_url="http://127.0.0.1:8080") as client,
        ThreadPoolExecutor(crowd) as people,
    ):
        hurried = replace(scene, client=client)
        sent = [people.submit(send, hurried, words="look", key=f"k{n}", photo=b"photo") for n in range(crowd)]
        try:
            turned_away = [each.result() for each in islice(as_completed(sent, 60), crowd - photos.MOST_WAITING)]
            assert client.get(scene.label_path).status_code == 200
        finally:
            looked_at.set()
    assert {answer.status_code for answer in turned_away} == {429}
    assert "send yours again in a minute" in turned_away[0].text
    assert ">look</textarea>" in turned_away[0].text
    assert sorted(each.result().status_code for each in sent) == [200] * photos.MOST_WAITING + [429] * len(turned_away)


def test_photo_after_photo_from_one_address_waits_and_words_do_not(scene: Scene, house: House) -> None:
    app = staff_app(replace(house, photo_pace=Pace(per_minute=6, burst=10, clock=lambda: 0.0)))
    with TestClient(app, base_url="http://127.0.0.1:8080") as client:
        hurried = replace(scene, client=client)
        answers = [send(hurried, photo=b"no photo").status_code for _ in range(12)]
        assert answers == [422] * 10 + [429] * 2
        assert send(hurried).status_code == 200


def test_who_reports_an_appliance_all_day_is_told_that_it_is_known(scene: Scene) -> None:
    for n in range(MOST_AN_HOUR):
        send(scene, words=f"drip {n}", key=f"k{n}")
    assert "so we know" in send(scene, words="drip again", key="k").text


def test_one_report_sent_over_and_over_waits_and_adds_no_link_any_more(scene: Scene, house: House) -> None:
    """Its answer is kept, but the link in it is made anew each time."""
    before = links(scene)
    app = staff_app(replace(house, report_pace=Pace(per_minute=10, burst=30, clock=lambda: 0.0)))
    with TestClient(app, base_url="http://127.0.0.1:8080") as client:
        answers = [send(replace(scene, client=client)) for _ in range(35)]
    assert [answer.status_code for answer in answers] == [200] * 30 + [429] * 5
    assert links(scene) - before == 30
    assert "Please wait a minute" in answers[-1].text


def links(scene: Scene) -> int:
    with scene.database.connect() as conn:
        row = conn.execute("SELECT count(*) FROM link").fetchone()
    return row[0] if row else 0
