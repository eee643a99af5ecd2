"""Carries payloads to the broker with QoS 1 and returns once they are acknowledged, over however many connections."""

import asyncio
import contextlib
import sys
from types import TracebackType
from typing import Self

import aiomqtt

_FIRST_RETRY_S = 0.5
_LAST_RETRY_S = 10.0
_PUBLISH_TIMEOUT_S = 60.0
_IN_FLIGHT = 200


class Courier:
    """Made inside a running loop. `deliver` waits as long as the broker is away; the order is the caller's business."""

    def __init__(
        self, host: str, port: int, client_id: str, username: str | None = None, password: str | None = None
    ) -> None:
        self._host, self._port, self._client_id = host, port, client_id
        self._username, self._password = username, password
        self._client: asyncio.Future[aiomqtt.Client] = asyncio.get_running_loop().create_future()
        self._lost = asyncio.Event()
        self.reconnects = -1

    async def __aenter__(self) -> Self:
        self._keeper = asyncio.create_task(self._keep_connected())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self._keeper.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._keeper

    async def deliver(self, topic: str, payload: bytes) -> None:
        """Returns when the broker has acknowledged; what a lost connection left open is sent again."""
        while True:
            if await self._once(topic, payload):
                return
            await asyncio.sleep(_FIRST_RETRY_S)

    async def _once(self, topic: str, payload: bytes) -> bool:
        while not self._client.done():  # one that was lost again before we heard of it has left us another to wait for
            await asyncio.wait((self._client, self._keeper), return_when=asyncio.FIRST_COMPLETED)
            if self._keeper.done():
                self._keeper.result()  # it never ends well
        client, lost = self._client.result(), asyncio.create_task(self._lost.wait())
        publish = asyncio.create_task(client.publish(topic, payload, qos=1, timeout=_PUBLISH_TIMEOUT_S))
        try:
            await asyncio.wait((publish, lost), return_when=asyncio.FIRST_COMPLETED)
        finally:
            lost.cancel()
            publish.cancel()
            with contextlib.suppress(asyncio.CancelledError, aiomqtt.MqttError):
                await publish
        return not publish.cancelled() and publish.exception() is None

    async def _keep_connected(self) -> None:
        retry_s, said = _FIRST_RETRY_S, False
        while True:
            try:
                async with aiomqtt.Client(
                    self._host,
                    self._port,
                    identifier=self._client_id,
                    username=self._username,
                    password=self._password,
                    max_inflight_messages=_IN_FLIGHT,
                    max_concurrent_outgoing_calls=_IN_FLIGHT,
                    keepalive=30,
                ) as client:
                    client.pending_calls_threshold = _IN_FLIGHT  # below it, aiomqtt warns of nothing
                    retry_s, said = _FIRST_RETRY_S, False
                    await self._serve(client)
            except aiomqtt.MqttError as error:
                if not said:
                    print(
                        f"no MQTT broker at {self._host}:{self._port} ({error}); trying on", file=sys.stderr, flush=True
                    )
                said = True
            await asyncio.sleep(retry_s)
            retry_s = min(2 * retry_s, _LAST_RETRY_S)

    async def _serve(self, client: aiomqtt.Client) -> None:
        """Until the connection is lost. We subscribe to nothing; waiting for messages is how aiomqtt says so."""
        self._lost = asyncio.Event()
        self.reconnects += 1
        self._client.set_result(client)
        try:
            async for _ in client.messages:
                pass
        finally:
            self._client = asyncio.get_running_loop().create_future()
            self._lost.set()
