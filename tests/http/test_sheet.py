"""Sheets of labels: each label lies where the paper has it, and its codes are read back from the page as printed."""

from pathlib import Path

import httpx2
import pypdfium2
import pytest
import typer
import zxingcpp
from PIL import Image
from starlette.testclient import TestClient
from typer.testing import CliRunner

from api.cli import label as command
from api.http import sheet, sheet_pdf
from api.http.sheet import A4_MM, PRESETS, GridError
from tests.http.conftest import a_device_body

TOKEN = "0123456789abcdefghjkmnpq"
DPI = 150


def some_words(n: int, *, gs1: bool = True, language: str = "zh") -> list[sheet_pdf.Words]:
    base = "https://care.example.org"
    return [
        sheet_pdf.words(
            f"{base}/r/{TOKEN}{number:02d}",
            "双门冰箱 F-200",
            f"SN-{number}",
            f"{base}/01/09506000134352/21/SN-{number}" if gs1 else None,
            language,
        )
        for number in range(n)
    ]


def pages(pdf: bytes) -> list[Image.Image]:
    document = pypdfium2.PdfDocument(pdf)
    drawn = [page.render(scale=DPI / 72).to_pil() for page in document]
    document.close()
    return drawn


def words_on(pdf: bytes) -> str:
    document = pypdfium2.PdfDocument(pdf)
    text = "\n".join(page.get_textpage().get_text_range() for page in document)
    document.close()
    return text


def codes(page: Image.Image) -> set[str]:
    return {code.text for code in zxingcpp.read_barcodes(page, formats=zxingcpp.BarcodeFormat.QRCode)}


@pytest.mark.parametrize("name", ["3x8", "2x7"])
def test_every_code_of_a_sheet_is_read_back_from_the_page(name: str) -> None:
    grid = PRESETS[name]
    made = some_words(grid.per_page)
    (page,) = pages(sheet_pdf.draw(made, grid))
    assert [round(side / DPI * 25.4) for side in page.size] == [*A4_MM]
    assert codes(page) == {words.url for words in made} | {words.gs1_url for words in made}


def test_a_label_lies_where_the_paper_has_it() -> None:
    grid = PRESETS["3x8"]
    made = some_words(5)
    (page,) = pages(sheet_pdf.draw(made, grid))
    for words, spot in zip(made, grid.spots(5), strict=True):
        box = (spot.left_mm, spot.top_mm, spot.left_mm + spot.width_mm, spot.top_mm + spot.height_mm)
        assert codes(page.crop([round(mm / 25.4 * DPI) for mm in box])) == {words.url, words.gs1_url}


def test_the_words_beside_the_code_can_be_read_and_typed_chinese_too() -> None:
    said = "".join(words_on(sheet_pdf.draw(some_words(1), PRESETS["3x8"])).split()).replace("\ufffe", "-")
    token = "01234-56789-abcde-fghjk-mnpq0-0"
    for words in ("双门冰箱F-200", "序列号SN-0", token, "扫码报修", "(01)09506000134352", "(21)SN-0"):
        assert words in said


def test_chinese_is_drawn_and_not_a_box() -> None:
    """The font's box for a letter that it lacks is one shape; here no two letters look alike."""
    spot = next(iter(PRESETS["3x8"].spots(1)))
    box = (spot.left_mm + 28, spot.top_mm, spot.left_mm + 40, spot.top_mm + 6.5)
    shapes = set()
    for letter in "冰箱序号":
        words = sheet_pdf.words("https://x.example/r/a", letter, "", None, "en")
        (page,) = pages(sheet_pdf.draw([words], PRESETS["3x8"], marks=False))
        shapes.add(page.convert("1", dither=Image.Dither.NONE).crop([round(mm / 25.4 * DPI) for mm in box]).tobytes())
    assert len(shapes) == 4


def test_a_model_without_a_number_has_one_code() -> None:
    made = some_words(3, gs1=False)
    (page,) = pages(sheet_pdf.draw(made, PRESETS["3x8"]))
    assert codes(page) == {words.url for words in made}


def test_words_that_are_too_long_stay_on_their_label() -> None:
    words = sheet_pdf.words(f"https://x.example/r/{TOKEN}00", "冰" * 60, "S" * 200, None, "en")
    (page,) = pages(sheet_pdf.draw([words], PRESETS["3x8"], marks=False))
    spot = next(iter(PRESETS["3x8"].spots(1)))
    beyond = page.convert("L").crop((round((spot.left_mm + spot.width_mm) / 25.4 * DPI), 0, page.width, page.height))
    assert beyond.getextrema() == (255, 255)


def test_a_sheet_that_was_begun_is_used_up() -> None:
    made = some_words(3)
    first, second = pages(sheet_pdf.draw(made, PRESETS["2x5"], skip=8))
    assert len(codes(first)) == 4
    assert len(codes(second)) == 2


def test_a_grid_of_ones_own_is_centred_or_has_margins() -> None:
    grid = sheet.grid("2x4", size="90x60", gaps="10x2")
    assert (grid.left_mm, grid.top_mm) == (10, 25.5)
    assert sheet.grid("2x4", size="90x60", margins="5x7.5").top_mm == 7.5


@pytest.mark.parametrize(
    ("name", "more", "why"),
    [
        ("9x9", {}, "no grid '9x9'"),
        ("4x8", {"size": "63.5x33.9"}, "A4 has 210 x 297 mm"),
        ("3x8", {"size": "20x10"}, "at least 30 x 20 mm"),
        ("3x8", {"size": "wide"}, "two numbers"),
        ("0x8", {"size": "63.5x33.9"}, "at least one label"),
        ("2x2", {"size": "90x60", "margins": "40x0"}, "A4 has"),
    ],
)
def test_labels_that_do_not_fit_are_refused_with_the_reason(name: str, more: dict[str, str], why: str) -> None:
    with pytest.raises(GridError, match=why):
        sheet.grid(name, **more)


@pytest.fixture
def foremend(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> typer.Typer:
    for number in range(3):
        client.put(f"/api/devices/fridge-{number}", json=a_device_body(serial=f"S{number}"))
    monkeypatch.setattr(httpx2, "request", lambda method, url, **_: client.request(method, url))
    app = typer.Typer()
    app.callback()(lambda: None)
    command.register(app)
    return app


def test_the_command_draws_labels_of_some_or_of_all(foremend: typer.Typer, client: TestClient, tmp_path: Path) -> None:
    out = tmp_path / "labels.pdf"
    some = ["label", "sheet", "--devices", "fridge-2, fridge-0", "--out", str(out), "--base-url", "https://x.example"]
    told = CliRunner().invoke(foremend, some)
    assert told.output == f"{out}: 2 labels on 1 sheet of A4\n"
    tokens = [client.get(f"/api/devices/fridge-{n}").json()["label_url"].rpartition("/")[2] for n in (0, 2)]
    assert codes(pages(out.read_bytes())[0]) == {f"https://x.example/r/{token}" for token in tokens}
    told = CliRunner().invoke(foremend, ["label", "sheet", "--all", "--skip", "23", "--out", str(out)])
    assert told.output == f"{out}: 3 labels on 2 sheets of A4\n"


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        (["--all", "--grid", "1x1"], "no grid '1x1'"),
        ([], "say whose labels"),
        (["--devices", "nobody"], "no device 'nobody' is registered"),
        (["--all", "--language", "de"], "no 'de'"),
    ],
)
def test_a_sheet_that_cannot_be_drawn_is_one_sentence(
    foremend: typer.Typer, tmp_path: Path, more: list[str], sentence: str
) -> None:
    told = CliRunner().invoke(foremend, ["label", "sheet", "--out", str(tmp_path / "l.pdf"), *more])
    assert told.exit_code == 1
    assert sentence in told.output


def test_the_desk_has_sheets_too(client: TestClient) -> None:
    for number in range(2):
        client.put(f"/api/devices/fridge-{number}", json=a_device_body(serial=f"S{number}"))
    path = "/desk/devices/labels.pdf?devices=fridge-0,fridge-1&amp;lang=en"
    assert path in client.get("/desk/devices").text
    answer = client.get(path.replace("&amp;", "&"))
    assert answer.headers["content-type"] == "application/pdf"
    assert len(codes(pages(answer.content)[0])) == 2
    assert client.get("/desk/devices/labels.pdf?devices=nobody").status_code == 404
    assert client.get("/desk/devices/labels.pdf?grid=9x9").status_code == 422
