"""As whom the engines run, and the folders they get: never as root, never with more rights than they need."""

import os
import pwd
import subprocess
import tempfile
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from api.engines.errors import DataFolderError

_PREFERRED = ("foremend", "postgres", "nobody")
_SOCKET_PATH_MAX = 107  # bytes in sockaddr_un on Linux; macOS has 103
_LONGEST_SOCKET = len("/.s.PGSQL.5432.lock")
_SHORT = Path("/tmp")  # noqa: S108 - only for folders that mkdtemp makes: 0700, owned, unguessable
_SHORT_PREFIX = "foremend-socket-"


@dataclass(frozen=True, kw_only=True)
class Account:
    """The engines' user; `uid` None: we are not root, they run as ourselves."""

    name: str
    uid: int | None = None
    gid: int | None = None

    def popen_options(self) -> dict[str, Any]:
        if self.uid is None:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def own(self, path: Path | int) -> None:
        if self.uid is not None and self.gid is not None:
            os.chown(path, self.uid, self.gid)

    def can(self, *command: str | Path) -> bool:
        """Whether this user can run that; a venv under /root is out of its reach."""
        try:
            done = subprocess.run(  # noqa: S603 - our own binaries
                [str(part) for part in command], cwd="/", capture_output=True, check=False, **self.popen_options()
            )
        except OSError:
            return False
        return done.returncode == 0


def choose() -> Account:
    """Ourselves, or an unprivileged user that exists when we are root (PostgreSQL refuses to run as root)."""
    if os.geteuid() != 0:
        return Account(name=pwd.getpwuid(os.geteuid()).pw_name)
    for name in _PREFERRED:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(name=name, uid=entry.pw_uid, gid=entry.pw_gid)
    raise DataFolderError(f"as root the engines need one of the users {', '.join(_PREFERRED)}; there is none")


def default_data(checkout: Path) -> Path:
    """Beside the code; for root in /var/lib, because the engines' user may not reach root's folders."""
    if os.geteuid() != 0:
        return checkout / ".foremend"
    return Path("/var/lib/foremend") / f"{checkout.name}-{sha256(str(checkout).encode()).hexdigest()[:8]}"


def prepare(data: Path, account: Account) -> None:
    """Make the data folder, for us alone; as root the engines' user may pass through it. No parent's mode changes."""
    try:
        data.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataFolderError(
            f"cannot make the data folder {data}: {error.strerror}; choose one with --data DIR"
        ) from error
    if data.stat().st_uid != os.geteuid():
        raise DataFolderError(f"the data folder {data} belongs to somebody else; choose one with --data DIR")
    if account.uid is None:
        data.chmod(0o700)
        return
    os.chown(data, 0, account.gid if account.gid is not None else -1)
    data.chmod(0o710)
    if not account.can("test", "-x", data):
        raise DataFolderError(
            f"the engines run as the user {account.name!r}, who cannot enter {data}; choose another one with --data DIR"
        )


def private_folder(path: Path, account: Account) -> Path:
    """A folder that only the engines' user can enter."""
    path.mkdir(exist_ok=True)
    path.chmod(0o700)
    account.own(path)
    return path


def socket_folder(run: Path, account: Account) -> Path:
    """Where the unix socket lies: `run`, or a short folder with an unguessable name when that path is too long."""
    if len(os.fsencode(run)) + _LONGEST_SOCKET <= _SOCKET_PATH_MAX - 4:
        return private_folder(run, account)
    short = Path(tempfile.mkdtemp(prefix=_SHORT_PREFIX, dir=_SHORT))
    account.own(short)
    return short


def is_short_folder(path: Path) -> bool:
    return path.parent == _SHORT and path.name.startswith(_SHORT_PREFIX)
