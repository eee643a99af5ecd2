"""`/q/`: says in plain words what was noticed, acts only on an explicit choice, and the first answer wins."""

import re

import pytest
from starlette.testclient import TestClient

from api.http.house import House
from tests.conftest import Database
from tests.http.conftest import Clock
from tests.http.scene import Scene, a_scene, cleared, events


@pytest.fixture
def scene(database: Database, house: House, client: TestClient) -> Scene:
    return a_scene(database, house, client)


def test_the_page_says_in_plain_words_what_was_noticed_with_the_curve(scene: Scene) -> None:
    page = scene.client.get(scene.question_path()).text
    assert "Since yesterday evening your refrigerator&#39;s compressor" in page
    assert "has been running 34 minutes at a time instead of 21." in page
    assert '<svg class="curve"' in page
    assert 'class="run ill"' in page
    assert "<script" not in page


def test_the_page_speaks_the_customers_language_until_switched(
    database: Database, house: House, client: TestClient
) -> None:
    path = a_scene(database, house, client, language="zh").question_path()
    assert "压缩机每次要运行 34 分钟，平时只需 21 分钟" in client.get(path, headers={"accept-language": "en"}).text
    assert "34 minutes" in client.get(f"{path}?lang=en").text


def test_a_yes_opens_one_ticket_and_leads_to_the_page_that_follows_it(scene: Scene) -> None:
    path = scene.question_path()
    page = scene.answer("YES", path).text
    assert "T-000001" in page
    follow = re.search(r'href="(/t/[^"]+)"', page)
    assert follow is not None
    assert "We are choosing the engineer" in scene.client.get(follow[1]).text
    assert scene.ticket()["snapshot_id"] is not None
    assert events(scene.database, "ticket.opened")[0]["actor"].startswith("customer:")


def test_the_old_link_says_when_the_repair_has_ended(scene: Scene) -> None:
    path = scene.question_path()
    scene.answer("YES", path)
    scene.press("cancel")
    page = scene.client.get(path).text
    assert "This repair has ended" in page
    assert "help is under way" not in page


def test_the_first_answer_wins(scene: Scene) -> None:
    first, second = scene.question_path(), scene.question_path()
    scene.answer("YES", first)
    page = scene.answer("NO:FALSE_ALARM", second).text
    assert "This question was answered already" in page
    assert "T-000001" in page
    assert scene.question()["state"] == "YES"
    assert len(scene.client.get("/api/tickets").json()["tickets"]) == 1


def test_who_comes_back_by_the_old_link_finds_the_ticket_by_a_post(scene: Scene) -> None:
    path = scene.question_path()
    scene.answer("YES", path)
    assert f'action="{path}/follow"' in scene.client.get(path).text
    answer = scene.client.post(f"{path}/follow")
    assert answer.status_code == 303
    assert scene.client.get(answer.headers["location"]).status_code == 200


@pytest.mark.parametrize(
    ("choice", "state", "says"),
    [
        ("NO:FALSE_ALARM", "NO", "Your reason was noted"),
        ("NOT_NOW", "NOT_NOW", "tomorrow at 9"),
    ],
)
def test_a_no_and_a_not_now_are_taken_without_a_ticket(scene: Scene, choice: str, state: str, says: str) -> None:
    assert says in scene.answer(choice).text
    assert scene.question()["state"] == state
    assert scene.client.get("/api/tickets").json()["tickets"] == []


def test_what_is_no_choice_of_the_page_changes_nothing(scene: Scene) -> None:
    path = scene.question_path()
    for choice in ("NO", "MAYBE", "YES:FALSE_ALARM", "NO:BECAUSE", ""):
        assert scene.answer(choice, path).status_code == 422
    assert scene.question()["state"] == "OPEN"


def test_an_answer_to_another_version_is_told_to_look_again(scene: Scene) -> None:
    answer = scene.answer("YES", version=7)
    assert answer.status_code == 412
    assert "Somebody was faster" in answer.text
    assert scene.question()["state"] == "OPEN"


def test_a_question_whose_time_is_over_takes_no_answer(scene: Scene, clock: Clock) -> None:
    path = scene.question_path()
    clock.forward(days=2, seconds=-1)
    assert "Shall we send an engineer?" in scene.client.get(path).text
    clock.forward(seconds=2)
    assert "This question is closed" in scene.client.get(path).text
    assert "This question is closed" in scene.answer("YES", path).text
    assert scene.question()["state"] == "EXPIRED"
    assert scene.client.get("/api/tickets").json()["tickets"] == []


def test_a_question_that_was_taken_back_says_that_all_is_well(scene: Scene, clock: Clock) -> None:
    path = scene.question_path()
    clock.forward(hours=1)
    cleared(scene, clock.now)
    assert "works as usual again" in scene.client.get(path).text
    assert "works as usual again" in scene.answer("YES", path).text
    assert scene.client.get("/api/tickets").json()["tickets"] == []


def test_wrong_expired_and_foreign_tokens_look_alike(scene: Scene, clock: Clock) -> None:
    path = scene.question_path()
    follow = re.search(r'href="(/t/[^"]+)"', scene.answer("YES", path).text)
    assert follow is not None
    clock.forward(days=20)
    tries = [path, "/q/wrong", "/q/" + "x" * 4000, follow[1].replace("/t/", "/q/"), path.replace("/q/", "/t/"), "/r/0"]
    answers = [scene.client.get(each) for each in tries]
    assert {answer.status_code for answer in answers} == {404}
    bodies = {re.sub(r"/(q|t|r)/[^\"?]*", "", answer.text) for answer in answers}
    assert len(bodies) == 1
    assert scene.client.get(follow[1]).status_code == 200


def test_the_desk_opens_a_customers_page_on_the_record(scene: Scene) -> None:
    scene.question_path()
    said = events(scene.database, "question.opened_by_desk")
    assert [(line["actor"], line["subject_id"]) for line in said] == [("staff:desk", scene.question()["question_id"])]
