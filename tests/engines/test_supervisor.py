"""The supervisor with real engines: it ends what it started, in order, whatever killed whom before."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import psycopg
import pytest

from api.engines import account as accounts
from api.engines import folder
from api.engines.ports import free_port
from api.engines.process import PidFile, wait_until

pytestmark = pytest.mark.engines

_TRIAL = Path(__file__).with_name("house_on_trial.py")
_ROOT = Path(__file__).parents[2]
_numbers = count(1)  # short names: the socket lies below


class Trial:
    """`foremend up` in a process of its own, on a data folder of its own, with stand-ins for our own processes."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.ports = [free_port() for _ in range(3)]
        self.running: list[subprocess.Popen[str]] = []

    def up(self, **told: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-u", _TRIAL, self.data, *map(str, self.ports)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=_ROOT,
            env={**os.environ, "PYTHONPATH": str(_ROOT), **told},
        )
        self.running.append(process)
        return process

    def until(self, process: subprocess.Popen[str], text: str) -> str:
        heard = ""
        for line in process.stdout:
            heard += line
            if text in line:
                return heard
        raise AssertionError(f"ended without {text!r}: {heard} {process.stderr.read()}")

    def journal(self) -> list[str]:
        path = self.data / "journal"
        return [line.rpartition(" ")[0] for line in path.read_text().splitlines()] if path.exists() else []

    def began(self, times: int) -> None:
        """Until our processes have begun so often: whoever is ended before that says nothing."""
        assert wait_until(lambda: sum(line.startswith("start ") for line in self.journal()) == times, 60)

    def left(self) -> list[str]:
        """Which of our processes still live."""
        return [path.name for path in (self.data / "pids").iterdir() if PidFile(path).read()]

    def stop(self, process: subprocess.Popen[str], number: int = signal.SIGINT) -> tuple[int, str]:
        process.send_signal(number)
        _, complaints = process.communicate(timeout=120)
        return process.returncode, complaints


def _end(trial: Trial) -> None:
    for process in trial.running:
        if process.poll() is None:
            trial.stop(process, signal.SIGTERM)
        process.stdout.close()
        process.stderr.close()


@pytest.fixture
def trial(engines_folder: Path) -> Iterator[Trial]:
    trial = Trial(engines_folder / f"trial-{next(_numbers)}")
    yield trial
    _end(trial)


@pytest.fixture(scope="module")
def house(engines_folder: Path) -> Iterator[Trial]:
    """One that is up, for promises that leave it up."""
    trial = Trial(engines_folder / f"house-{next(_numbers)}")  # the module may be begun twice on one worker of xdist
    try:
        trial.until(trial.up(), "ready")
        trial.began(4)
        yield trial
    finally:
        _end(trial)


@pytest.mark.parametrize(
    ("number", "sign_in", "door"), [(signal.SIGINT, "open", []), (signal.SIGTERM, "required", ["door"])]
)
def test_a_signal_ends_everything_in_order_and_the_exit_is_clean(
    trial: Trial, number: int, sign_in: str, door: list[str]
) -> None:
    process = trial.up(FOREMEND_DEVICE_SIGN_IN=sign_in)
    trial.until(process, "ready")
    trial.began(4 + len(door))
    assert set(trial.left()) == {"supervisor", "postgres", "nats", *door, "worker", "relay", "api", "fleet"}
    assert folder.address(trial.data) == f"http://127.0.0.1:{trial.ports[0]}"
    assert trial.stop(process, number) == (0, "")
    assert folder.address(trial.data) is None
    order = [f"end {name}" for name in ("fleet", "api", "relay", "worker", *door)]
    assert trial.journal()[-len(order) :] == order
    assert trial.left() == []
    for port in trial.ports:
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port))


def test_after_a_kill_the_next_start_ends_what_was_left_in_order_and_keeps_the_data(trial: Trial) -> None:
    process = trial.up()
    trial.until(process, "ready")
    trial.began(4)
    with _record(trial) as conn:
        conn.execute("INSERT INTO tenant (tenant_id, name) VALUES ('kept', 'kept')")
    process.kill()
    process.communicate(timeout=120)
    assert "postgres" in trial.left()

    again = trial.up()
    trial.until(again, "ready")
    trial.began(4 + 4)
    begun = [line.partition(" ")[0] for line in trial.journal()]
    assert begun == ["start"] * 4 + ["end"] * 4 + ["start"] * 4
    assert trial.journal()[4:8] == ["end fleet", "end api", "end relay", "end worker"]
    with _record(trial) as conn:
        assert conn.execute("SELECT count(*) FROM tenant WHERE tenant_id = 'kept'").fetchone() == (1,)
    assert trial.stop(again)[0] == 0


def test_a_second_start_on_the_same_data_is_refused_and_the_first_goes_on(house: Trial) -> None:
    second = house.up()
    _, complaints = second.communicate(timeout=120)
    assert second.returncode == 1
    assert complaints.strip() == (
        f"Foremend is already running on {house.data}; stop it first, or use another folder with --data DIR"
    )
    assert len(house.left()) == 7


@pytest.mark.parametrize(("place", "option"), [(0, "--http-port"), (1, "--mqtt-port"), (2, "--nats-port")])
def test_a_taken_port_is_one_sentence_that_names_the_option_before_anything_starts(
    trial: Trial, place: int, option: str
) -> None:
    with socket.create_server(("127.0.0.1", trial.ports[place])):
        process = trial.up()
        _, complaints = process.communicate(timeout=120)
    assert process.returncode == 1
    assert complaints.strip() == (
        f"port {trial.ports[place]} is taken on this machine; choose another one with {option} PORT"
    )
    assert not (trial.data / "postgres").exists()


def test_data_of_a_newer_schema_is_one_sentence_and_nothing_is_left_running(trial: Trial) -> None:
    process = trial.up()
    trial.until(process, "ready")
    with _record(trial) as conn:
        conn.execute("INSERT INTO schema_version (version) VALUES (999)")
    trial.stop(process)

    newer = trial.up()
    _, complaints = newer.communicate(timeout=120)
    assert newer.returncode == 1
    assert "schema version 999" in complaints
    assert "--data DIR" in complaints
    assert "Traceback" not in complaints
    assert trial.left() == []


def test_a_process_that_dies_is_started_again_and_that_is_said(house: Trial) -> None:
    worker = PidFile(house.data / "pids" / "worker").read()
    os.kill(worker.pid, signal.SIGKILL)
    house.until(house.running[0], "the worker died (signal 9); starting it again")
    assert wait_until(lambda: house.journal().count("start worker") == 2, 60)


def test_an_engine_that_is_killed_comes_back(house: Trial) -> None:
    for name, said in (("nats", "NATS"), ("postgres", "PostgreSQL")):
        engine = PidFile(house.data / "pids" / name)
        os.kill(engine.read().pid, signal.SIGKILL)
        house.until(house.running[0], f"the {said} died (signal 9)")
        assert wait_until(lambda engine=engine: engine.read() is not None, 60)
    assert wait_until(lambda: _answers(house), 60)


@pytest.mark.parametrize(
    ("told", "sentence"),
    [
        ("dies-relay", "the relay died 4 times in a row; its last words are in"),
        ("refuses-fleet", "the fleet does not take its options: there is no such fault"),
    ],
)
def test_a_process_that_will_not_live_ends_the_house_with_a_sentence(trial: Trial, told: str, sentence: str) -> None:
    trial.data.mkdir()
    accounts.prepare(trial.data, accounts.choose())
    (trial.data / "foremend.lock").touch()
    (trial.data / told).touch()
    process = trial.up()
    _, complaints = process.communicate(timeout=120)
    assert process.returncode == 1
    assert sentence in complaints
    assert trial.left() == []


def test_a_folder_with_other_things_in_it_is_left_alone(trial: Trial) -> None:
    trial.data.mkdir()
    (trial.data / "holiday.jpg").touch()
    mode = trial.data.stat().st_mode
    process = trial.up()
    _, complaints = process.communicate(timeout=120)
    assert process.returncode == 1
    assert "not a data folder of Foremend" in complaints
    assert trial.data.stat().st_mode == mode


def _record(trial: Trial) -> psycopg.Connection[tuple[object, ...]]:
    return psycopg.connect(host=str(trial.data / "run"), user="postgres", dbname="postgres", autocommit=True)


def _answers(trial: Trial) -> bool:
    try:
        _record(trial).close()
    except psycopg.OperationalError:
        return False
    return True
