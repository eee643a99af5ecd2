"""Sessions that are on, found by the name that opened them, and ended. Each NATS server with a door is asked by its own
name: api/engines/nats.py, deploy/nats.conf."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from devices.credentials.model import Username
from ingest.adapter_wire import Wire

ONLY = "foremend"  # the name of the one server, where there is only one
_A_PAGE = 1024
_FEW = 20  # names that are asked for one by one


def connections_of(server: str) -> str:
    """The subject under which a server says who is connected to it (NATS' CONNZ)."""
    return f"door.{server}.connections"


def kick_at(server: str, server_id: str = "*") -> str:
    """The subject under which a server ends one connection (NATS' KICK)."""
    return f"door.{server}.kick.{server_id}"


def end(wire: Wire, servers: Iterable[str], usernames: Collection[str]) -> int:
    """How many were ended. Raises LogError for a server that does not answer."""
    return sum(_end_at(wire, server, usernames) for server in servers)


@dataclass(frozen=True, kw_only=True)
class Hoarder:
    """A device with more subscriptions than it may have: how many, and which connection of which server has them."""

    username: Username
    held: int
    server: str
    server_id: str
    connection: int


def hoarders(wire: Wire, servers: Iterable[str], most: int) -> list[Hoarder]:
    """Raises LogError for a server that does not answer."""
    found = []
    for server in servers:
        said = wire.request(connections_of(server), {"auth": True, "sort": "subs", "limit": _FEW})
        for each in said["data"]["connections"]:
            username, held = Username.read(str(each.get("authorized_user", ""))), int(each.get("subscriptions", 0))
            if username is not None and held > most:
                who = Hoarder(
                    username=username,
                    held=held,
                    server=server,
                    server_id=str(said["server"]["id"]),
                    connection=int(each["cid"]),
                )
                found.append(who)
    return found


def put_out(wire: Wire, found: Iterable[Hoarder]) -> None:
    """Raises LogError."""
    for each in found:
        wire.request(kick_at(each.server, each.server_id), {"cid": each.connection})


def _end_at(wire: Wire, server: str, usernames: Collection[str]) -> int:
    found = _by_name(wire, server, usernames) if len(usernames) <= _FEW else _among_all(wire, server, set(usernames))
    for server_id, connection in found:
        wire.request(kick_at(server, server_id), {"cid": connection})
    return len(found)


def _by_name(wire: Wire, server: str, usernames: Collection[str]) -> list[tuple[str, int]]:
    """Server and connection."""
    return [found for name in usernames for found in _page(wire, server, {"user": name}, {name})[0]]


def _among_all(wire: Wire, server: str, usernames: set[str]) -> list[tuple[str, int]]:
    """The server looks at each connection to find one name, so that for many it is asked for all connections once."""
    found: list[tuple[str, int]] = []
    offset, full = 0, True
    while full:
        page, full = _page(wire, server, {"offset": offset}, usernames)
        found += page
        offset += _A_PAGE
    return found


def _page(
    wire: Wire, server: str, asked: dict[str, Any], usernames: Collection[str]
) -> tuple[list[tuple[str, int]], bool]:
    """And whether there may be more."""
    said = wire.request(connections_of(server), {"auth": True, "limit": _A_PAGE, **asked})
    connections = said["data"]["connections"]
    server_id = str(said["server"]["id"])
    found = [(server_id, int(each["cid"])) for each in connections if each.get("authorized_user") in usernames]
    return found, len(connections) == _A_PAGE
