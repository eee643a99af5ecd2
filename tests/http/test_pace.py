"""Who asks, as far as the network says, and how often he may."""

from typing import Any

import pytest
from starlette.requests import Request

from api.http import pace
from api.http.pace import Pace, address_of


def asked_by(host: str | None) -> Request:
    scope: dict[str, Any] = {"type": "http", "headers": [], "client": (host, 5) if host is not None else None}
    return Request(scope)


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("testclient", "testclient"),
        (None, ""),
    ],
)
def test_a_home_is_one_address_however_many_its_network_gives_it(host: str | None, address: str) -> None:
    assert address_of(asked_by(host)) == address


def test_whoever_was_silent_longest_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace, "_MOST", 2)
    one = Pace(per_minute=1, burst=1, clock=lambda: 0.0)
    assert [one.takes(who) for who in ("a", "a", "b", "c", "a")] == [True, False, True, True, True]
