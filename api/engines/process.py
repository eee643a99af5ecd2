"""A child process that outlives a killed supervisor and is found again, and never mistaken for another."""

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from api.engines.account import Account

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_POLL_S = 0.02
LONGEST_START_S = 600.0  # of an engine that recovers first, after a crash; that it died is noticed at once


@dataclass(frozen=True, kw_only=True)
class Identity:
    """A pid and when that process was born: a pid alone may be somebody else's by tomorrow."""

    pid: int
    born: str

    @classmethod
    def of(cls, pid: int) -> "Identity | None":
        born = _born(pid)
        return None if born is None else cls(pid=pid, born=born)

    def alive(self) -> bool:
        return _born(self.pid) == self.born


def _born(pid: int) -> str | None:
    """Boot and clock ticks of the start; None when there is no such process, or only its corpse."""
    if not _BOOT_ID.exists():
        return _born_without_proc(pid)
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return None
    fields = stat.rpartition(b")")[2].split()  # the name in front may contain anything
    if fields[0] in {b"Z", b"X"}:
        return None
    return f"{_BOOT_ID.read_text().strip()}/{fields[19].decode()}"


def _born_without_proc(pid: int) -> str | None:
    """macOS has no /proc; its ps knows the second of the start."""
    asked = subprocess.run(["ps", "-o", "stat=,lstart=", "-p", str(pid)], capture_output=True, text=True, check=False)  # noqa: S603, S607 - a system tool
    state, _, born = asked.stdout.strip().partition(" ")
    return None if not state or state.startswith("Z") else born.strip()


def wait_until(holds: Callable[[], bool], timeout_s: float) -> bool:
    deadline = time.monotonic() + timeout_s
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL_S)
    return True


def end(identity: Identity, *, with_signal: int, grace_s: float) -> None:
    """Ask a process of ours to end; after `grace_s` its whole session is killed."""
    _signal(identity, with_signal)
    if not wait_until(lambda: not identity.alive(), grace_s):
        _signal(identity, signal.SIGKILL, group=True)
        wait_until(lambda: not identity.alive(), 5)


def _signal(identity: Identity, number: int, *, group: bool = False) -> None:
    if not identity.alive():
        return
    with contextlib.suppress(ProcessLookupError):
        (os.killpg if group else os.kill)(identity.pid, number)


def _stand_back(leader: int, niceness: int) -> None:
    """Where the kernel schedules a session as one (sched(7), autogroup), a niceness counts among its own processes
    only, and this is the session's. Elsewhere there is no such file."""
    for _ in range(10):
        try:
            Path(f"/proc/{leader}/autogroup").write_text(str(niceness))
        except BlockingIOError:  # of those who are not root it takes ten a second
            time.sleep(0.1)
        except OSError:
            return
        else:
            return


class PidFile:
    """Who runs under a name, written for a supervisor that comes later."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def write(self, identity: Identity) -> None:
        fresh = self._path.with_suffix(".new")
        fresh.write_text(json.dumps({"pid": identity.pid, "born": identity.born}))
        fresh.replace(self._path)

    def read(self) -> Identity | None:
        """The process, if it still is the one that was written down."""
        try:
            identity = Identity(**json.loads(self._path.read_text()))
        except (OSError, ValueError, TypeError):
            return None
        return identity if identity.alive() else None

    def remove(self) -> None:
        self._path.unlink(missing_ok=True)


class Child:
    """A process in a session of its own: Ctrl-C reaches the supervisor alone, who ends the children in order."""

    def __init__(self, name: str, pid_file: Path, *, end_signal: int = signal.SIGTERM, grace_s: float = 20) -> None:
        self.name = name
        self._pid_file = PidFile(pid_file)
        self._end_signal = end_signal
        self._grace_s = grace_s
        self._popen: subprocess.Popen[str] | None = None

    def start(
        self,
        argv: Sequence[str | Path],
        *,
        log: Path,
        env: Mapping[str, str] | None = None,
        cwd: Path = Path("/"),
        account: Account | None = None,
        read_output: bool = False,
        niceness: int = 0,
    ) -> subprocess.Popen[str]:
        """`log` takes what it prints (only its standard error when the caller reads the output). `niceness`: how far it
        stands back where processors are short."""
        self._close_output()
        nice = ["nice", "-n", str(niceness)] if niceness else []  # from its first thread on, unlike os.setpriority
        with log.open("ab") as out:
            self._popen = subprocess.Popen(  # noqa: S603 - our own binaries and modules
                [*nice, *(str(part) for part in argv)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE if read_output else out,
                stderr=out,
                text=True,
                cwd=cwd,
                env=None if env is None else dict(env),
                start_new_session=True,
                **(account.popen_options() if account else {}),
            )
        identity = Identity.of(self._popen.pid)
        if identity is not None:
            self._pid_file.write(identity)
        if niceness:
            _stand_back(self._popen.pid, niceness)
        return self._popen

    @property
    def pid(self) -> int | None:
        return self._popen.pid if self._popen else None

    def exit_code(self) -> int | None:
        """None while it runs."""
        return None if self._popen is None else self._popen.poll()

    def alive(self) -> bool:
        return self._popen is not None and self._popen.poll() is None

    def signal(self, number: int) -> None:
        if self._popen is not None and self._popen.poll() is None:
            self._popen.send_signal(number)

    def end(self) -> None:
        """Ours or one that an earlier supervisor left; nothing happens when there is none."""
        if self._popen is not None:
            self._end_own(self._popen)
        elif (left := self._pid_file.read()) is not None:
            end(left, with_signal=self._end_signal, grace_s=self._grace_s)
        self._pid_file.remove()

    def _end_own(self, popen: subprocess.Popen[str]) -> None:
        if popen.poll() is None:
            popen.send_signal(self._end_signal)
        try:
            popen.wait(self._grace_s)
        except subprocess.TimeoutExpired:
            os.killpg(popen.pid, signal.SIGKILL)
            popen.wait()
        self._close_output()
        self._popen = None

    def _close_output(self) -> None:
        if self._popen is not None and self._popen.stdout is not None:
            self._popen.stdout.close()

    def kill(self) -> None:
        """As the kernel would when memory is short; for tests of what is left behind."""
        if self._popen is not None:
            self._popen.kill()
            self._popen.wait()
            self._popen = None
