"""What stands before every route: who may call from where, how much may be sent, and what the browser is told."""

import threading
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import anyio
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.http.problems import Page, Problem, answered

FORM_BYTES = 64 * 1024
PHOTO_BYTES = 8 * 1024 * 1024
PIECE_S, BODY_S = 30, 600  # for how long a body may pause, and take in all: a photo over the slowest of networks
IMPORT_BYTES = 64 * 1024 * 1024  # some 300,000 devices; it is held in memory while it is read
_LARGE = {  # a photo as a file, or as base64 in JSON; a file of devices
    "/r/": PHOTO_BYTES + FORM_BYTES,
    "/01/": PHOTO_BYTES + FORM_BYTES,
    "/m/": PHOTO_BYTES + FORM_BYTES,
    "/api/reports": PHOTO_BYTES * 4 // 3 + FORM_BYTES,
    "/api/imports": IMPORT_BYTES,
    "/desk/imports": IMPORT_BYTES + FORM_BYTES,
}
MOST_LARGE = 64  # bodies beyond a form's at once: half a gigabyte of photos
_large = threading.BoundedSemaphore(MOST_LARGE)
_SAFE = {"GET", "HEAD", "OPTIONS"}
_TOKEN_PAGES = ("/q/", "/t/", "/r/", "/01/", "/claim/", "/m/")
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


def body_limit(path: str) -> int:
    return next((limit for prefix, limit in _LARGE.items() if path.startswith(prefix)), FORM_BYTES)


def refusal(method: str, path: str, headers: Headers, hosts: frozenset[str]) -> Problem | None:
    """Why a request is turned away before it is read.

    The list of hosts keeps a foreign name that points at 127.0.0.1 (DNS rebinding) from reading staff pages; Origin and
    Sec-Fetch-Site keep other sites from posting to them with this machine's browser. Programs send neither.
    """
    host = headers.get("host", "")
    if _name(host) not in hosts:
        return Problem(status=421, slug="unknown-host", detail="This server does not answer to that name.")
    length = headers.get("content-length", "0")
    if not length.isdecimal() or int(length) > body_limit(path):
        return Problem(status=413, slug="too-large", detail=f"At most {body_limit(path)} bytes are taken here.")
    if method in _SAFE:
        return None
    foreign = headers.get("sec-fetch-site", "none") not in {"none", "same-origin"}
    origin = headers.get("origin")
    hidden = origin == "null" and path.startswith(_TOKEN_PAGES)  # those forbid referrers, so a browser hides its origin
    if origin is not None and not hidden:
        foreign = foreign or origin.partition("://")[2] != host
    if foreign:
        return Problem(status=403, slug="foreign-origin", detail="Only pages of this server may do that.")
    return None


def _name(host: str) -> str | None:
    """Without the port; None for what is no address at all, such as `[`."""
    try:
        return urlsplit(f"//{host}").hostname
    except ValueError:
        return None


@dataclass(frozen=True)
class Guard:
    """ASGI middleware; `hosts` are the names that this server answers to, `page` is how a person is told no."""

    app: ASGIApp
    hosts: frozenset[str]
    page: Page

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        path: str = scope["path"]
        say = _with_headers(send, path)
        problem = refusal(scope["method"], path, Headers(scope=scope), self.hosts)
        if problem is not None:
            await answered(Request(scope), problem, self.page)(scope, receive, say)
            return
        body = _Body(receive=receive, limit=body_limit(path))
        try:
            await self.app(scope, body, say)
        finally:
            body.end()


@dataclass(kw_only=True)
class _Body:
    """What arrives. One without a declared length is counted meanwhile, one that does not arrive is given up, and of
    large ones so many are taken in at once as memory and disk hold."""

    receive: Receive
    limit: int
    until_s: float = field(default_factory=lambda: anyio.current_time() + BODY_S)
    taken: int = 0
    arrives: bool = True
    large: bool = False

    async def __call__(self) -> Message:
        if not self.arrives:  # what comes now says only that nobody is there any more
            return await self.receive()
        try:
            with anyio.fail_after(min(PIECE_S, self.until_s - anyio.current_time())):
                message = await self.receive()
        except TimeoutError:
            raise HTTPException(408, "What you send does not arrive; please send it again.") from None
        self._count(len(message.get("body", b"")))
        self.arrives = message.get("more_body", False)
        return message

    def _count(self, more: int) -> None:
        self.taken += more
        if self.taken > self.limit:
            raise HTTPException(413, f"At most {self.limit} bytes are taken here.")
        if self.taken > FORM_BYTES and not self.large:
            self.large = _large.acquire(blocking=False)
            if not self.large:
                raise HTTPException(429, "Many photos or files arrive just now; please send yours again in a minute.")

    def end(self) -> None:
        if self.large:
            _large.release()


def _with_headers(send: Send, path: str) -> Send:
    async def with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers["X-Content-Type-Options"] = "nosniff"
            headers["Content-Security-Policy"] = _POLICY
            headers["Cross-Origin-Opener-Policy"] = "same-origin"
            headers["Referrer-Policy"] = "no-referrer" if path.startswith(_TOKEN_PAGES) else "same-origin"
            headers.setdefault("Cache-Control", "no-store")
        await send(message)

    return with_headers
