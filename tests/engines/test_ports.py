import os
import subprocess
import sys
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


def test_no_two_processes_are_given_the_same_port_however_near_they_begin(monkeypatch: pytest.MonkeyPatch) -> None:
    """Though nothing listens on any of them yet, and though one of them has used up its first block."""
    monkeypatch.setattr(ports.secrets, "randbelow", lambda _: 7)
    monkeypatch.setattr(ports, "_guards", held := [])
    one_after_another = ports._one_after_another()
    ours = {next(one_after_another) for _ in range(ports._BLOCK + 20)}
    asked = (
        "from api.engines import ports; ports.secrets.randbelow = lambda _: 7;"
        "print([*map(next, [ports._one_after_another()] * 150)])"
    )
    said = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True, timeout=120).stdout
    theirs = set(map(int, said.strip("[]\n").split(",")))
    for guard in held:
        os.close(guard)
    assert (len(ours), len(theirs)) == (ports._BLOCK + 20, 150)
    assert ours & theirs == set()
