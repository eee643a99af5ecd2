"""With which devices a Mosquitto begins: in its own file, because told one by one it writes that file anew for each
(docs/decisions/0034). What has changed since is told by the relay's loop."""

import base64
import hashlib
import json
import secrets
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from psycopg import Connection

from devices.credentials import dynsec, store
from devices.credentials.dynsec import Command
from devices.credentials.model import Username
from devices.credentials.secret import computed, mark, sha256

CLIENTS, ROLES = "clients", "roles"  # files that deploy/mosquitto.sh puts into its own
_ITERATIONS = 101  # Mosquitto's own; nobody finds 160 random bits by trying
_SALT_BYTES = 12


def write(conn: Connection[Any], key: bytes, folder: Path, now: datetime) -> int:
    """How many devices' credentials there are. An untellable password is left to the loop, which counts it."""
    told: dict[Username, tuple[bytes, bytes]] = {}
    for name, seed, digest in store.find_seeds(conn, [*store.list_seeded(conn, now)]):
        username = Username.read(name)
        if username is not None and sha256(computed(key, seed)) == digest:
            told[username] = seed, digest
    clients = [_client(key, username, *of_it) for username, of_it in told.items()]
    roles = {dynsec.role_of(username): dynsec.create_role(username) for username in told}
    _put(folder / CLIENTS, clients)
    _put(folder / ROLES, list(roles.values()))
    return len(clients)


def _client(key: bytes, username: Username, seed: bytes, digest: bytes) -> Command:
    password, salt = computed(key, seed), secrets.token_bytes(_SALT_BYTES)
    hashed = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, _ITERATIONS)
    said = {"salt": salt, "password": hashed}
    text = {name: base64.b64encode(value).decode() for name, value in said.items()}
    return {**dynsec.create(username, "", mark(digest)), **text, "iterations": _ITERATIONS}


def _put(path: Path, entries: Sequence[Command]) -> None:
    """A line for each, which another one follows."""
    fresh = path.with_suffix(".new")
    bare = ({name: value for name, value in each.items() if name != "command"} for each in entries)
    fresh.write_text("".join(f"{json.dumps(each)},\n" for each in bare))
    fresh.chmod(0o600)
    fresh.replace(path)
