"""Sessions that are on, found by the name that opened them, and ended. Each NATS server with a door is asked by its own
name: api/engines/nats.py, deploy/nats.conf."""

from collections.abc import Iterable

from ingest.adapter_wire import Wire

ONLY = "foremend"  # the name of the one server, where there is only one
_A_PAGE = 1024


def connections_of(server: str) -> str:
    """The subject under which a server says who is connected to it (NATS' CONNZ)."""
    return f"door.{server}.connections"


def kick_at(server: str, server_id: str = "*") -> str:
    """The subject under which a server ends one connection (NATS' KICK)."""
    return f"door.{server}.kick.{server_id}"


def end(wire: Wire, servers: Iterable[str], usernames: Iterable[str]) -> int:
    """How many were ended. Raises LogError for a server that does not answer, after having asked the others."""
    wanted = list(usernames)
    return sum(_end_at(wire, server, username) for server in servers for username in wanted)


def _end_at(wire: Wire, server: str, username: str) -> int:
    asked = {"auth": True, "user": username, "limit": _A_PAGE}
    said = wire.request(connections_of(server), asked)
    found = said["data"]["connections"]
    for connection in found:
        wire.request(kick_at(server, said["server"]["id"]), {"cid": connection["cid"]})
    return len(found)
