"""What Mosquitto's dynamic security takes for many devices: `python benchmarks/mosquitto_clients.py --devices 10000`.

It rewrites its whole file at every command, and does nothing else meanwhile (docs/decisions/0034).
"""

import argparse
import base64
import hashlib
import json
import secrets
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from api.bench.mosquitto import Mosquitto
from api.mosquitto.control import Control
from devices.credentials import dynsec
from devices.credentials.model import Username

_PLUGIN = "mosquitto_dynamic_security.so"
_ITERATIONS = 101  # Mosquitto's own
_ADMIN = {"username": "registrar", "roles": [{"rolename": "registrar"}]}
_MAY = ("publishClientSend", "publishClientReceive", "subscribePattern")


def main() -> None:
    asked = argparse.ArgumentParser()
    asked.add_argument("--devices", type=int, default=10_000)
    asked.add_argument("--tell", type=int, default=0, help="so many to a broker that knows nobody, and nothing else")
    told, devices = asked.parse_args().tell, asked.parse_args().devices
    if told:
        _tell_all(told)
        return
    with tempfile.TemporaryDirectory(dir="/tmp") as folder, _broker(Path(folder), devices) as (control, start_s):
        size = (Path(folder) / "dynamic-security.json").stat().st_size
        print(f"{devices} devices, a file of {size / 1e6:.1f} MB, {start_s:.1f} s to start")
        _timed("all clients listed by name", lambda: control.tell([{"command": "listClients"}]))
        _timed("all clients and roles read", lambda: (list(control.clients()), list(control.roles())))
        new = [Username("demo", f"new-{n}", 1) for n in range(5)]
        _timed("one new device told", lambda: control.tell(_told(new[:1])))
        _timed("four new devices told in one message", lambda: control.tell(_told(new[1:])))
        _timed("one device revoked", lambda: control.tell([dynsec.delete(str(new[0]))]))


def _tell_all(devices: int) -> None:
    """As the relay does it, five in a message."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder, _broker(Path(folder), 0) as (control, _):
        names = [Username("demo", f"new-{n}", 1) for n in range(devices)]
        batches = [names[begin : begin + 5] for begin in range(0, devices, 5)]
        _timed(f"{devices} devices told one by one", lambda: [control.tell(_told(batch)) for batch in batches])


def _told(usernames: list[Username]) -> list[dict[str, Any]]:
    return [each for name in usernames for each in (dynsec.create_role(name), dynsec.create(name, "x" * 32, "mark"))]


def _timed(what: str, do: Callable[[], object]) -> None:
    begun_s = time.monotonic()
    do()
    print(f"{what}: {(time.monotonic() - begun_s) * 1000:.0f} ms")


@contextmanager
def _broker(folder: Path, devices: int) -> Iterator[tuple[Control, float]]:
    plugin = next(path for path in Path("/usr/lib").rglob(_PLUGIN))
    password, file = secrets.token_urlsafe(24), folder / "dynamic-security.json"
    file.write_text(json.dumps(_filled(devices, password)))
    lines = (f"plugin {plugin}", f"plugin_opt_config_file {file}", "allow_anonymous false")
    broker = Mosquitto(folder, listener=lines)
    begun_s = time.monotonic()
    broker.start()
    try:
        with closing(Control("127.0.0.1", broker.port, username="registrar", password=password)) as control:
            yield control, time.monotonic() - begun_s
    finally:
        broker.stop()


def _filled(devices: int, password: str) -> dict[str, Any]:
    names = [Username("demo", f"appliance-{n}", 1) for n in range(devices)]
    hashed = _hashed(password)
    acls = [{"acltype": kind, "topic": "$CONTROL/dynamic-security/#", "allow": True} for kind in _MAY]
    return {
        "defaultACLAccess": dynsec.DEFAULTS,
        "clients": [_ADMIN | hashed, *({**dynsec.create(name, "", "mark"), **hashed} for name in names)],
        "roles": [{"rolename": "registrar", "acls": acls}, *map(dynsec.create_role, names)],
    }


def _hashed(password: str) -> dict[str, Any]:
    salt = secrets.token_bytes(12)
    made = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, _ITERATIONS)
    text = {name: base64.b64encode(value).decode() for name, value in (("salt", salt), ("password", made))}
    return {**text, "iterations": _ITERATIONS}


if __name__ == "__main__":
    main()
