"""Server-sent events that say "look again", never what has changed: the page is the only place that shows it."""

import threading
from collections.abc import AsyncIterator, Callable, Hashable

import anyio
from starlette.concurrency import run_in_threadpool
from starlette.responses import StreamingResponse

from api.http.house import House

LOOK_EVERY_S = 1
STILL_HERE_EVERY = 15  # looks, so that what stands between does not close a silent line
LOOKS = 600  # then the browser comes again by itself
_places = threading.BoundedSemaphore(200)  # pages that one process follows at once


def answer(house: House, version: Callable[[], Hashable]) -> StreamingResponse:
    """`version` is asked on a thread; whatever it raises at first becomes the answer."""
    hints = _hints(house, version, version())
    return StreamingResponse(hints, media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})


async def _hints(house: House, version: Callable[[], Hashable], seen: Hashable) -> AsyncIterator[str]:
    if not _places.acquire(blocking=False):
        yield "retry: 30000\n\n"  # full: this page asks again later, and looks by itself when somebody returns to it
        return
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
