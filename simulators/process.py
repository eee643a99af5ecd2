"""What the yard's long-running programs share: where the house is by default, and an end when somebody says so."""

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Coroutine
from pathlib import Path
from typing import Any


def now_ms() -> int:
    return int(time.time() * 1000)


def default_api() -> str:
    env = os.environ.get
    return f"http://{env('FOREMEND_HTTP_HOST', '127.0.0.1')}:{env('FOREMEND_HTTP_PORT', '8080')}"


def default_broker() -> str:
    env = os.environ.get
    scheme = "mqtts" if env("FOREMEND_MQTT_TLS") == "1" else "mqtt"
    return f"{scheme}://{env('FOREMEND_MQTT_HOST', '127.0.0.1')}:{env('FOREMEND_MQTT_PORT', '1883')}"


def default_ca() -> Path | None:
    said = os.environ.get("FOREMEND_MQTT_CA")
    return Path(said) if said else None


async def until_told(work: Coroutine[Any, Any, None]) -> None:
    """`work`, until it is done or SIGTERM or Ctrl-C cancels it; what it raises comes out as it is."""
    task = asyncio.ensure_future(work)
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        try:
            await task
        except BaseExceptionGroup as group:
            raise group.exceptions[0] from None  # of a task group: the first is what went wrong
