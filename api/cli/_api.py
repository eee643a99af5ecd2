"""The running Foremend, asked over HTTP: an answer, or one sentence about what is wrong."""

import unicodedata
from typing import Any
from urllib.parse import quote

import typer

from api.cli._options import fail

PATIENCE_S = 60  # a page of credentials takes a while
_STEERS = {"Cc", "Cf", "Cs", "Zl", "Zp"}  # Unicode's categories of what no eye sees


def ask(api: str, method: str, path: str, *, or_none: bool = False, **more: Any) -> Any:
    """What the answer holds; None for what is not there, with `or_none`. Ends the command with the problem's own
    sentence if it is no success."""
    import httpx2

    url = f"{api.rstrip('/')}{path}"
    try:
        answer = httpx2.request(method, url, timeout=PATIENCE_S, trust_env=False, **more)
        said = harmless(answer.json()) if answer.content else None
    except (httpx2.HTTPError, httpx2.InvalidURL, ValueError) as error:
        raise unreachable(url, error) from None
    if or_none and answer.status_code == 404:
        return None
    if not answer.is_success:
        raise fail(problem(said, answer.status_code))
    return said


def harmless(said: Any) -> Any:
    """With what steers a terminal written out: devices and strangers wrote some of it."""
    if isinstance(said, str):
        return said if said.isprintable() else "".join(map(_letter, said))
    if isinstance(said, dict):
        return {harmless(name): harmless(value) for name, value in said.items()}
    return [harmless(each) for each in said] if isinstance(said, list) else said


def _letter(letter: str) -> str:
    return letter.encode("unicode_escape").decode() if unicodedata.category(letter) in _STEERS else letter


def unreachable(url: str, error: Exception) -> typer.Exit:
    return fail(f"no Foremend answers at {url} ({error}); start it with make up, or name it with --api URL")


def problem(said: Any, status: int) -> str:
    """What a problem says, with its places in the body and with what would have been allowed."""
    if not isinstance(said, dict):
        return f"the answer was {status}"
    named = ((each.get("pointer") or each.get("parameter", ""), each["detail"]) for each in said.get("errors", []))
    reasons = "; ".join(f"{where} {detail}".strip() for where, detail in named)
    return " ".join(filter(None, [str(said.get("detail", status)), reasons]))


def in_path(name: str) -> str:
    """As it stands in an address. Ends the command for an empty one, which would name something else there."""
    if not name.strip():
        raise fail("name it: an empty word is no id")
    return quote(name, safe="")
