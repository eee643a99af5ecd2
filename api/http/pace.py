"""How often one address may ask for what can be guessed. Kept in this process' memory: a start forgets it."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from ipaddress import IPv6Address, ip_address

from starlette.requests import Request

_MOST = 10_000  # addresses; the one that was silent longest is forgotten


def address_of(request: Request) -> str:
    """Who asks, as far as the network says: a home's /64 is one address. FOREMEND_PROXIES says whose word counts."""
    host = request.client.host if request.client else ""
    try:
        address = ip_address(host)
    except ValueError:
        return host
    if isinstance(address, IPv6Address):
        mapped = address.ipv4_mapped
        return str(mapped) if mapped else f"{IPv6Address(int(address) >> 64 << 64)}/64"
    return str(address)


@dataclass(kw_only=True)
class Pace:
    """A token bucket for each address: `burst` at once, then `per_minute`."""

    per_minute: float
    burst: int
    clock: Callable[[], float] = time.monotonic
    _buckets: OrderedDict[str, tuple[float, float]] = field(default_factory=OrderedDict)  # tokens, since
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def takes(self, address: str) -> bool:
        """Whether this one is still taken."""
        with self._lock:
            now = self.clock()
            tokens, since = self._buckets.pop(address, (float(self.burst), now))
            tokens = min(self.burst, tokens + (now - since) * self.per_minute / 60)
            self._buckets[address] = (tokens - 1 if tokens >= 1 else tokens, now)
            if len(self._buckets) > _MOST:
                self._buckets.popitem(last=False)
            return tokens >= 1
