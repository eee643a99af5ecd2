"""The embedded PostgreSQL: who can reach it, and what a killed one leaves."""

import os
import stat
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from types import SimpleNamespace

import psycopg
import pytest

from api.engines import account as accounts
from api.engines import process
from api.engines.errors import DataFolderError
from api.engines.postgres import Postgres
from api.engines.process import PidFile
from tests.conftest import need

pytestmark = pytest.mark.engines
_numbers = count(1)


@pytest.fixture
def folder(engines_folder: Path) -> Path:
    return engines_folder / f"postgres-{next(_numbers)}"  # short: the socket lies below


@pytest.fixture
def server(folder: Path) -> Iterator[Postgres]:
    server = Postgres(folder, sync=False)
    yield server
    server.stop()


def test_it_listens_on_nothing_but_a_socket_in_a_folder_of_its_own(server: Postgres, folder: Path) -> None:
    server.start()
    with psycopg.connect(server.dsn, user="postgres") as conn:
        shown = {
            name: conn.execute("SELECT current_setting(%s)", (name,)).fetchone()[0]
            for name in (
                "listen_addresses",
                "fsync",
                "synchronous_commit",
                "server_encoding",
                "unix_socket_directories",
            )
        }
    assert shown["listen_addresses"] == ""
    assert shown["synchronous_commit"] == "on"
    assert shown["server_encoding"] == "UTF8"
    for private in (Path(shown["unix_socket_directories"]), folder / "postgres"):
        assert stat.S_IMODE(private.stat().st_mode) == 0o700
    assert stat.S_IMODE(folder.stat().st_mode) & 0o007 == 0


def test_what_is_committed_is_on_the_disk_unless_a_test_says_otherwise(folder: Path) -> None:
    server = Postgres(folder)
    server.start()
    with psycopg.connect(server.dsn, user="postgres") as conn:
        assert conn.execute("SHOW fsync").fetchone() == ("on",)
    server.stop()


def test_a_path_too_long_for_a_socket_gets_a_short_folder_that_nobody_else_can_enter(folder: Path) -> None:
    folder.mkdir()
    accounts.prepare(folder, accounts.choose())
    server = Postgres(folder / ("long" * 20), sync=False)
    server.start()
    with psycopg.connect(server.dsn, user="postgres") as conn:
        socket = Path(conn.execute("SHOW unix_socket_directories").fetchone()[0])
    assert socket.parent == Path("/tmp")
    assert stat.S_IMODE(socket.stat().st_mode) == 0o700
    server.process.kill()

    later = Postgres(folder / ("long" * 20), sync=False)
    later.start()
    assert not socket.exists()
    later.stop()
    assert not list(Path("/tmp").glob(f"{socket.name}*"))


def test_a_killed_server_is_found_again_ended_and_its_rows_are_there(folder: Path) -> None:
    first = Postgres(folder)
    first.start()
    with psycopg.connect(first.dsn, user="postgres") as conn:
        conn.execute("CREATE TABLE kept AS SELECT 7 AS n")
    left = PidFile(folder / "pids" / "postgres").read()

    second = Postgres(folder)  # as a supervisor would that knows nothing of the first
    second.start()
    assert not left.alive()
    assert first.process.exit_code() == 0
    with psycopg.connect(second.dsn, user="postgres") as conn:
        assert conn.execute("SELECT n FROM kept").fetchone() == (7,)
    second.stop()


def test_a_pid_in_its_pid_file_that_is_somebody_elses_by_now_is_no_obstacle(server: Postgres, folder: Path) -> None:
    server.start()
    server.process.kill()
    file = folder / "postgres" / "postmaster.pid"
    file.write_text("\n".join([str(os.getpid()), *file.read_text().splitlines()[1:]]) + "\n")
    server.start()
    with psycopg.connect(server.dsn, user="postgres") as conn:
        assert conn.execute("SELECT 1").fetchone() == (1,)
    os.kill(os.getpid(), 0)  # and we live


def test_a_server_that_recovers_for_minutes_is_waited_for(server: Postgres, monkeypatch: pytest.MonkeyPatch) -> None:
    looks, clock = count(1), count()  # a second each
    monkeypatch.setattr(server, "_answers", lambda: next(looks) > 300)
    passing = SimpleNamespace(monotonic=lambda: float(next(clock)), sleep=lambda _: None)
    monkeypatch.setattr(process, "time", passing)
    server.start()
    assert next(looks) > 300


def test_data_of_another_major_version_is_refused_with_a_sentence(server: Postgres, folder: Path) -> None:
    server.start()
    server.stop()
    (folder / "postgres" / "PG_VERSION").write_text("17\n")
    with pytest.raises(DataFolderError, match=r"PostgreSQL 17's.*--data DIR"):
        server.start()


def test_an_interrupted_first_start_leaves_nothing_half_made(server: Postgres, folder: Path) -> None:
    accounts.prepare(folder, accounts.choose())
    half = folder / "postgres.new"
    half.mkdir()
    (half / "PG_VERSION").write_text("18\n")
    server.start()
    assert not half.exists()


def test_as_root_it_runs_as_somebody_else_and_no_parents_mode_changes(server: Postgres, folder: Path) -> None:
    need(os.geteuid() == 0, "needs root")
    before = [(parent, parent.stat().st_mode) for parent in folder.parents]
    server.start()
    assert Path(f"/proc/{server.process.pid}").stat().st_uid != 0
    assert [(parent, parent.stat().st_mode) for parent in folder.parents] == before


def test_a_folder_that_the_engines_user_cannot_enter_is_refused_with_a_sentence(tmp_path: Path) -> None:
    need(os.geteuid() == 0, "needs root")
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    with pytest.raises(DataFolderError, match=r"cannot enter.*--data DIR"):
        accounts.prepare(closed / "data", accounts.choose())
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700


def test_an_environment_out_of_the_users_reach_is_copied_once(server: Postgres, folder: Path) -> None:
    need(os.geteuid() == 0, "needs root")
    server._account = _Shortsighted(**vars(accounts.choose()))
    server.start()
    copies = list((folder / "engines").iterdir())
    assert [copy.name.startswith("postgres-") for copy in copies] == [True]
    assert Path(f"/proc/{server.process.pid}/exe").resolve().is_relative_to(copies[0])


class _Shortsighted(accounts.Account):
    """Cannot reach the wheel's binaries, as if the environment lay under /root."""

    def can(self, *command: str | Path) -> bool:
        return "site-packages" not in str(command[0]) and super().can(*command)


def test_the_end_is_a_fast_shutdown_that_does_not_wait_for_clients(server: Postgres) -> None:
    server.start()
    conn = psycopg.connect(server.dsn, user="postgres")
    process = server.process._popen
    server.stop()
    assert process.returncode == 0
    with pytest.raises(psycopg.OperationalError):
        conn.execute("SELECT 1")
    conn.close()
