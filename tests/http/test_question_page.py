"""`/q/`: says in plain words what was noticed, acts only on an explicit choice, and the first answer wins."""

import pytest
from starlette.testclient import TestClient

from api.http.house import House
from tests.conftest import Database
from tests.http.scene import Scene, a_scene


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
