"""Server-sent events that say "look again", never what has changed: the page is the only place that shows it."""

import threading
from collections.abc import AsyncIterator, Callable, Hashable

import anyio
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response, StreamingResponse

from api.http.house import House
from api.http.problems import refuse

LOOK_EVERY_S = 1
STILL_HERE_EVERY = 15  # looks, so that what stands between does not close a silent line
LOOKS = 600  # then the browser comes again by itself
_places = threading.BoundedSemaphore(200)  # pages that one process follows at once


def answer(house: House, version: Callable[[], Hashable]) -> Response:
    """`version` is asked on a thread; whatever it raises at first becomes the answer."""
    seen = version()
    if not _places.acquire(blocking=False):
        raise refuse(503, "too-many-followers", "Too many pages follow live just now; this one goes on without.")
    headers = {"X-Accel-Buffering": "no"}
    return StreamingResponse(_hints(house, version, seen), media_type="text/event-stream", headers=headers)


async def _hints(house: House, version: Callable[[], Hashable], seen: Hashable) -> AsyncIterator[str]:
    try:
        yield "retry: 2000\n\n"
        for look in range(1, LOOKS + 1):
            await anyio.sleep(LOOK_EVERY_S)
            if house.stopping.is_set():
                return
            current = await run_in_threadpool(version)
            if current != seen:
                seen = current
                yield "data: look again\n\n"
            elif look % STILL_HERE_EVERY == 0:
                yield ": still here\n\n"
    finally:
        _places.release()
