"""A person desires something of a device on its page, sees what it says, and cancels a command, by phone."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from playwright.sync_api import Route, expect

from api.http.house import House
from devices import registry, settings
from devices.twin import orders, store, wishes
from devices.twin.model import Report, Result
from tests.browser.conftest import DESKTOP, Keep, Visit
from tests.conftest import Database
from tests.http.scene import Scene

pytestmark = pytest.mark.browser


def test_a_person_desires_and_cancels_and_sees_what_the_device_says(
    scene_of: Callable[[str], Scene], visit: Visit, keep: Keep, house: House, database: Database
) -> None:
    scene = scene_of("en")
    body = {"name": "start_defrost", "arguments": {"minutes": 20}, "expires_s": 86_400}
    scene.client.post("/api/devices/fridge-1/commands", json=body, headers={"Idempotency-Key": "1"})
    with visit("/desk/devices/fridge-1") as page:
        expect(page.get_by_text("It has not said anything of itself yet.")).to_be_visible()
        page.get_by_text("Desire something else").click()
        page.get_by_label("Set point").fill("4")
        page.get_by_role("button", name="Desire this").click()
        expect(page.get_by_text("Version 1 has not been said to it yet.")).to_be_visible()
        _says(database, house, scene.device_no, version=0, set_point_c=5, mode="eco", firmware="1.4.2")
        page.reload()
        expect(page.locator(".tag.warm", has_text="5 °C")).to_be_visible()
        expect(page.get_by_text("Firmware 1.4.2, since")).to_be_visible()
        expect(page.get_by_text("It has version 0 of 1; said 1×, last")).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") == page.viewport_size["width"]  # type: ignore[index]
        page.evaluate("document.getElementById('twin').scrollIntoView()")
        keep(page, "twin-phone")
        page.get_by_role("button", name="Cancel").click()
        expect(page.locator("#commands-told").get_by_text("Cancelled")).to_be_visible()
        page.get_by_text("Tell it to do something").click()
        page.get_by_label("Command").fill("ping")
        page.get_by_label("Arguments").fill("n=1")
        page.get_by_role("button", name="Send the command").click()
        expect(page.locator("#commands-told tr", has_text="ping n=1")).to_contain_text("Waits for the device")
        _answers(database, scene.device_no, result={"n": 1})  # nobody reloads: the page looks again by itself
        expect(page.locator("#commands-told tr", has_text="ping n=1")).to_contain_text("Done")
        tops = [page.locator(f"#{part}").bounding_box() for part in ("now", "trouble", "twin", "commands", "curves")]
        assert [box["y"] for box in tops if box] == sorted(box["y"] for box in tops if box)
    with visit("/desk/devices/fridge-1?lang=zh", size=DESKTOP, locale="zh-CN") as page:
        expect(page.locator("#commands-told").get_by_text("已取消")).to_be_visible()
        assert page.locator("#now").bounding_box()["x"] > page.locator("#trouble").bounding_box()["x"]  # type: ignore[index]
        page.evaluate("document.getElementById('twin').scrollIntoView()")
        keep(page, "twin-desktop-zh")


def test_what_happens_between_a_page_and_its_following_is_seen_on_it(
    scene_of: Callable[[str], Scene], visit: Visit, database: Database
) -> None:
    scene = scene_of("en")
    body = {"name": "ping", "arguments": {"n": 1}, "expires_s": 86_400}
    scene.client.post("/api/devices/fridge-1/commands", json=body, headers={"Idempotency-Key": "1"})

    def meanwhile(route: Route) -> None:
        _answers(database, scene.device_no, result={"n": 1})
        route.continue_()

    with visit("/desk/") as page:
        page.route("**/desk/devices/fridge-1/live", meanwhile, times=1)
        page.goto("/desk/devices/fridge-1")
        expect(page.locator("#commands-told tr", has_text="ping n=1")).to_contain_text("Done")


def _says(database: Database, house: House, device_no: int, *, version: int, **state: object) -> None:
    """What the relay does with it."""
    now = house.clock() + timedelta(minutes=1)
    with database.connect("foremend_relay") as conn, conn.transaction():
        device = registry.by_no(conn, device_no)
        appliance = settings.of(house.catalogue[device.class_id], device.tenant_id, device.model)
        wishes.take_reports(conn, device, appliance, [(Report(version=version, state=state), now)], now)  # type: ignore[arg-type]
        store.note_said(conn, device_no, 1, now, now + timedelta(hours=1))


def _answers(database: Database, device_no: int, *, result: object) -> None:
    """The device does what it was told last."""
    with database.connect("foremend_relay") as conn, conn.transaction():
        device = registry.by_no(conn, device_no)
        last = store.list_commands(conn, device_no, limit=1)[0]
        said = Result(command_id=last.command_id, ok=True, result=result)
        orders.take_result(conn, device, said, last.queued_at, last.queued_at)
