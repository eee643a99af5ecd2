"""The broker: reachable, its log without a limit of its own, room behind it, and an MQTT door that opens."""

import shutil
import socket
import time
from collections.abc import Iterator
from contextlib import closing
from typing import Any

from api.doctor import streams
from api.doctor.record import clock
from api.doctor.setup import Setup
from api.door.token import Issuer
from api.engines.nats import MAX_PAYLOAD_BYTES
from api.engines.nats_access import ISSUER
from api.engines.nats_streams import STREAM
from api.settings import Settings, SignIn
from api.watch import checks, doors
from api.watch.checks import Check, failed, ok, warning
from api.watch.standing import RecordStanding, log_standing, server_facts, server_now
from ingest.adapter_log import slots_of
from ingest.adapter_wire import Wire
from ingest.errors import LogError
from ingest.slots import SLOTS_OF_ONE

_PATIENCE_S = 3.0
_LONGEST_SYNC_S = 10
_CONNECT = b"\x10\x0c\x00\x04MQTT\x04\x02\x00\x3c\x00\x00"  # MQTT 3.1.1, clean session, no client id
_CONNACK = b"\x20\x02\x00"


def examine(setup: Setup, record: RecordStanding | None) -> list[Check]:
    settings = setup.settings
    try:
        with closing(Wire(settings.nats_url.get_secret_value(), _PATIENCE_S)) as wire:
            facts = server_facts(wire)
            info = wire.request(f"$JS.API.STREAM.INFO.{STREAM}")
            kept = list(streams.examine(wire, info))
    except LogError as error:
        remedy = "Start NATS; FOREMEND_NATS_URL names it, with user and password."
        if "not found" in str(error):
            remedy = "Make it before any device may connect: foremend migrate"
        return [failed("log", f"The log does not answer: {error}.", remedy), _door(settings)]
    config = info["config"]
    found = [*kept, *_spread(config, record), *_server(facts, setup), _door(settings), *_key(config, settings)]
    try:
        standing = log_standing(settings, record.cursor if record else None)
    except LogError as error:
        return [*found, failed("log", f"The log went away: {error}.")]
    found.append(checks.log_room(standing))
    if standing.head.fronts:
        found.append(checks.fronts(standing.head.fronts))
    if record is not None and record.partitions:
        found.append(checks.cursor(record, standing))
    return found


def _spread(config: dict[str, Any], record: RecordStanding | None) -> Iterator[Check]:
    partitions, slots = len(record.partitions) if record else 1, slots_of(config)
    if partitions > 1 and partitions != slots:
        words = f"The record has {partitions} partitions and the log {slots} slots: some of them nobody reads."
        yield failed("log_slots", words, f"FOREMEND_PARTITIONS={partitions} foremend migrate")
    elif partitions == 1 and slots != SLOTS_OF_ONE:
        words = f"The log is ready for {slots} partitions, the record still has one."
        yield warning("log_slots", words, f"FOREMEND_PARTITIONS={slots} foremend migrate, while its worker reads")


def _server(facts: dict[str, Any], setup: Setup) -> Iterator[Check]:
    if not facts:
        remedy = "Export the server's facts to the house's account, as deploy/nats.conf does."
        yield warning("log_server", "The server does not say how it is set up.", remedy)
        return
    store = facts.get("jetstream", {}).get("config", {})
    yield _sync(store, setup)
    payload = int(facts.get("max_payload", 0))
    if payload < MAX_PAYLOAD_BYTES:
        words = f"A payload beyond {payload} bytes throws its device out again and again."
        yield warning("log_payload", words, f"Set max_payload to {MAX_PAYLOAD_BYTES}; we refuse large ones ourselves.")
    yield _room(int(store.get("max_storage", 0)), facts, setup)
    yield clock("log_clock", "The log's clock", server_now(facts).timestamp() + 0.5 - time.time())


def _sync(store: dict[str, Any], setup: Setup) -> Check:
    if store.get("sync_always"):
        return ok("log_sync", "Each message is on the disk before it is acknowledged.")
    seconds = int(store.get("sync_interval", 0)) / 1e9
    words = f"A power cut may take up to {seconds:g} s of acknowledged messages; the death of a process takes none."
    if seconds <= _LONGEST_SYNC_S:
        return ok("log_sync", words)
    remedy = "foremend up --power-safe" if setup.embedded else f"Set sync_interval to {_LONGEST_SYNC_S}s or always."
    return warning("log_sync", words, remedy)


def _room(limit: int, facts: dict[str, Any], setup: Setup) -> Check:
    wanted, used = setup.settings.log_bytes, int(facts["jetstream"].get("stats", {}).get("storage", 0))
    if wanted > checks.FILLED * limit:
        words = f"The log is kept up to {_gb(wanted)}, the server takes {_gb(limit)} of everything."
        return warning("log_limit", words, "Raise max_file_store, or lower FOREMEND_LOG_BYTES.")
    if setup.embedded is not None:
        free = shutil.disk_usage(setup.embedded).free
        if free < limit - used:
            words = f"The log may still grow by {_gb(limit - used)}, the disk has {_gb(free)}."
            return warning("log_limit", words, "Free some of it, or move the data with --data DIR.")
    return ok("log_limit", f"The server takes {_gb(limit)}, more than the {_gb(wanted)} that the log is kept to.")


def _gb(size: int) -> str:
    return f"{size / 1e9:.1f} GB"


def _door(settings: Settings) -> Check:
    where = f"{settings.mqtt_host}:{settings.mqtt_port}"
    try:
        with _knocked(settings) as wire:
            wire.sendall(_CONNECT)
            answer = wire.recv(4)
    except OSError as error:
        if getattr(error, "reason", "") == "TLSV13_ALERT_CERTIFICATE_REQUIRED":
            return ok("mqtt", f"Devices connect at {where} with a certificate of their own.")
        remedy = "See NATS' log; FOREMEND_MQTT_HOST and FOREMEND_MQTT_PORT name the door."
        return failed("mqtt", f"No device can connect at {where}: {error}.", remedy)
    if answer[:3] != _CONNACK or len(answer) < 4:
        return failed("mqtt", f"What listens at {where} does not speak MQTT 3.1.1.", "Another program has the port?")
    if answer[3]:
        return ok("mqtt", f"Devices connect at {where} with a password.")
    if settings.device_sign_in is SignIn.REQUIRED:
        words = f"Devices must sign in, and the door at {where} lets in whoever says nothing."
        return failed("mqtt", words, "Set the broker up as deploy/nats-door.conf does.")
    return ok("mqtt", f"Devices connect at {where}; no password is asked for.")


def _key(config: dict[str, Any], settings: Settings) -> Iterator[Check]:
    """Whether the server believes the answers of the door that has our secret; for who knows it."""
    if settings.nats_issuer is None:
        return
    if config.get("metadata", {}).get(ISSUER) == Issuer(settings.nats_issuer.get_secret_value()).public:
        yield ok("mqtt_key", "The log names the key by which devices are let in.")
    else:
        words = "The broker believes another key than ours: it lets in no device."
        yield failed("mqtt_key", words, "foremend migrate writes it down; then start NATS again.")


def _knocked(settings: Settings) -> socket.socket:
    """Raises OSError."""
    wire = socket.create_connection((settings.mqtt_host, settings.mqtt_port), _PATIENCE_S)
    tls = doors.tls_of(settings)
    return wire if tls is None else tls.wrap_socket(wire)
