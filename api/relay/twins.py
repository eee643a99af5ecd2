"""Devices are told what they shall be like and what they shall do, and what they say of it is taken: one of the relay's
loops. First said and then noted: what breaks off between is said twice, which a device knows by version or id."""

import threading
from contextlib import closing
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from urllib.parse import unquote

import structlog
from psycopg import Connection

from api.relay import answers
from api.relay.meters import RelayMeters
from api.settings import Settings
from api.watch.doors import tls_of
from api.watch.pulse import Pulse
from devices import store as devices
from devices.lifecycle.transitions import OUT_OF_SERVICE
from devices.model import Catalogue
from devices.twin import merge, orders, store
from ingest.adapter_doors import Address, Doors
from ingest.adapter_wire import Wire
from ingest.errors import LogError
from ingest.twin import down
from ingest.twin.model import Down
from ledger.statements import Statements

POLL_S = 1.0
AT_A_TIME = 100
LEASE = timedelta(seconds=15)  # longer than it takes to say a hundred of them, or to give up a door
_UNSAID = timedelta(seconds=5)
_sql = Statements("api.relay")
_log = structlog.get_logger("relay")


def tell_devices(
    conn: Connection[Any],
    stop: threading.Event,
    pulse: Pulse,
    settings: Settings,
    catalogue: Catalogue,
    meters: RelayMeters,
) -> None:
    store.listen(conn)
    with closing(Telling(settings, catalogue, meters)) as telling:
        while not stop.is_set():
            pulse.beat(conn)
            if telling.turn(conn) < AT_A_TIME:
                for _ in conn.notifies(timeout=POLL_S, stop_after=1):
                    pass


class Telling:
    def __init__(self, settings: Settings, catalogue: Catalogue, meters: RelayMeters) -> None:
        self._settings, self._catalogue, self._meters = settings, catalogue, meters
        self._doors = Doors(doors_of(settings), *login_of(settings), partial(tls_of, settings))

    def close(self) -> None:
        self._doors.close()

    def turn(self, conn: Connection[Any]) -> int:
        """The most that was done of anything."""
        return max(self.take(conn), self.expire(conn), self.say_desired(conn), self.send_commands(conn))

    def take(self, conn: Connection[Any]) -> int:
        with conn.transaction():
            outcomes = answers.take(conn, self._catalogue, datetime.now(UTC), AT_A_TIME)
        for outcome in outcomes:
            self._meters.answers.labels(outcome).inc()
        return len(outcomes)

    def expire(self, conn: Connection[Any]) -> int:
        with conn.transaction():
            over = orders.expire(conn, datetime.now(UTC), AT_A_TIME)
        self._meters.commands_expired.inc(len(over))
        return len(over)

    def say_desired(self, conn: Connection[Any]) -> int:
        now = datetime.now(UTC)
        names = {"now": now, "until": now + LEASE, "limit": AT_A_TIME}
        with conn.transaction():
            due = conn.execute(_sql.lease_desired, names).fetchall()
        if not due:
            return 0
        kept = self._doors.retain([_retained(*each) for each in due])
        now = datetime.now(UTC)
        with conn.transaction():
            for _, _, device_no, version, _, says, life in due:
                gone = life in OUT_OF_SERVICE  # it does not answer: what counts is that every door has forgotten it
                again_at = now + (merge.again(says + 1) if kept.doors and not gone else _UNSAID)
                if kept.error is not None:
                    partly = kept.doors > 0 and not gone
                    store.note_unsaid(conn, device_no, version, now, again_at, kept.error, partly=partly)
                elif gone:
                    store.note_cleared(conn, device_no, version, now)
                else:
                    store.note_said(conn, device_no, version, now, again_at)
        if kept.error is None:
            self._meters.desired_said.inc(len(due))
            return len(due)
        self._meters.desired_unsaid.inc(len(due))
        _log.warning("desired states are not kept by every door", error=kept.error, count=len(due))
        return 0

    def send_commands(self, conn: Connection[Any]) -> int:
        now = datetime.now(UTC)
        names = {"now": now, "until": now + LEASE, "limit": AT_A_TIME}
        with conn.transaction():
            due = conn.execute(_sql.lease_commands, names).fetchall()
            known = devices.find_devices_by_no(conn, [device_no for device_no, _ in due])
            found = [store.find_command(conn, device_no, command_id) for device_no, command_id in due]
        commands = [command for command in found if command is not None]
        if not commands:
            return 0
        try:
            with closing(Wire(self._settings.nats_url.get_secret_value())) as wire:
                for each in commands:
                    to = known[each.device_no]
                    told = down.command(
                        to.tenant_id, to.device_id, each.command_id, each.name, each.arguments, each.expires_at
                    )
                    wire.tell(told.subject, told.payload)
                wire.settle()
        except LogError as error:
            _log.warning("no device can be told anything now", error=str(error))
            return 0
        with conn.transaction():
            for each in commands:
                orders.sent(conn, known[each.device_no], each, datetime.now(UTC))
        self._meters.commands_sent.inc(len(commands))
        return len(commands)


def _retained(tenant: str, device: str, _no: int, version: int, state: dict[str, Any], _says: int, life: str) -> Down:
    return down.nothing(tenant, device) if life in OUT_OF_SERVICE else down.desired(tenant, device, version, state)


def doors_of(settings: Settings) -> list[Address]:
    named = [door.rpartition(":") for door in settings.doors.split(",") if door]
    return [Address(host, int(port)) for host, _, port in named] or [Address(settings.mqtt_host, settings.mqtt_port)]


def login_of(settings: Settings) -> tuple[str, str]:
    """The house's own: at the door, too."""
    login, _, _ = settings.nats_url.get_secret_value().removeprefix("nats://").rpartition("@")
    user, _, password = login.partition(":")
    return unquote(user), unquote(password)
