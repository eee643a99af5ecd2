"""What NATS wants to have signed: who somebody is and what he may, as a JWT under an account's key (ed25519).

https://docs.nats.io/running-a-nats-service/configuration/securing_nats/auth_callout
"""

import base64
import binascii
import hashlib
import json
import secrets
import time
from collections.abc import Sequence
from typing import Any

from nacl.signing import SigningKey

from devices.credentials.model import Username
from devices.credentials.permissions import permissions
from ingest import topics

ACCOUNT = "HOUSE"
_ACCOUNT_KEY = b"\x00"  # the prefix of an nkey that is an account's: base32 makes an A of it
# The listener's own subjects, through which a device gets what it has subscribed to with QoS 1 and 2. It lets no device
# name them itself.
_LISTENERS = ["$MQTT.sub.>", "$MQTT.deliver.pubrel.>"]
_HEAD = base64.urlsafe_b64encode(b'{"typ":"JWT","alg":"ed25519-nkey"}').rstrip(b"=")


class Issuer:
    """Signs in the name of the house. `secret` is any random text: the key is made of it."""

    def __init__(self, secret: str) -> None:
        self._key = SigningKey(hashlib.sha256(secret.encode()).digest())
        key = _ACCOUNT_KEY + bytes(self._key.verify_key)
        checksum = binascii.crc_hqx(key, 0).to_bytes(2, "little")
        self.public = base64.b32encode(key + checksum).rstrip(b"=").decode()

    def let_in(self, server_id: str, user_key: str, who: Username, expires_s: int | None) -> bytes:
        """`user_key` is the connection's, made by the server for this one question. By its name the connection is found
        again, when it must end."""
        allowed = subjects(who.tenant_id, who.device_id, topics.spoken())
        user = {
            "type": "user",
            "version": 2,
            "pub": {"allow": allowed["publish"]},
            "sub": {"allow": allowed["subscribe"]},
            "subs": -1,
            "data": -1,
            "payload": -1,
            "allowed_connection_types": ["MQTT"],
        }
        until = {} if expires_s is None else {"exp": expires_s}
        token = self._sign({"sub": user_key, "aud": ACCOUNT, "name": str(who), **until, "nats": user})
        return self._answer(server_id, user_key, {"jwt": token.decode()})

    def turn_away(self, server_id: str, user_key: str, why: str) -> bytes:
        """`why` is for the server's log; a device only hears that it is not authorized."""
        return self._answer(server_id, user_key, {"error": why})

    def _answer(self, server_id: str, user_key: str, said: dict[str, str]) -> bytes:
        kind = {"type": "authorization_response", "version": 2}
        return self._sign({"sub": user_key, "aud": server_id, "nats": {**kind, **said}})

    def _sign(self, claims: dict[str, Any]) -> bytes:
        said = {"jti": secrets.token_hex(8), "iat": int(time.time()), "iss": self.public, **claims}
        body = base64.urlsafe_b64encode(json.dumps(said, separators=(",", ":")).encode()).rstrip(b"=")
        message = _HEAD + b"." + body
        return message + b"." + base64.urlsafe_b64encode(self._key.sign(message).signature).rstrip(b"=")


def subjects(tenant_id: str, device_id: str, spoken: Sequence[str] = ("#",)) -> dict[str, list[str]]:
    """A device's MQTT topics as NATS' subjects: `#` also means the level before it, `>` does not. `spoken`: what it may
    say below its `up`. The server keeps every subject of the log in its memory, whole, and a topic has up to 64 KB:
    one device that made up topics would fill it. Sparkplug is not among them: an edge node speaks for any device, and a
    bridge brings that from the broker to which edge nodes speak."""
    own = permissions(tenant_id, device_id)
    down = own.subscribe.removesuffix("/#").replace("/", ".")
    up = own.publish.removesuffix("/#").replace("/", ".")
    said = [f"{up}.{'>' if kind == '#' else kind.replace('/', '.')}" for kind in spoken]
    return {"publish": said, "subscribe": [down, f"{down}.>", *_LISTENERS]}
