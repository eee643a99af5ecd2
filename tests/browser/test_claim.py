"""A real browser: a photo of the label, the code from the card, and from then on a form that is filled in."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import expect
from starlette.testclient import TestClient

from api.http.app import staff_app
from api.http.house import House
from tests.browser.conftest import Keep, Visit
from tests.http import photographs as taken
from tests.http.conftest import a_device_body

pytestmark = pytest.mark.browser


@pytest.fixture
def unpacked(house: House) -> Callable[[], tuple[str, str]]:
    """An appliance that nobody has claimed: the token on its label and the secret on its card."""

    def make() -> tuple[str, str]:
        with TestClient(staff_app(house), base_url="http://127.0.0.1:8080") as client:
            body = {**a_device_body(place=""), "customer": None}
            token = client.put("/api/devices/fridge-1", json=body).json()["label_url"].rpartition("/")[2]
            return token, client.post("/api/devices/fridge-1/claim/secret").json()["secret"]

    return make


def test_from_the_photo_of_a_label_to_a_form_that_is_filled_in(
    unpacked: Callable[[], tuple[str, str]], visit: Visit, keep: Keep, tmp_path: Path
) -> None:
    token, secret = unpacked()
    photo = tmp_path / "label.jpg"
    photo.write_bytes(taken.jpeg(taken.turned(taken.a_photo_of(f"http://127.0.0.1/r/{token}"), 12)))
    with visit("/r/", java_script_enabled=False) as page, visit("/r/") as stranger:
        keep(page, "label-start")
        page.get_by_label("A photo of the label").set_input_files(photo)
        page.get_by_role("button", name="Find the code").click()
        page.wait_for_url(f"**/r/{token}")
        page.get_by_role("link", name="Register it").click()
        keep(page, "claim")
        page.get_by_label("The code on the card").fill(secret.upper())
        page.get_by_label("Your name").fill("Ann Lee")
        page.get_by_label("Phone or e-mail").fill("+49 30 123456")
        page.get_by_label("Where it stands").fill("3 Mill Lane, kitchen")
        page.get_by_label("When you bought it").fill("2026-11-01")
        page.get_by_role("button", name="Register").click()
        page.wait_for_url("**/m/**")
        expect(page.get_by_role("status")).to_contain_text("It is registered to you.")
        page.goto(f"/r/{token}")  # he scans the label again: his phone knows him
        expect(page.get_by_label("How can we reach you?")).to_have_value("+49 30 123456")
        for known in ("Ann Lee", "3 Mill Lane, kitchen", "2026-11-01"):
            expect(page.get_by_text(known)).to_be_visible()
        keep(page, "claimed")
        stranger.goto(f"/r/{token}")
        expect(stranger.get_by_label("How can we reach you?")).to_have_value("")
        assert "Ann" not in stranger.content()


def test_the_button_is_waited_for_in_chinese(unpacked: Callable[[], tuple[str, str]], visit: Visit, keep: Keep) -> None:
    token, _ = unpacked()
    with visit(f"/claim/{token}", locale="zh-CN", java_script_enabled=False) as page:
        page.get_by_role("button", name="我就在设备前").click()
        expect(page.get_by_text("请现在按下设备上的按钮")).to_be_visible()
        page.get_by_label("您的姓名").fill("王芳")
        page.get_by_label("电话或邮箱").fill("13800000000")
        keep(page, "claim-press")
