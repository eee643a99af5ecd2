"""What commands ask of a running Foremend over HTTP."""

from typing import Any

from api.cli._options import fail

PATIENCE_S = 15


class Answer:
    """`said`: the body as JSON; `etag`: the version that a change must carry."""

    def __init__(self, said: dict[str, Any], etag: str) -> None:
        self.said, self.etag = said, etag


def ask(method: str, api: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> Answer:
    """Raises typer.Exit with one sentence where nobody answers or the answer is no."""
    import httpx2

    url = f"{api.rstrip('/')}/api{path}"
    try:
        answer = httpx2.request(method, url, json=body, headers=headers, timeout=PATIENCE_S, trust_env=False)
        said: dict[str, Any] = answer.json()
    except (httpx2.HTTPError, httpx2.InvalidURL, ValueError) as error:
        raise fail(
            f"no Foremend answers at {url} ({error}); start it with make up, or name it with --api URL"
        ) from None
    if answer.status_code >= 300:
        reasons = "; ".join(f"{each.get('pointer', '')} {each['detail']}" for each in said.get("errors", []))
        raise fail(" ".join(filter(None, [str(said.get("detail", answer.status_code)), reasons])))
    return Answer(said, answer.headers.get("ETag", ""))
