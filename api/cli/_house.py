"""The running house, asked by commands: devices by id or all, and what comes of it in a file."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, overload
from urllib.parse import urlsplit

from api.cli._api import ask, in_path
from api.cli._options import fail

_PAGE = 500


def device(api: str, device_id: str) -> dict[str, Any]:
    found: dict[str, Any] = ask(api, "GET", f"/api/devices/{in_path(device_id)}")
    return found


def every_device(api: str) -> list[dict[str, Any]]:
    return [*_pages(api)]


def _pages(api: str) -> Iterator[dict[str, Any]]:
    after = 0
    while page := ask(api, "GET", f"/api/devices?after={after}&limit={_PAGE}")["devices"]:
        yield from page
        after = page[-1]["device_no"]


def ids(text: str) -> list[str]:
    """`fridge-1, fridge-2`, each once, in that order."""
    return list(dict.fromkeys(each.strip() for each in text.split(",") if each.strip()))


@overload
def moved(url: str, base_url: str | None) -> str: ...
@overload
def moved(url: None, base_url: str | None) -> None: ...
def moved(url: str | None, base_url: str | None) -> str | None:
    """The same page under another address."""
    if url is None or base_url is None:
        return url
    return base_url.rstrip("/") + urlsplit(url).path


def write(out: Path, body: bytes) -> None:
    try:
        out.write_bytes(body)
    except OSError as error:
        raise fail(f"{out} cannot be written: {error.strerror}") from None
