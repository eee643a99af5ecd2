"""A real browser before a real server: Chromium, uvicorn, PostgreSQL."""

import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright
from starlette.testclient import TestClient

from api import database as roof
from api.http.app import staff_app
from api.http.house import House
from devices import catalogue
from tests.conftest import Database, need
from tests.http.conftest import Clock
from tests.http.scene import Scene, a_scene

CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = [
    "--no-sandbox",  # CI runs as root
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
PHONE = {"width": 390, "height": 844}
DESKTOP = {"width": 1280, "height": 800}
PATIENCE_MS = 90_000  # a page is there when it is there
expect.set_options(timeout=PATIENCE_MS)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """While it is open Playwright has an event loop on this thread; tests of other modules run their own there."""
    need(CHROMIUM.exists(), f"no Chromium at {CHROMIUM}")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS, timeout=PATIENCE_MS)
        yield browser
        browser.close()


@pytest.fixture
def house(database: Database, tmp_path: Path) -> Iterator[House]:
    settings = database.settings(data=tmp_path)
    clock = Clock(now=datetime(2026, 11, 20, 9, 0, tzinfo=UTC))
    with roof.pool(settings, "foremend_api", max_size=6) as pool:
        yield House(settings=settings, pool=pool, catalogue=catalogue.load(), clock=clock)


@pytest.fixture
def origin(house: House) -> Iterator[str]:
    """Where the server answers; it runs on a thread of this process, so that tests move its clock."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        config = uvicorn.Config(staff_app(house), log_config=None, timeout_graceful_shutdown=1, lifespan="off")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        while not server.started:
            time.sleep(0.01)
        yield f"http://127.0.0.1:{port}"
        house.stopping.set()
        server.should_exit = True
        thread.join()


@pytest.fixture
def scene_of(database: Database, house: House) -> Callable[[str], Scene]:
    """A scene with its customer's language."""

    def make(language: str) -> Scene:
        client = TestClient(staff_app(house), base_url="http://127.0.0.1:8080", follow_redirects=False)
        return a_scene(database, house, client, language=language)

    return make


Keep = Callable[[Page, str], None]


@pytest.fixture
def keep(tmp_path: Path) -> Keep:
    """`keep(page, "question")` takes a picture of the page, into FOREMEND_PICTURES where that is set."""
    folder = Path(os.environ.get("FOREMEND_PICTURES", tmp_path))

    def take(page: Page, name: str) -> None:
        page.screenshot(path=folder / f"{name}.png")
        assert (folder / f"{name}.png").stat().st_size > 10_000, "a picture of something, not of an empty page"

    return take


Visit = Callable[..., AbstractContextManager[Page]]


@pytest.fixture
def visit(chromium: Browser, origin: str) -> Visit:
    """A page of its own; whatever the browser complains about (scripts, the content policy) fails the test."""

    @contextmanager
    def open_page(path: str, *, size: dict[str, int] = PHONE, locale: str = "en-US", **more: Any) -> Iterator[Page]:
        context: BrowserContext = chromium.new_context(viewport=size, locale=locale, base_url=origin, **more)
        complaints: list[str] = []
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda line: complaints.append(line.text) if line.type == "error" else None)
        page.set_default_timeout(PATIENCE_MS)
        page.goto(path)
        yield page
        context.close()
        assert complaints == []

    return open_page
