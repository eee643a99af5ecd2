"""Processes that outlive their supervisor are found again, and nobody else is ever taken for one of them."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from api.engines.process import Child, Identity, PidFile
from tests.engines import compose

_SLEEP = [sys.executable, "-S", "-c", "import time; time.sleep(60)"]
_STUBBORN = [
    sys.executable,
    "-S",
    "-c",
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(1, flush=True); time.sleep(60)",
]
_NICE = [sys.executable, "-S", "-c", "import os, time; print(os.nice(0), flush=True); time.sleep(60)"]


@pytest.fixture
def stranger() -> Iterator[subprocess.Popen[bytes]]:
    """Somebody's process that has nothing to do with us."""
    process = subprocess.Popen(_SLEEP)
    yield process
    process.kill()
    process.wait()


def test_a_pid_that_was_used_again_is_not_ours_and_is_never_ended(
    stranger: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    (tmp_path / "worker").write_text(json.dumps({"pid": stranger.pid, "born": "another boot/1"}))
    Child("worker", tmp_path / "worker").end()
    stranger.send_signal(signal.SIGVTALRM)  # of those that wait, the lowest number comes first
    assert signal.SIGTERM < signal.SIGVTALRM
    assert stranger.wait(60) == -signal.SIGVTALRM


@pytest.mark.parametrize("text", ["", "12", "{}", '{"pid": 1}', "not json", '{"pid": "x", "born": "y"}'])
def test_a_pid_file_cut_short_means_nobody(tmp_path: Path, text: str) -> None:
    (tmp_path / "worker").write_text(text)
    assert PidFile(tmp_path / "worker").read() is None


def test_a_process_that_an_earlier_supervisor_left_is_ended(stranger: subprocess.Popen[bytes], tmp_path: Path) -> None:
    identity = Identity.of(stranger.pid)
    assert identity is not None
    PidFile(tmp_path / "worker").write(identity)
    Child("worker", tmp_path / "worker").end()
    assert stranger.wait(60) == -signal.SIGTERM
    assert not (tmp_path / "worker").exists()


def test_a_corpse_is_not_alive(tmp_path: Path) -> None:
    process = subprocess.Popen([sys.executable, "-S", "-c", ""])
    identity = Identity.of(process.pid)
    while identity is not None and identity.alive():
        time.sleep(0.01)
    assert Identity.of(process.pid) is None  # ended, and not yet waited for
    process.wait()


def test_one_that_does_not_listen_is_killed_after_its_grace(tmp_path: Path) -> None:
    child = Child("worker", tmp_path / "worker", grace_s=0.2)
    popen = child.start(_STUBBORN, log=tmp_path / "log", read_output=True)
    assert popen.stdout is not None
    popen.stdout.readline()
    child.end()
    assert popen.returncode == -signal.SIGKILL


def test_a_child_has_a_session_of_its_own_so_that_ctrl_c_reaches_the_supervisor_alone(tmp_path: Path) -> None:
    child = Child("worker", tmp_path / "worker")
    child.start([sys.executable, "-S", "-c", "import os; print(os.getsid(0) == os.getpid())"], log=tmp_path / "log")
    while child.alive():
        time.sleep(0.01)
    child.end()
    assert (tmp_path / "log").read_text() == "True\n"


def test_who_stands_back_is_nicer_than_we_are_as_its_whole_session_is(tmp_path: Path) -> None:
    """Where the kernel schedules a session as one, its processes' own niceness says nothing to others."""
    child = Child("nats", tmp_path / "nats")
    popen = child.start(_NICE, log=tmp_path / "log", read_output=True, niceness=3)
    assert popen.stdout is not None
    assert int(popen.stdout.readline()) == os.nice(0) + 3
    session = Path(f"/proc/{popen.pid}/autogroup")
    assert not session.exists() or session.read_text().endswith("nice 3\n")
    child.end()


def test_on_a_server_the_log_stands_back_too() -> None:
    """Docker gives 1,024 to whoever asks for nothing."""
    shares = {name: service.get("cpu_shares", 1024) for name, service in compose.by_yaml()["services"].items()}
    assert shares.pop("nats") * 2 == 1024
    assert set(shares.values()) == {1024}
