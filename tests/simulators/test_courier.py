"""What is carried to a broker arrives, however it comes and goes."""

import asyncio
import contextlib
from typing import Any

from simulators.courier import Courier


class Answering:
    """A connection that acknowledges."""

    def __init__(self) -> None:
        self.said: list[bytes] = []

    async def publish(self, _topic: str, payload: bytes, **_: Any) -> None:
        self.said.append(payload)


def test_a_connection_that_is_lost_in_the_moment_it_is_made_is_waited_for_again() -> None:
    async def work() -> list[bytes]:
        loop, second = asyncio.get_running_loop(), Answering()
        courier = Courier("127.0.0.1", 9, "courier")
        courier._keeper = loop.create_task(asyncio.Event().wait())
        carrying = loop.create_task(courier.deliver("fm/demo/d1/up/telemetry", b"reading"))
        await asyncio.sleep(0)  # it waits for a connection
        courier._client.set_result(Answering())
        courier._client = loop.create_future()  # and whoever waited was not yet told
        for _ in range(10):
            await asyncio.sleep(0)
        courier._client.set_result(second)
        await carrying
        courier._keeper.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await courier._keeper
        return second.said

    assert asyncio.run(work()) == [b"reading"]
