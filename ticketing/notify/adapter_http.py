"""The way out by HTTP: one POST, short timeouts, no redirects, to the very address that was looked at."""

import asyncio
import socket
from urllib.parse import urlsplit

import httpx2

from ticketing.notify.envelope import Envelope
from ticketing.notify.model import Attempt
from ticketing.notify.outside import refuse_addresses, refuse_url

TIMEOUT = httpx2.Timeout(10.0, connect=5.0)  # of one step
WHOLE_S = 20.0  # of all steps together: who answers a byte at a time does not keep us
_GONE = 410  # Standard Webhooks: the receiver wants no more
_OK = range(200, 300)


def post(url: str, envelope: Envelope, *, allow_private: bool) -> Attempt:
    refused = refuse_url(url)
    if refused:
        return Attempt(error=f"refused: {refused}", final=True)
    try:
        addresses = _resolve(url)
    except OSError as error:
        return Attempt(error=f"cannot resolve: {error}")
    refused = None if allow_private else refuse_addresses(addresses)
    if refused:
        return Attempt(error=f"refused: {refused}", final=True)
    try:
        return _judge(asyncio.run(_in_time(url, addresses[0], envelope)))
    except TimeoutError:
        return Attempt(error=f"no answer within {WHOLE_S:g} s")
    except httpx2.HTTPError as error:
        return Attempt(error=f"{type(error).__name__}: {error}"[:300])


def _resolve(url: str) -> list[str]:
    parts = urlsplit(url)
    port = parts.port or {"http": 80, "https": 443}[parts.scheme]
    found = socket.getaddrinfo(parts.hostname, port, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]


async def _in_time(url: str, address: str, envelope: Envelope) -> int:
    async with asyncio.timeout(WHOLE_S):
        return await _send(url, address, envelope)


async def _send(url: str, address: str, envelope: Envelope) -> int:
    """Connects to `address`, not to the name: between looking and connecting, a name can change its mind.

    A connection serves one request, since it was checked for one name only. The answer's body is not read.
    """
    target = httpx2.URL(url)
    headers = {**envelope.headers, "host": target.netloc.decode("ascii"), "user-agent": "foremend"}
    limits = httpx2.Limits(max_keepalive_connections=0)
    async with (
        httpx2.AsyncClient(timeout=TIMEOUT, follow_redirects=False, trust_env=False, limits=limits) as client,
        client.stream(
            "POST",
            target.copy_with(host=address),
            content=envelope.body,
            headers=headers,
            extensions={"sni_hostname": target.host},
        ) as response,
    ):
        return int(response.status_code)


def _judge(status: int) -> Attempt:
    if status in _OK:
        return Attempt()
    return Attempt(error=f"HTTP {status}", final=status == _GONE)
