"""A real browser walks the journey: asked, yes, accepted, on the way, on site, done, confirmed."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import DESKTOP, PHONE, Keep, Visit
from tests.http.scene import Scene
from tests.http.test_report_page import a_photo

pytestmark = pytest.mark.browser

SceneOf = Callable[[str], Scene]
HERE = "[aria-current=step]"


def step(page: Page) -> str:
    return page.locator(HERE).inner_text()


def test_from_the_question_to_the_end_of_the_work(scene_of: SceneOf, visit: Visit, keep: Keep) -> None:
    scene_of("en")
    with visit("/desk/questions", size=DESKTOP) as desk:
        desk.get_by_role("button", name="Open the customer's page").click()
        desk.wait_for_url("**/q/**")
        question = desk.url
    with visit(question) as customer, visit("/work/") as engineer:
        expect(customer.get_by_text("34 minutes at a time instead of 21")).to_be_visible()
        expect(customer.get_by_role("img", name="Minutes the compressor runs each time")).to_be_visible()
        keep(customer, "question")
        customer.get_by_role("button", name="Yes, please send someone").click()
        expect(customer.get_by_role("heading")).to_contain_text("help is under way")
        customer.get_by_role("link", name="Follow the repair").click()
        expect(customer.locator(HERE)).to_contain_text("Request received")

        engineer.get_by_role("link", name=re.compile("T-000001")).click()
        engineer.locator("#series[data-drawn]").wait_for()
        expect(engineer.get_by_text("compressor start relay")).to_be_visible()
        engineer.set_viewport_size(DESKTOP)
        keep(engineer, "ticket")
        engineer.set_viewport_size(PHONE)
        pressed = (
            ("Accept", "Engineer assigned"),
            ("On the way", "On the way"),
            ("I am on site", "Being repaired"),
        )
        for button, follows in pressed:
            engineer.get_by_role("button", name=button, exact=True).click()
            expect(customer.locator(HERE)).to_contain_text(follows)  # nobody reloads: the page looks again by itself
        keep(customer, "follow")
        engineer.get_by_role("button", name="Repair done").click()
        customer.get_by_role("button", name="Yes, it works").click()
        expect(customer.locator(HERE)).to_contain_text("Done")
        expect(engineer.get_by_text("There is nothing left to do here.")).to_be_visible()


def test_without_script_the_question_is_answered_and_followed(scene_of: SceneOf, visit: Visit) -> None:
    path = scene_of("en").question_path()
    with visit(path, java_script_enabled=False) as page:
        expect(page.locator("svg.curve")).to_be_visible()
        page.get_by_text("No, thank you").click()
        expect(page.get_by_role("button", name="Everything is fine, a false alarm")).to_be_visible()
        page.get_by_role("button", name="Yes, please send someone").click()
        page.get_by_role("link", name="Follow the repair").click()
        assert "Request received" in step(page)
        assert page.locator("noscript meta[http-equiv=refresh]").count() == 1


def test_a_chinese_customer_is_asked_in_chinese(scene_of: SceneOf, visit: Visit) -> None:
    path = scene_of("zh").question_path()
    with visit(path, locale="en-US") as page:
        expect(page.get_by_text("压缩机每次要运行 34 分钟，平时只需 21 分钟")).to_be_visible()
        page.get_by_role("button", name="需要，请派人来").click()
        expect(page.get_by_role("heading")).to_have_text("谢谢，我们马上安排")
        page.get_by_role("link", name="查看维修进度").click()
        expect(page.locator(HERE)).to_contain_text("已受理")
        page.get_by_role("link", name="English").click()
        expect(page.locator(HERE)).to_contain_text("Request received")


def test_a_zoom_shows_finer_readings_and_a_double_click_goes_back(scene_of: SceneOf, visit: Visit) -> None:
    scene = scene_of("en")
    scene.answer("YES")
    with visit(f"/work/{scene.ticket()['ticket_id']}", size=DESKTOP) as page:
        page.locator("#series[data-drawn]").wait_for()
        charts = page.locator("#series .chart")
        assert charts.count() == 7  # what was noticed, then each metric
        charts.nth(1).scroll_into_view_if_needed()
        box = charts.nth(1).locator(".u-over").bounding_box()
        assert box is not None
        with page.expect_response(lambda answer: "from_ms" in answer.url) as zoomed:
            page.mouse.move(box["x"] + box["width"] * 0.7, box["y"] + 20)
            page.mouse.down()
            page.mouse.move(box["x"] + box["width"] * 0.8, box["y"] + 20, steps=5)
            page.mouse.up()
        part = zoomed.value.json()["ts"]
        assert 3 < (part[-1] - part[0]) / 3600 < 7
        with page.expect_response(lambda answer: "/series" in answer.url and "from_ms" not in answer.url):
            charts.nth(1).locator(".u-over").dblclick()
        with page.expect_response(lambda answer: "from_ms" in answer.url) as around:  # who cannot drag presses a button
            page.get_by_role("button", name="Around the beginning").click()
        part = around.value.json()["ts"]
        assert 11 < (part[-1] - part[0]) / 3600 < 13


def test_a_report_with_a_photo_from_a_phone(scene_of: SceneOf, visit: Visit) -> None:
    scene = scene_of("en")
    with visit(scene.label_path) as page:
        page.get_by_label("What is wrong?").fill("no longer gets cold")
        photo = {"name": "fridge.jpg", "mimeType": "image/jpeg", "buffer": a_photo()}
        page.get_by_label("A photo, if it helps").set_input_files(photo)
        page.get_by_role("button", name="Send the report").click()
        expect(page.get_by_text("T-000001")).to_be_visible()
    with visit(f"/work/{scene.ticket()['ticket_id']}", size=DESKTOP) as page:
        expect(page.get_by_text("no longer gets cold")).to_be_visible()
        page.locator(".witness img").scroll_into_view_if_needed()
        expect(page.locator(".witness img")).to_have_js_property("naturalWidth", 200)


FIELDS = "[...document.querySelectorAll('input:not([type=hidden]), select, textarea')]"
NAMELESS = f"{FIELDS}.filter(each => !each.labels.length && !each.ariaLabel).map(each => each.name)"
IDS = "[...document.querySelectorAll('[id]')].map(each => each.id)"


def test_no_page_is_wider_than_a_phone_and_each_field_has_its_name(scene_of: SceneOf, visit: Visit) -> None:
    scene = scene_of("en")
    long = {"name": "Donaudampfschifffahrtselektrizitaetenhauptbetriebswerkbauunterbeamter"}
    customer = scene.client.post("/api/customers", json=long).json()["customer_id"]
    scene.client.put(f"/api/customers/{scene.question()['customer_id']}/household/{customer}", json={"role": "MEMBER"})
    theirs = f"/desk/customers/{scene.question()['customer_id']}?find=donau"
    question = scene.question_path()
    scene.answer("YES", scene.question_path())
    job = f"/work/{scene.ticket()['ticket_id']}"
    paths = ["/desk/", "/desk/alerts", "/desk/questions", "/desk/devices/fridge-1", "/work/", job, question]
    paths += [
        "/desk/devices",
        "/desk/devices/fridge-1/edit",
        "/desk/customers",
        f"/desk/customers/{customer}",
        theirs,
        "/desk/sites",
    ]
    with visit("/desk/outbox") as page:
        for path in paths:
            page.goto(path)
            assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"], path
            assert page.evaluate(NAMELESS) == [], path
            ids = page.evaluate(IDS)
            assert sorted(set(ids)) == sorted(ids), path
