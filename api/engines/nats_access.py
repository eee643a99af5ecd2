"""Who may do what at the embedded NATS. deploy/nats.conf and nats-door.conf say the same for servers."""

from collections.abc import Mapping
from typing import Any

from api.door import sessions
from api.door.token import ACCOUNT, Issuer, subjects
from api.settings import SignIn
from api.watch.standing import SERVER_FACTS

ISSUER = "foremend_issuer"  # in the log's metadata: the key of whoever lets devices in
ANSWER_S = 10  # the server waits so long for the door's answer; after a restart, thousands stand there at once
ASKED_OF_SERVER = {  # what the house may ask the server itself, and under which subject
    "$SYS.REQ.SERVER.PING.VARZ": SERVER_FACTS,  # limits and fill level are the server's, not the account's
    "$SYS.REQ.SERVER.PING.CONNZ": sessions.connections_of(sessions.ONLY),
    "$SYS.REQ.SERVER.*.KICK": sessions.kick_at(sessions.ONLY),
}


def access(secrets: Mapping[str, str], sign_in: SignIn) -> dict[str, Any]:
    """A device may publish what it measured and hear what it is told, nothing else: whoever signs in, as itself, by
    what the door answers; where nobody must, as any device. The house comes by MQTT too: only what a
    client of MQTT says is retained."""
    users: list[dict[str, Any]] = [
        {"user": "house", "password": secrets["house"], "allowed_connection_types": ["STANDARD", "MQTT"]}
    ]
    if sign_in is SignIn.OPEN:
        device = {"user": "device", "password": secrets["device"], "allowed_connection_types": ["MQTT"]}
        users.append({**device, "permissions": subjects("*", "*")})
    said: dict[str, Any] = {
        "system_account": "SYS",
        "accounts": {
            "SYS": {"exports": [{"service": asked, "accounts": [ACCOUNT]} for asked in ASKED_OF_SERVER]},
            ACCOUNT: {
                "jetstream": "enabled",
                "users": users,
                "imports": [
                    {"service": {"account": "SYS", "subject": asked}, "to": ours}
                    for asked, ours in ASKED_OF_SERVER.items()
                ],
            },
        },
    }
    if sign_in is SignIn.REQUIRED:
        callout = {"issuer": Issuer(secrets["issuer"]).public, "account": ACCOUNT, "auth_users": ["house"]}
        said["authorization"] = {"timeout": ANSWER_S, "auth_callout": callout}
    return said


def written(stream: Mapping[str, Any]) -> dict[str, str]:
    """What we wrote into a stream's metadata; the server adds some of its own."""
    return {name: text for name, text in stream.get("metadata", {}).items() if not name.startswith("_nats.")}
