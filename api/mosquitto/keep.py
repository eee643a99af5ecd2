"""The loop of the relay that keeps Mosquitto to the registry: what ended is thrown out, what is new is told, and what
was missed while either of the two was away is found by comparing."""

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import structlog
from psycopg import Connection

from api.mosquitto.control import Control, ControlError
from api.mosquitto.meters import Meters
from api.watch.pulse import Pulse
from devices.credentials import dynsec, issuing, store
from devices.credentials.dynsec import Command, Difference, Known
from devices.credentials.model import Username
from devices.credentials.secret import computed, mark, sha256

POLL_S = 2.0  # NOTIFY wakes; what nobody tells of, such as a credential that runs out, is seen within so long
COMPARE_S = 600.0  # after so long the broker is asked again what it knows
AT_A_TIME = 10  # commands of a message: while it does them, the broker does nothing else
_FIRST_WAIT_S, _LONGEST_WAIT_S = 0.5, 4.0
_log = structlog.get_logger("mosquitto")


class Keeper:
    """`connect` opens a connection to the broker, `key` is that of the house's passwords."""

    def __init__(self, connect: Callable[[], Control], key: bytes, meters: Meters) -> None:
        self._connect, self._key, self._meters = connect, key, meters
        self._untold: set[str] = set()  # issued under another key: nobody can say their passwords

    def run(self, conn: Connection[Any], stop: threading.Event, pulse: Pulse) -> None:
        store.listen_for_change(conn)
        wait_s = _FIRST_WAIT_S
        while not stop.is_set():
            pulse.beat(conn)
            try:
                with closing(self._connect()) as control, self._meters.connected():
                    wait_s = _FIRST_WAIT_S
                    self._keep(conn, control, stop, pulse)
            except ControlError as error:
                self._meters.waits.inc()
                _log.warning("waiting", error=str(error), seconds=wait_s)
                stop.wait(wait_s)
                wait_s = min(_LONGEST_WAIT_S, wait_s * 2)

    def _keep(self, conn: Connection[Any], control: Control, stop: threading.Event, pulse: Pulse) -> None:
        there, compared_s, settled = _read(control), time.monotonic(), False
        while not stop.is_set():
            pulse.beat(conn)
            control.check()
            now = datetime.now(UTC)
            if used := control.used():
                with conn.transaction():
                    issuing.came_in(conn, {name: (now, address) for name, address in used.items()}, now)
            live = self._live(conn, now)
            self._meters.stand(clients=len(there.marks), waiting=len(live.keys() - there.marks.keys()))
            if not settled or there.marks != live:
                todo = dynsec.difference(there, live)
                there = self._bring(conn, control, there, todo)
                settled = todo.is_nothing
                store.forget_seeds(conn, now)
                continue
            for _ in conn.notifies(timeout=POLL_S, stop_after=1):
                pass
            if time.monotonic() - compared_s > COMPARE_S:
                there, compared_s, settled = _read(control), time.monotonic(), False

    def _live(self, conn: Connection[Any], now: datetime) -> dict[str, str]:
        live = store.list_seeded(conn, now)
        self._untold &= live.keys()
        self._meters.unseeded.set(store.count_unseeded(conn, now) + len(self._untold))
        return {username: mark for username, mark in live.items() if username not in self._untold}

    def _bring(self, conn: Connection[Any], control: Control, there: Known, todo: Difference) -> Known:
        """All that ended, and some of what is missing: whoever is revoked meanwhile does not wait for all. Returns what
        the broker knows then."""
        told = self._told(conn, there, todo)
        if todo.wrong_defaults:
            control.tell([dynsec.set_defaults()])
        self._tell(control, [*map(dynsec.delete, todo.ended), *map(dynsec.delete_role, todo.stray_roles)])
        self._tell(control, told)
        if todo.ended or told:
            _log.info("told", ended=len(todo.ended), new=sum("password" in each for each in told))
        return dynsec.after(there, todo, told)

    def _told(self, conn: Connection[Any], there: Known, todo: Difference) -> list[Command]:
        commands: list[Command] = []
        roles = there.roles.keys() - set(todo.stray_roles)
        for name, seed, password_sha256 in store.find_seeds(conn, todo.missing[: AT_A_TIME // 2]):
            password, username = computed(self._key, seed), Username.read(name)
            if username is None or sha256(password) != password_sha256:
                self._untold.add(name)
                continue
            if dynsec.role_of(username) not in roles:
                commands.append(dynsec.create_role(username))
                roles |= {dynsec.role_of(username)}
            commands.append(dynsec.create(username, password, mark(password_sha256)))
        return commands

    def _tell(self, control: Control, commands: Sequence[Command]) -> None:
        for begin in range(0, len(commands), AT_A_TIME):
            control.tell(commands[begin : begin + AT_A_TIME])
            self._meters.commands.inc(len(commands[begin : begin + AT_A_TIME]))


def _read(control: Control) -> Known:
    return dynsec.known(control.clients(), control.roles(), control.defaults())
