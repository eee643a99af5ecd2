"""Who is in at NATS, named in its configuration so that a reload leaves them in.

At a reload NATS asks the door anew about everybody whom it let in, but closes beforehand the sessions of names that are
no users of its configuration (2.15: tried). So those who are connected stand there as users meanwhile. Nobody can come
in by that: while there is a door, it is the door that is asked, and the passwords are known to nobody.
"""

import secrets
from typing import Any

from api.door import sessions
from api.door.asking import CALLOUT
from api.door.token import ACCOUNT
from api.engines.nats_request import NatsRequestError, request
from devices.credentials.model import Username

_A_PAGE = 1024


def keep(url: str, config: dict[str, Any]) -> bool:
    """Name them in `config`. False while nobody answers for the door or NATS does not say who is in: at a reload each
    session would wait for an answer, and be closed without one."""
    names: set[str] = set()
    answered, offset = False, 0
    try:
        while page := _connections(url, offset):
            answered = answered or any(CALLOUT in each.get("subscriptions_list", ()) for each in page)
            names |= {name for each in page if Username.read(name := each.get("authorized_user", ""))}
            offset += len(page)
    except NatsRequestError:
        return False
    config["accounts"][ACCOUNT]["users"] += [_user(name) for name in sorted(names)]
    return answered


def _connections(url: str, offset: int) -> list[dict[str, Any]]:
    asked = {"auth": True, "subscriptions": True, "limit": _A_PAGE, "offset": offset}
    page: list[dict[str, Any]] = request(url, sessions.connections_of(sessions.ONLY), asked)["data"]["connections"]
    return page


def _user(name: str) -> dict[str, Any]:
    return {"user": name, "password": secrets.token_hex(16), "allowed_connection_types": ["MQTT"]}
