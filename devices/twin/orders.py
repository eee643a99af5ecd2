"""Devices are told to do something; it is answered, is cancelled, or expires."""

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
from psycopg import Connection

from devices import registry
from devices import store as devices
from devices.model import Device
from devices.twin import accepts, journal, lifecycle, store
from devices.twin.errors import BadCommandError, NoCommand, TooManyCommandsError, UnknownCommandError
from devices.twin.model import Command, CommandState, Result
from ledger.ids import uuid7
from ledger.model import Scope

MOST_OPEN = 100  # of one device
ARGUMENTS_BYTES = 4096
LONGEST = timedelta(days=30)
_ARGUMENTS = f"arguments are JSON of at most {ARGUMENTS_BYTES} bytes, not deep, of whole characters and 64-bit numbers"
_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")


def queue(
    conn: Connection[Any],
    device: Device,
    name: str,
    arguments: Mapping[str, Any],
    *,
    expires_at: datetime,
    by: Scope,
    now: datetime,
) -> Command:
    """Raises BadCommandError, TooManyCommandsError, GoneError."""
    accepts.check_there(registry.held(conn, device.device_no))
    if not _NAME.fullmatch(name):
        raise BadCommandError(NoCommand.NAME, "a command's name is 1 to 64 of a-z 0-9 _ and begins with a letter")
    if not now < expires_at <= now + LONGEST:
        raise BadCommandError(NoCommand.EXPIRY, f"a command expires in the future, within {LONGEST.days} days")
    if len(said(arguments)) > ARGUMENTS_BYTES:
        raise BadCommandError(NoCommand.ARGUMENTS, _ARGUMENTS)
    if store.count_open(conn, device.device_no) >= MOST_OPEN:
        raise TooManyCommandsError(device.device_id, MOST_OPEN)
    command = Command(
        command_id=uuid7(now),
        device_no=device.device_no,
        tenant_id=device.tenant_id,
        name=name,
        arguments=dict(arguments),
        state=CommandState.QUEUED,
        queued_at=now,
        queued_by=by.actor,
        expires_at=expires_at,
    )
    store.insert_command(conn, command)
    _note(conn, device, command, by.actor, now)
    store.hint(conn)
    return command


def said(what: Any) -> bytes:
    """As a device is told it. Raises BadCommandError: numbers beyond 64 bits, half characters, a depth without end."""
    try:
        return orjson.dumps(what, option=orjson.OPT_SORT_KEYS)
    except TypeError:
        raise BadCommandError(NoCommand.ARGUMENTS, _ARGUMENTS) from None


def cancel(conn: Connection[Any], device: Device, command_id: UUID, *, by: Scope, now: datetime) -> Command:
    """What was sent may have been heard: whether the device does it all the same shows in what it says then. Raises
    UnknownCommandError, CommandOverError."""
    command = store.lock_command(conn, device.device_no, command_id)
    if command is None:
        raise UnknownCommandError(command_id)
    after = lifecycle.move(command, CommandState.CANCELLED, now)
    store.save_command(conn, after)
    _note(conn, device, after, by.actor, now)
    store.hint(conn)  # the next one of this device may go
    return after


def sent(conn: Connection[Any], device: Device, command: Command, now: datetime) -> None:
    """The device was told just now."""
    before = store.note_sent(conn, command.command_id, now, now + lifecycle.again(command.sends + 1))
    if before is CommandState.QUEUED:
        _note(conn, device, replace(command, state=CommandState.SENT), journal.RELAY, now)


def take_result(conn: Connection[Any], device: Device, said: Result, at: datetime, now: datetime) -> Command | None:
    """The command if this is news of it. `at`: when the log received it."""
    command = store.lock_command(conn, device.device_no, said.command_id)
    if command is None:
        return None
    after = lifecycle.answered(command, said, at)
    if after is command:
        return None
    store.save_command(conn, after)
    late = after.state is command.state
    kind = "command.answered_late" if late else f"command.{after.state.lower()}"
    data = {"command_id": str(after.command_id), "name": after.name, "ok": said.ok, "error": said.error}
    journal.note(conn, kind, device, journal.itself(device), now, data)
    return after


def expire(conn: Connection[Any], now: datetime, limit: int) -> list[Command]:
    """Those that nobody answered in time."""
    over = store.expire_commands(conn, now, limit)
    known = devices.find_devices_by_no(conn, [command.device_no for command in over])
    for command in over:
        _note(conn, known[command.device_no], command, journal.RELAY, now)
    return over


def end(conn: Connection[Any], device: Device, because: str, *, by: Scope, now: datetime) -> None:
    """All that it has not answered yet is cancelled."""
    for command in store.cancel_commands(conn, device.device_no, now):
        _note(conn, device, command, by.actor, now, because=because)


def _note(conn: Connection[Any], device: Device, command: Command, actor: str, now: datetime, **more: Any) -> None:
    data: dict[str, Any] = {"command_id": str(command.command_id), "name": command.name, **more}
    if command.state is CommandState.QUEUED:
        data |= {"arguments": command.arguments, "expires_at": command.expires_at.isoformat()}
    journal.note(conn, f"command.{command.state.lower()}", device, actor, now, data)
