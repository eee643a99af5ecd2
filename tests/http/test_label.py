"""The label carries the address of the device's page, for cameras and for people."""

import io
from pathlib import Path
from xml.etree import ElementTree as ET

import httpx2
import pytest
import segno
import typer
from PIL import Image
from starlette.testclient import TestClient
from typer.testing import CliRunner

from api.cli import label as command
from api.http import label
from tests.http.conftest import a_device_body

URL = "http://10.0.0.7:8080/r/0123456789abcdefghjkmnpqrs"


def modules(png: bytes, size: int) -> list[list[bool]]:
    """The code's modules, read back from the picture."""
    with Image.open(io.BytesIO(png)) as image:
        step = image.width / (size + 8)
        at = [int((n + 4.5) * step) for n in range(size)]
        return [[image.getpixel((x, y)) < 128 for x in at] for y in at]


def test_the_png_shows_the_code_of_the_url() -> None:
    code = segno.make_qr(URL, error="q")
    expected = [[bool(module) for module in row] for row in code.matrix]
    assert modules(label.png(label.of(URL, "F-200", "S1")), len(expected)) == expected


def test_the_svg_carries_the_words_beneath() -> None:
    svg = ET.fromstring(label.svg(label.of(URL, "F<200>", "S1")))
    texts = [node.text for node in svg if node.tag.endswith("text")]
    assert texts == ["F<200> · S1", "01234-56789-abcde-fghjk-mnpqr-s"]


@pytest.fixture
def foremend(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> typer.Typer:
    client.put("/api/devices/fridge-1", json=a_device_body())
    monkeypatch.setattr(httpx2, "request", lambda method, url, **_: client.request(method, url))
    app = typer.Typer()
    app.callback()(lambda: None)
    command.register(app)
    return app


def test_the_command_writes_svg_or_png(foremend: typer.Typer, tmp_path: Path) -> None:
    out = tmp_path / "label.png"
    done = CliRunner().invoke(foremend, ["label", "fridge-1", "--out", str(out), "--base-url", "https://x.example/"])
    assert done.exit_code == 0
    assert "https://x.example/r/" in done.output
    assert out.read_bytes().startswith(b"\x89PNG")
    assert CliRunner().invoke(foremend, ["label", "fridge-1"]).stdout_bytes.startswith(b"<svg")


def test_an_unknown_device_is_one_sentence(foremend: typer.Typer) -> None:
    done = CliRunner().invoke(foremend, ["label", "nobody"])
    assert done.exit_code == 1
    assert done.output == "foremend: no device 'nobody' is registered: look for its id in the list, or register it\n"


@pytest.mark.parametrize(
    ("out", "sentence"), [("label.gif", "is .svg or .png"), ("nowhere/label.svg", "No such file or directory")]
)
def test_a_file_that_cannot_be_written_is_one_sentence(
    foremend: typer.Typer, tmp_path: Path, out: str, sentence: str
) -> None:
    done = CliRunner().invoke(foremend, ["label", "fridge-1", "--out", str(tmp_path / out)])
    assert done.exit_code == 1
    assert sentence in done.output
    assert list(tmp_path.rglob("label.*")) == []


@pytest.mark.parametrize("address", ["http://127.0.0.1:1", "nonsense", "http://[::1"])
def test_a_house_that_is_not_there_is_one_sentence(address: str) -> None:
    app = typer.Typer()
    app.callback()(lambda: None)
    command.register(app)
    done = CliRunner().invoke(app, ["label", "fridge-1", "--api", address])
    assert done.exit_code == 1
    assert "start it with make up" in done.output
