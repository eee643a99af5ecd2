"""From which state a command comes into which, and what is then written of it: pure."""

from dataclasses import replace
from datetime import datetime, timedelta

from devices.twin.errors import CommandOverError
from devices.twin.model import Command, CommandState, Result

_S = CommandState
# The relay may die between telling the device and noting it, so a result may find a command that is still QUEUED.
ALLOWED: dict[CommandState, frozenset[CommandState]] = {
    _S.QUEUED: frozenset({_S.SENT, _S.SUCCEEDED, _S.FAILED, _S.EXPIRED, _S.CANCELLED}),
    _S.SENT: frozenset({_S.SENT, _S.SUCCEEDED, _S.FAILED, _S.EXPIRED, _S.CANCELLED}),
    _S.SUCCEEDED: frozenset(),
    _S.FAILED: frozenset(),
    _S.EXPIRED: frozenset(),
    _S.CANCELLED: frozenset(),
}
OPEN = tuple(state for state, after in ALLOWED.items() if after)
# What a device does not answer it may not have heard: nobody keeps a command on the way.
AGAIN = tuple(timedelta(seconds=seconds) for seconds in (5, 10, 30, 60))


def move(command: Command, to: CommandState, now: datetime) -> Command:
    """Raises CommandOverError."""
    if to not in ALLOWED[command.state]:
        raise CommandOverError(command.command_id, command.state, [state.value for state in ALLOWED[command.state]])
    return replace(command, state=to, over_at=None if ALLOWED[to] else now)


def answered(command: Command, said: Result, at: datetime) -> Command:
    """The command after its device said what came of it; the same one where that was said before. What comes when it
    is over otherwise is noted beside it, the first time."""
    to = _S.SUCCEEDED if said.ok else _S.FAILED
    if to in ALLOWED[command.state]:
        return replace(move(command, to, at), result=said.result, error=said.error)
    if command.state in {_S.EXPIRED, _S.CANCELLED} and command.late is None:
        late = {"ok": said.ok, "result": said.result, "error": said.error, "at": at.isoformat()}
        return replace(command, late=late)
    return command


def again(sends: int) -> timedelta:
    """How long after it was sent so often a command is sent once more."""
    return AGAIN[min(max(sends, 1), len(AGAIN)) - 1]
