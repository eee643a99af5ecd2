"""A question of NATS: whether somebody may come in."""

import base64
import json
from dataclasses import dataclass, field
from typing import Any

from api.door import leaf
from devices.credentials.model import Username

CALLOUT = "$SYS.REQ.USER.AUTH"
_LONGEST = 200  # of a name that a stranger says; none of ours is longer


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """`reply`: where the answer goes. `said`: the username, whoever's it is."""

    reply: bytes
    server_id: str
    user_key: str
    said: str
    username: Username | None
    password: str = field(repr=False)
    client_id: str
    address: str
    shown: frozenset[str] | None = None  # whom the certificate is for that it came with; None: none was asked for

    @property
    def name(self) -> str:
        return self.said if self.username is not None else ""

    @property
    def shows_itself(self) -> bool:
        return self.shown is None or self.client_id in self.shown


def read(reply: bytes, payload: bytes) -> Ask | None:
    """None for what is no such question. It comes from the server itself: nobody but the house's own processes may
    publish where it comes, so that its signature is not looked at."""
    try:
        body = payload.split(b".")[1]
        nats: dict[str, Any] = json.loads(base64.urlsafe_b64decode(body + b"=" * (-len(body) % 4)))["nats"]
        server_id, user_key = str(nats["server_id"]["id"]), str(nats["user_nkey"])
        client, options = nats["client_info"], nats["connect_opts"]
        chains = nats.get("client_tls", {}).get("verified_chains")
        shown = leaf.names(str(chains[0][0])) if chains else None
    except (IndexError, KeyError, TypeError, ValueError):
        return None
    said = str(options.get("user") or "")[:_LONGEST]
    is_device = client.get("type") == "mqtt"
    return Ask(
        reply=reply,
        server_id=server_id,
        user_key=user_key,
        said=said,
        username=Username.read(said) if is_device else None,
        password=str(options.get("pass") or ""),
        client_id=str(client.get("mqtt_id") or ""),
        address=str(client.get("host") or ""),
        shown=shown,
    )
