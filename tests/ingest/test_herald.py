"""What a bridge says of the devices that it brings: each is told, and nobody can make it remember without end."""

from typing import Any

import orjson
import pytest

from api.bridge import herald as bridge_herald
from api.bridge.herald import Herald


class Said:
    """In the place of the log: the devices of each message."""

    def __init__(self) -> None:
        self.devices: list[set[str]] = []

    def publish(self, _topic: str, payload: bytes, _headers: dict[str, str]) -> None:
        self.devices.append(set(orjson.loads(payload)["devices"]))


class Lately:
    """In the place of the rules: whose topics are remembered there now."""

    tenant_id = "demo"

    def __init__(self) -> None:
        self.names: list[str] = []

    def devices(self) -> set[tuple[str, str]]:
        return {("demo", name) for name in self.names}


def test_who_was_forgotten_among_made_up_devices_is_told_again(monkeypatch: pytest.MonkeyPatch) -> None:
    said, lately = Said(), Lately()
    monkeypatch.setattr(bridge_herald, "Wire", lambda _url: said)
    rules: Any = lately
    herald = Herald("nats://nobody", "bridge", "broker", rules, lambda: True)
    for names in (["d1", "a1"], ["d1", "a2"], ["a3"], ["d1", "a4"]):
        lately.names = names
        herald._turn(connected=True)
    assert said.devices == [{"d1", "a1"}, {"a2"}, {"a3"}, {"d1", "a4"}]
