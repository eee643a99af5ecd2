"""What stands before every route: names, origins, sizes, and what the browser is told."""

import threading
from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from api.http import guard
from api.http.app import public_app
from api.http.guard import FORM_BYTES
from api.http.house import House
from tests.http.conftest import BASE, a_device_body, get_paths

HOST = BASE.removeprefix("http://")


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example:8080", "localhost@evil.example", "", "["])
def test_a_foreign_name_for_this_machine_is_not_answered(doorway: TestClient, host: str) -> None:
    assert doorway.get("/desk/", headers={"host": host}).status_code == 421


@pytest.mark.parametrize("host", ["127.0.0.1:8080", "localhost", "[::1]:9000"])
def test_its_own_names_are(doorway: TestClient, host: str) -> None:
    assert doorway.get("/livez", headers={"host": host}).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": f"http://{HOST}0"},
        {"origin": "http://localhost:8080"},
        {"origin": "http://["},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
)
def test_other_sites_cannot_post_to_staff_pages(doorway: TestClient, headers: dict[str, str]) -> None:
    answer = doorway.put("/api/devices/fridge-1", json=a_device_body(), headers=headers)
    assert answer.status_code == 403


@pytest.mark.parametrize(("origin", "status"), [("https://evil.example", 403), ("null", 422), (BASE, 422)])
def test_a_page_with_a_token_hides_its_origin_and_another_site_has_one(
    doorway: TestClient, origin: str, status: int
) -> None:
    assert doorway.post("/q/nothing", headers={"origin": origin}).status_code == status


@pytest.mark.parametrize("headers", [{}, {"origin": BASE, "sec-fetch-site": "same-origin"}])
def test_programs_and_its_own_pages_can(client: TestClient, headers: dict[str, str]) -> None:
    assert client.put("/api/devices/fridge-1", json=a_device_body(), headers=headers).status_code == 201


def test_a_body_beyond_the_limit_is_refused_by_its_declared_length(doorway: TestClient) -> None:
    body = b" " * (FORM_BYTES + 1)
    answer = doorway.put("/api/devices/fridge-1", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 413


def test_a_body_beyond_the_limit_is_refused_while_it_arrives(doorway: TestClient) -> None:
    taken = 0

    def drops() -> Iterator[bytes]:
        nonlocal taken
        for _ in range(100):
            taken += 1
            yield b" " * 1024

    answer = doorway.put("/api/devices/fridge-1", content=drops(), headers={"content-type": "application/json"})
    assert answer.status_code == 413
    assert answer.headers["content-type"] == "application/problem+json"


def test_of_large_bodies_so_many_are_taken_in_at_once_as_there_is_room_for(
    doorway: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What others send slowly lies in memory or on the disk meanwhile."""
    room = threading.BoundedSemaphore(1)
    monkeypatch.setattr(guard, "_large", room)

    def send(size: int) -> int:
        return doorway.post("/r/", files={"photo": ("p.jpg", b"x" * size, "image/jpeg")}).status_code

    assert [send(FORM_BYTES + 1), send(FORM_BYTES + 1)] == [422, 422], "one makes room for the next"
    with room:
        assert [send(FORM_BYTES + 1), send(9)] == [429, 422]
    assert send(FORM_BYTES + 1) == 422


def test_a_body_nested_without_end_is_refused_not_broken(doorway: TestClient) -> None:
    body = b"[" * (FORM_BYTES - 1)
    answer = doorway.put("/api/devices/fridge-1", content=body, headers={"content-type": "application/json"})
    assert 400 <= answer.status_code < 500


@pytest.mark.parametrize("path", ["/desk/", "/api/devices", "/q/nothing", "/static/style.css", "/nowhere"])
def test_every_answer_tells_the_browser_what_it_may_do(doorway: TestClient, path: str) -> None:
    headers = doorway.get(path).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == ("no-referrer" if path.startswith("/q/") else "same-origin")
    assert ("no-store" in headers["cache-control"]) == (not path.startswith("/static/"))


def test_the_public_server_has_the_public_pages_and_nothing_else(house: House) -> None:
    app = public_app(house, frozenset({"192.168.1.7"}))
    with TestClient(app, base_url="http://192.168.1.7:8080") as client:
        assert client.get("/static/style.css").status_code == 200
        staff = [path for path in get_paths() if not path.startswith(("/q/", "/t/", "/r/", "/01/", "/claim/", "/m/"))]
        assert len(staff) > 20
        for path in [*staff, "/api/openapi.json", "/docs"]:
            answer = client.get(path)
            assert answer.status_code == 404, path
            assert client.post(path).status_code in (404, 405), path
