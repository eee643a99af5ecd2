from pathlib import Path

import pytest

from api.engines import ports


def test_a_port_is_given_once_and_never_one_that_an_outgoing_connection_may_have() -> None:
    first, last = map(int, Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split())
    given = [ports.free_port() for _ in range(500)]
    assert len(set(given)) == len(given)
    assert not [port for port in given if first <= port <= last]


def test_a_port_that_somebody_listens_on_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    taken, free = ports.free_port(), ports.free_port()
    monkeypatch.setattr(ports, "_untried", iter([taken, free]))
    with ports.socket.create_server(("127.0.0.1", taken)):
        assert ports.free_port() == free
