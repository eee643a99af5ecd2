"""`/t/`: five steps that follow the engineer's, and the buttons that the state allows."""

import re
from collections.abc import Iterator

import pytest
from anyio.from_thread import start_blocking_portal
from starlette.testclient import TestClient

from api.http import live
from api.http.house import House
from tests.conftest import Database
from tests.http.scene import Scene, a_scene


@pytest.fixture
def scene(database: Database, house: House, client: TestClient) -> Scene:
    return a_scene(database, house, client)


@pytest.fixture
def path(scene: Scene) -> str:
    found = re.search(r'href="(/t/[^"]+)"', scene.answer("YES").text)
    assert found is not None
    return found[1]


def here(scene: Scene, path: str) -> str:
    found = re.search(r'aria-current="step">([^<]+)<', scene.client.get(path).text)
    assert found is not None
    return found[1]


def test_the_five_steps_follow_the_work(scene: Scene, path: str) -> None:
    seen = [here(scene, path)]
    for do in ("accept", "en_route", "on_site"):
        assert scene.press(do).status_code == 303
        seen.append(here(scene, path))
    assert seen == ["Request received", "Engineer assigned", "On the way", "Being repaired"]
    assert "Your engineer: Mia Berg" in scene.client.get(path).text
    scene.press("done")
    assert "Is everything working again?" in scene.client.get(path).text
    version = scene.ticket()["version"]
    assert scene.client.post(path, data={"do": "confirm", "version": version}).status_code == 303
    assert here(scene, path) == "Done"
    assert scene.ticket()["state"] == "RESOLVED"


def test_a_customer_who_says_not_yet_has_the_engineer_back(scene: Scene, path: str) -> None:
    for do in ("accept", "on_site"):
        scene.press(do)
    assert scene.client.post(path, data={"do": "not_yet", "version": 3}).status_code == 409
    scene.press("done")
    assert scene.client.post(path, data={"do": "not_yet", "version": 4}).status_code == 303
    assert here(scene, path) == "Being repaired"
    assert scene.ticket()["state"] == "IN_PROGRESS"
    page = scene.client.get(f"/work/{scene.ticket()['ticket_id']}?lang=zh").text
    assert "客户表示尚未修好 <small>客户</small>" in page


def test_a_step_of_another_day_says_which(scene: Scene, path: str, house: House) -> None:
    assert re.search(r"Request received<time[^>]*>10:00<", scene.client.get(path).text)
    house.clock.forward(days=1)  # type: ignore[attr-defined]  # the tests' clock
    assert re.search(r"Request received<time[^>]*>Fri 20, 10:00<", scene.client.get(path).text)


def test_the_customer_may_cancel_until_somebody_is_on_the_way(scene: Scene, path: str) -> None:
    assert "Cancel the repair" in scene.client.get(path).text
    scene.press("accept")
    scene.press("en_route")
    assert "Cancel the repair" not in scene.client.get(path).text
    version = scene.ticket()["version"]
    answer = scene.client.post(path, data={"do": "cancel", "version": version, "reason": "mistake"})
    assert answer.status_code == 409
    assert scene.ticket()["state"] == "DISPATCHED"


def test_a_cancelled_ticket_says_so(scene: Scene, path: str) -> None:
    scene.client.post(path, data={"do": "cancel", "version": 1, "reason": "works_again"})
    assert scene.ticket()["state"] == "CANCELLED"
    page = scene.client.get(path).text
    assert "Nobody will come" in page
    assert "Engineer assigned" not in page


def test_what_the_state_does_not_allow_is_refused(scene: Scene, path: str) -> None:
    for do, version, status in (("confirm", 1, 409), ("cancel", 9, 412), ("explode", 1, 409)):
        assert scene.client.post(path, data={"do": do, "version": version}).status_code == status
    assert scene.ticket()["state"] == "READY"


def test_a_witness_follows_but_does_not_decide(scene: Scene, path: str) -> None:
    sent = scene.client.post(scene.label_path, data={"words": "it hums", "key": "k"}).text
    witness = re.search(r'href="(/t/[^"]+)"', sent)
    assert witness is not None
    page = scene.client.get(witness[1]).text
    assert "Changes are up to whoever opened the ticket" in page
    assert "Cancel the repair" not in page
    assert scene.client.post(witness[1], data={"do": "cancel", "version": 1}).status_code == 409


def test_a_witness_is_spoken_to_as_the_browser_asks_and_the_customer_as_we_know(scene: Scene, path: str) -> None:
    chinese = {"accept-language": "zh-CN"}
    sent = scene.client.post(scene.label_path, data={"words": "有异响", "key": "k"}, headers=chinese).text
    witness = re.search(r'href="(/t/[^"]+)"', sent)
    assert witness is not None
    assert "您的维修" in scene.client.get(witness[1], headers=chinese).text
    assert "Your repair" in scene.client.get(path, headers=chinese).text


def test_a_page_is_told_to_look_again_when_the_version_changes_and_only_then(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "LOOK_EVERY_S", 0.001)
    versions: Iterator[int] = iter([1, 1, 2, 2, 3])

    def version() -> int:
        found = next(versions, None)
        if found is None:
            house.stopping.set()
            return 3
        return found

    async def follow() -> list[str]:
        return [str(hint) async for hint in live.answer(house, version).body_iterator]

    with start_blocking_portal() as loop:  # a thread of its own: this one may hold a browser's loop
        said = loop.call(follow)
    assert said == ["retry: 2000\n\n", "data: look again\n\n", "data: look again\n\n"]


def test_who_has_no_link_follows_nothing(scene: Scene) -> None:
    assert scene.client.get("/t/nothing/live").status_code == 404
