"""The data folder: one supervisor at a time, and nothing of somebody else's is ever taken for it."""

import contextlib
import fcntl
import os
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from api.engines.errors import DataFolderError, DataInUseError
from api.engines.process import Identity, PidFile, end

_LOCK = "foremend.lock"  # also says: this folder is ours
_HOLDER = "pids/supervisor"
_ADDRESS = "address"
_STOP_S = 120


def refuse_foreign(data: Path) -> None:
    """A folder that holds other things is left alone. Raises DataFolderError."""
    if data.is_dir() and not (data / _LOCK).exists() and any(data.iterdir()):
        raise DataFolderError(
            f"{data} is not a data folder of Foremend and not empty; choose another one with --data DIR"
        )


@contextmanager
def locked(data: Path) -> Iterator[None]:
    """Ours until we end, however we end: the lock dies with the process. Raises DataInUseError."""
    for name in ("pids", "logs"):
        (data / name).mkdir(mode=0o700, exist_ok=True)
    with (data / _LOCK).open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DataInUseError(str(data)) from None
        holder = PidFile(data / _HOLDER)
        if (ourselves := Identity.of(os.getpid())) is not None:
            holder.write(ourselves)
        yield
        holder.remove()


@contextmanager
def answering(data: Path, url: str) -> Iterator[None]:
    """Meanwhile commands find the house without being told its address."""
    said = data / _ADDRESS
    said.write_text(f"{url}\n")
    try:
        yield
    finally:
        said.unlink(missing_ok=True)


def address(data: Path) -> str | None:
    """Where the house of this data answers; None: nobody says so, or it is not for us to read."""
    try:
        return (data / _ADDRESS).read_text().strip() or None
    except OSError:
        return None


def stop_holder(data: Path) -> None:
    """Ask a supervisor that runs on this data to stop everything, and wait until it has."""
    if (holder := PidFile(data / _HOLDER).read()) is not None:
        end(holder, with_signal=signal.SIGTERM, grace_s=_STOP_S)


def forget(data: Path) -> None:
    """Remove it, and for root's default the folder above when that was the last one."""
    shutil.rmtree(data)
    if data.parent.name == "foremend":
        with contextlib.suppress(OSError):
            data.parent.rmdir()
