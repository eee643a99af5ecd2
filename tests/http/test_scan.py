"""A photo of a label leads where its code would, however it was taken; if not, a person is told what to do."""

from pathlib import Path

import pytest
import typer
from PIL import Image
from starlette.testclient import TestClient
from typer.testing import CliRunner

from api.cli import label as command
from api.http import scan
from api.http.guard import PHOTO_BYTES
from api.http.scan import Trouble
from devices import gs1, labels
from tests.http import photographs as taken

TOKEN = "0123456789abcdefghjkmnpqrs"
OTHER = "zyxwvtsrqpnmkjhgfedcba9876"
OURS = {"care.example.org"}
URL = f"https://care.example.org/r/{TOKEN}"
ITEM = gs1.Item(gtin="09506000134352", serial="S/1")
LINK = f"https://id.example{ITEM.path}"


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        (URL, TOKEN),
        (f"HTTPS://CARE.EXAMPLE.ORG/r/{TOKEN.upper()}?lang=zh", TOKEN),
        (TOKEN.upper(), TOKEN),
        (" 01234-56789-abcde-fghjk-mnpqr-s ", TOKEN),
        (LINK, ITEM),
        (f"https://elsewhere.example/r/{TOKEN}", None),
        (f"https://care.example.org/r/{TOKEN}/more", None),
        ("https://care.example.org/r/", None),
        ("WIFI:S:home;P:secret;;", None),
        ("javascript:/r/" + TOKEN, None),
        ("http://[::1", None),
        ("", None),
    ],
)
def test_a_code_means_a_label_of_ours_an_item_or_nothing(text: str, meant: object) -> None:
    assert labels.meant(text, OURS) == meant


PHOTOS = {
    "straight": taken.a_photo_of(URL),
    "on its head": taken.turned(taken.a_photo_of(URL), 180),
    "turned by 33 degrees": taken.turned(taken.a_photo_of(URL), 33),
    "from the side": taken.askew(taken.a_photo_of(URL)),
    "noisy": taken.noisy(taken.a_photo_of(URL)),
    "dim": taken.noisy(taken.dim(taken.a_photo_of(URL)), 6),
    "blurred": taken.blurred(taken.a_photo_of(URL)),
    "small in a large photo": taken.a_photo_of(URL, size=(4000, 3000), side=220),
    "a small photo": taken.a_photo_of(URL, size=(200, 200), side=110),
    "all at once": taken.noisy(taken.turned(taken.askew(taken.dim(taken.a_photo_of(URL), 0.5)), -20), 10),
    "beside a foreign code": taken.a_photo_of(URL, "https://shop.example/offer"),
    "beside the item's own code": taken.a_photo_of(LINK, URL),
}


@pytest.mark.parametrize("photo", PHOTOS.values(), ids=PHOTOS)
def test_the_code_is_found(photo: Image.Image) -> None:
    assert scan.read(taken.jpeg(photo), OURS) == TOKEN


def test_a_gs1_link_is_found_whoever_resolves_it() -> None:
    assert scan.read(taken.jpeg(taken.a_photo_of(LINK)), OURS) == ITEM


TROUBLES = {
    Trouble.NOTHING: taken.jpeg(taken.a_photo_of()),
    Trouble.DARK: taken.jpeg(taken.dim(taken.a_photo_of(), 0.1)),
    Trouble.FOREIGN: taken.jpeg(taken.a_photo_of("https://shop.example/offer")),
    Trouble.SEVERAL: taken.jpeg(taken.a_photo_of(URL, f"https://care.example.org/r/{OTHER}")),
    Trouble.UNREADABLE: b"\xff\xd8\xff\xe0 cut off",
}


@pytest.mark.parametrize("trouble", TROUBLES)
def test_a_photo_that_leads_nowhere_says_why(trouble: Trouble) -> None:
    assert scan.read(TROUBLES[trouble], OURS) is trouble


def test_a_photo_that_would_fill_the_memory_is_not_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image.Image, "load", lambda _: pytest.fail("unpacked"))
    monkeypatch.setattr("api.http.photos.MAX_PIXELS", 1000)
    assert scan.read(TROUBLES[Trouble.NOTHING], OURS) is Trouble.UNREADABLE


def send(client: TestClient, photo: bytes, language: str = "en") -> tuple[int, str, str]:
    answer = client.post("/r/", params={"lang": language}, files={"photo": ("p.jpg", photo, "image/jpeg")})
    return answer.status_code, answer.headers.get("location", ""), answer.text


@pytest.fixture
def desk(doorway: TestClient) -> TestClient:
    doorway.follow_redirects = False
    return doorway


def test_the_start_page_takes_a_photo_and_leads_to_the_report(desk: TestClient) -> None:
    assert 'name="photo"' in desk.get("/r/").text
    here = taken.jpeg(taken.a_photo_of(f"http://127.0.0.1:8080/r/{TOKEN}"))
    assert send(desk, here)[:2] == (303, f"/r/{TOKEN}")
    assert send(desk, taken.jpeg(taken.a_photo_of(LINK)))[:2] == (303, ITEM.path)


@pytest.mark.parametrize(("language", "words"), [("en", "switch on a light"), ("zh", "照片太暗")])
def test_a_person_is_told_what_to_do_in_his_language(desk: TestClient, language: str, words: str) -> None:
    status, _, page = send(desk, TROUBLES[Trouble.DARK], language)
    assert status == 422
    assert words in page
    assert 'name="photo"' in page


def test_a_photo_beyond_the_limit_is_not_read(desk: TestClient) -> None:
    assert send(desk, b"x" * (PHOTO_BYTES + 1))[0] == 422
    assert send(desk, b"x" * (PHOTO_BYTES + 70_000))[0] == 413


def test_who_sends_photo_after_photo_waits(desk: TestClient) -> None:
    answers = [send(desk, b"no photo")[0] for _ in range(12)]
    assert answers == [422] * 10 + [429] * 2


def test_the_command_says_which_page_a_photo_leads_to(tmp_path: Path) -> None:
    app = typer.Typer()
    app.callback()(lambda: None)
    command.register(app)
    good, bad = tmp_path / "good.jpg", tmp_path / "bad.jpg"
    good.write_bytes(taken.jpeg(taken.a_photo_of(URL)))
    bad.write_bytes(TROUBLES[Trouble.NOTHING])
    told = CliRunner().invoke(app, ["label", "read", str(good), "--base-url", "https://care.example.org"])
    assert (told.exit_code, told.output) == (0, f"{URL}\n")
    told = CliRunner().invoke(app, ["label", "read", str(good)], env={"FOREMEND_BASE_URL": "https://care.example.org/"})
    assert (told.exit_code, told.output) == (0, f"{URL}\n"), "the house's setting, where it is set"
    told = CliRunner().invoke(app, ["label", "read", str(bad)])
    assert told.exit_code == 1
    assert "go closer" in told.output
