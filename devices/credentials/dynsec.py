"""What a Mosquitto with dynamic security must know of the registry's credentials, and which commands bring it there.

A client for each credential, bound to its client id, and a role for each device, because the plugin of Mosquitto 2.0
has no patterns (tried: `%u` and `%c` stand for themselves). Clients and roles of other names are somebody else's and
are left alone; whatever no role allows is denied by the plugin's defaults.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from devices.credentials.model import Username
from devices.credentials.permissions import permissions

Command = dict[str, Any]
Acls = frozenset[tuple[str, str, bool]]
_ROLE = "device."
# A device unsubscribes from what it was granted.
DEFAULTS = {"publishClientSend": False, "publishClientReceive": False, "subscribe": False, "unsubscribe": True}


@dataclass(frozen=True, kw_only=True)
class Known:
    """What the broker says. `marks`: of each of our clients that is as it must be, which password it has; an empty
    mark: it is not. `roles`: of each of our roles what it allows."""

    marks: Mapping[str, str]
    roles: Mapping[str, Acls]
    defaults_hold: bool


@dataclass(frozen=True, kw_only=True)
class Difference:
    """`ended`: clients that must not be there, or not as they are; `missing`: usernames to be told."""

    ended: Sequence[str]
    stray_roles: Sequence[str]
    missing: Sequence[str]
    wrong_defaults: bool

    @property
    def is_nothing(self) -> bool:
        return not (self.ended or self.stray_roles or self.missing or self.wrong_defaults)


def known(clients: Iterable[Command], roles: Iterable[Command], defaults: Iterable[Command]) -> Known:
    """From the broker's answers to listClients and listRoles, verbose, and getDefaultACLAccess."""
    said = {str(each["acltype"]): bool(each["allow"]) for each in defaults}
    return Known(
        marks={str(each["username"]): _mark(each) for each in clients if Username.read(str(each["username"]))},
        roles={str(each["rolename"]): _acls(each) for each in roles if str(each["rolename"]).startswith(_ROLE)},
        defaults_hold=said == DEFAULTS,
    )


def difference(there: Known, live: Mapping[str, str]) -> Difference:
    """`live`: username -> mark. A role that allows anything else than it must is made anew, with its clients."""
    right = {role_of(username): allowed(username) for username in map(_read, live)}
    sound = {role for role, acls in there.roles.items() if right.get(role) == acls}
    kept = {
        username
        for username, mark in there.marks.items()
        if live.get(username) == mark and role_of(_read(username)) in sound
    }
    return Difference(
        ended=sorted(there.marks.keys() - kept),
        stray_roles=sorted(there.roles.keys() - sound),
        missing=sorted(live.keys() - kept),
        wrong_defaults=not there.defaults_hold,
    )


def after(there: Known, done: Difference, told: Sequence[Command]) -> Known:
    """What the broker knows when it has done away with what `done` names, and has been told that."""
    ended, stray = set(done.ended), set(done.stray_roles)
    marks = {username: mark for username, mark in there.marks.items() if username not in ended}
    roles = {role: acls for role, acls in there.roles.items() if role not in stray}
    for command in told:
        if command["command"] == "createRole":
            roles[command["rolename"]] = _acls(command)
        else:
            marks[command["username"]] = command["textname"]
    return Known(marks=marks, roles=roles, defaults_hold=True)


def set_defaults() -> Command:
    acls = [{"acltype": kind, "allow": allow} for kind, allow in DEFAULTS.items()]
    return {"command": "setDefaultACLAccess", "acls": acls}


def delete(username: str) -> Command:
    """Whoever is in by it is thrown out."""
    return {"command": "deleteClient", "username": username}


def delete_role(role: str) -> Command:
    return {"command": "deleteRole", "rolename": role}


def create_role(username: Username) -> Command:
    acls = [{"acltype": kind, "topic": topic, "allow": allow} for kind, topic, allow in sorted(allowed(username))]
    return {"command": "createRole", "rolename": role_of(username), "acls": acls}


def create(username: Username, password: str, mark: str) -> Command:
    return {
        "command": "createClient",
        "username": str(username),
        "password": password,
        "clientid": username.client_id,
        "textname": mark,
        "roles": [{"rolename": role_of(username)}],
    }


def allowed(username: Username) -> Acls:
    own = permissions(username.tenant_id, username.device_id)
    return frozenset(
        {
            ("publishClientSend", own.publish, True),
            ("publishClientReceive", own.subscribe, True),
            ("subscribePattern", own.subscribe, True),
        }
    )


def role_of(username: Username) -> str:
    return f"{_ROLE}{username.tenant_id}.{username.device_id}"


def _read(text: str) -> Username:
    username = Username.read(text)
    assert username is not None, text  # it comes from our own record
    return username


def _mark(client: Command) -> str:
    """Empty for one that was changed behind our back."""
    username = _read(str(client["username"]))
    as_made = (
        client.get("clientid") == username.client_id
        and not client.get("disabled", False)
        and not client.get("groups")
        and [role["rolename"] for role in client.get("roles", [])] == [role_of(username)]
    )
    return str(client.get("textname", "")) if as_made else ""


def _acls(role: Command) -> Acls:
    return frozenset((str(acl["acltype"]), str(acl["topic"]), bool(acl["allow"])) for acl in role.get("acls", []))
