"""The running house, asked by commands: devices by id or all, and what comes of it in a file."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, overload
from urllib.parse import quote, urlsplit

from api.cli._options import fail

PATIENCE_S = 10
_PAGE = 500


def ask(api: str, path: str, *, method: str = "GET", body: dict[str, Any] | None = None) -> dict[str, Any]:
    """What it answers; what it refuses is one sentence."""
    import httpx2

    api = api.rstrip("/")
    try:
        more = {} if body is None else {"json": body}
        said = getattr(httpx2, method.lower())(f"{api}{path}", timeout=PATIENCE_S, trust_env=False, **more)
        answer = said.json()
    except (httpx2.HTTPError, httpx2.InvalidURL, ValueError) as error:
        raise fail(
            f"no Foremend answers at {api} ({error}); start it with make up, or name it with --api URL"
        ) from None
    if said.status_code >= 400:
        raise fail(str(answer.get("detail", f"{api} answered {said.status_code}")))
    found: dict[str, Any] = answer
    return found


def device(api: str, device_id: str) -> dict[str, Any]:
    return ask(api, f"/api/devices/{quote(device_id, safe='')}")


def every_device(api: str) -> list[dict[str, Any]]:
    return [*_pages(api)]


def _pages(api: str) -> Iterator[dict[str, Any]]:
    after = 0
    while page := ask(api, f"/api/devices?after={after}&limit={_PAGE}")["devices"]:
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
