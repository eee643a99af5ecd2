"""Desired and reported state, one after the other: pure."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from devices.adjustables import FIRMWARE
from devices.twin.accepts import MOST_SETTINGS
from devices.twin.errors import StaleTwinError
from devices.twin.model import Difference, Report, State, Twin

# A desired state that a device does not answer is said again, ever later: it may have been lost behind another broker.
AGAIN = tuple(timedelta(seconds=seconds) for seconds in (60, 300, 900, 3600))


@dataclass(frozen=True, kw_only=True)
class Reported:
    """`changed`: settings that are otherwise than before, as they are now; `left_out`: how many were too many."""

    twin: Twin
    changed: Mapping[str, Any]
    left_out: int

    @property
    def is_news(self) -> bool:
        return bool(self.changed)


def desire(twin: Twin, patch: Mapping[str, Any], expected: int, *, by: str, now: datetime) -> Twin:
    """The twin with these settings desired, those that are None no more (RFC 7396); the same one if that is what it
    is. A version is newer than all that the device has ever said. Raises StaleTwinError."""
    if expected != twin.version:
        raise StaleTwinError(expected, twin.version)
    wanted = _patched(twin.desired, patch)
    return twin if wanted == dict(twin.desired) else _wished(twin, wanted, by, now)


def end(twin: Twin, *, by: str, now: datetime) -> Twin:
    """The twin of which nobody desires anything any more, in a version newer than all that was desired before; the same
    one where nothing ever was."""
    return twin if twin.version == 0 else _wished(twin, {}, by, now)


def _wished(twin: Twin, wanted: State, by: str, now: datetime) -> Twin:
    return replace(
        twin,
        desired=wanted,
        version=max(twin.version, twin.reported_version) + 1,
        desired_at=now,
        desired_by=by,
        say_at=now,
        says=0,
        said_at=None,
        error=None,
    )


def report(twin: Twin, said: Report, known: frozenset[str], at: datetime) -> Reported:
    """The twin after its device said so. What it says of settings that its class has not is kept as well, as long as
    there is room. A report of an older version than it has said before changes nothing: it was overtaken."""
    if said.version is not None and said.version < twin.reported_version:
        return Reported(twin=twin, changed={}, left_out=0)
    room = MOST_SETTINGS - len(set(twin.reported) - known)
    strange = [name for name in said.state if name not in known and name not in twin.reported]
    out = set(strange[max(0, room) :])
    state = _patched(twin.reported, {name: value for name, value in said.state.items() if name not in out})
    changed = {name: state.get(name) for name in {*state, *twin.reported} if state.get(name) != twin.reported.get(name)}
    version = twin.reported_version if said.version is None else said.version
    if version != twin.reported_version:
        changed["version"] = version
    after = replace(
        twin,
        reported=state,
        reported_version=version,
        reported_at=at,
        firmware_at=at if FIRMWARE in changed else twin.firmware_at,
        say_at=None if version >= twin.version else twin.say_at,
    )
    return Reported(twin=_ahead_of(after, at), changed=changed, left_out=len(out))


def _ahead_of(twin: Twin, at: datetime) -> Twin:
    """A device that took a version which nobody here has said takes ours for old: what is desired here gets a newer
    one. It comes from another house, or our record from a backup."""
    if twin.reported_version <= twin.version or not twin.desired:
        return twin
    return replace(twin, version=twin.reported_version + 1, say_at=at, says=0, said_at=None)


def differences(twin: Twin) -> list[Difference]:
    """What is desired and is not so, as far as the device has said."""
    return [
        Difference(name=name, desired=value, reported=twin.reported.get(name))
        for name, value in twin.desired.items()
        if twin.reported.get(name) != value
    ]


def again(says: int) -> timedelta:
    """How long after it was said so often a desired state is said once more."""
    return AGAIN[min(max(says, 1), len(AGAIN)) - 1]


def _patched(state: State, patch: Mapping[str, Any]) -> dict[str, Any]:
    both = {**state, **patch}
    return {name: both[name] for name in both if both[name] is not None}
