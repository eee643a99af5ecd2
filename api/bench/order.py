"""What a load is asked to publish and where, and what it says of itself afterwards."""

from dataclasses import dataclass, field, replace
from typing import Any

from api.bench.latency import Share

_MANY_DEVICES = 1000


@dataclass(frozen=True, kw_only=True)
class Order:
    """`rate`: messages a second, None for as many as are acknowledged. `reconnect`: the load outlives its broker.
    `port`: of another broker than ours, as are `host` and who comes there. `first_ts_ms`: None, an hour ago.
    `more`: the load's other options, as it names them."""

    seconds: float
    devices: int
    rate: float | None
    reconnect: bool = False
    port: int | None = None
    host: str = "127.0.0.1"
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    readings: int = 1  # a message; more than one are an array
    named: bool = False  # each reading says its device, for whoever is not handed the topic
    first_ts_ms: int | None = None
    more: tuple[str, ...] = ()

    def live(self, now_ms: int) -> "Order":
        """The devices' clocks are right; so few that their time would run ahead of ours speak of an hour ago."""
        if self.first_ts_ms is not None or self.devices < _MANY_DEVICES:
            return self
        return replace(self, first_ts_ms=now_ms)

    def options(self, port: int) -> list[str]:
        """For `simulators.load`; at `port` if nothing else is asked for."""
        options = ["--host", self.host, "--port", str(self.port or port), "--devices", str(self.devices)]
        options += ["--seconds", str(self.seconds), "--readings", str(self.readings)]
        options += ["--flat-out"] if self.rate is None else ["--rate", str(self.rate)]
        options += ["--username", self.username] if self.username else []
        options += ["--first-ts-ms", str(self.first_ts_ms)] if self.first_ts_ms is not None else []
        return [*options, *(["--reconnect"] * self.reconnect), *(["--named"] * self.named), *self.more]

    def environment(self) -> dict[str, str]:
        return {} if self.password is None else {"FOREMEND_LOAD_PASSWORD": self.password}


@dataclass(frozen=True, kw_only=True)
class Sent:
    """What the load says of itself, which readings it published (a row a device), and when (a row a publisher)."""

    published: int  # messages, as are
    acknowledged: int
    acknowledged_at_s: float  # the last one
    cpu_s: float
    keys: list[dict[str, Any]]
    shares: list[Share]
    readings: int = 1  # a message
