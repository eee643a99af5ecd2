"""A disk that is full: small ones are mounted for the occasion, so it takes root."""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

import psycopg
from psycopg import sql

from api.bench.house import House, house
from api.engines import account as accounts
from benchmarks.faults.hands import Worker
from benchmarks.faults.trial import DEVICES, Door, Row, Trial, an_order, environment

_DATA_MIB, _WAL_MIB = 16, 80
_SEGMENTS = 10  # of 16 MiB: more than there is room for


def data(trial: Trial, *, full_s: float, rate: float) -> Row:
    """The readings' table lies on a disk with no room left: SQLSTATE 53100 for every batch."""
    ours, here = trial.ours, Door()
    trial.begin()
    with _small_disk(ours, _DATA_MIB) as disk, _readings_on(ours, disk):
        running = Worker(environment(ours, metrics_port=str(here.port)))
        with trial.working(running):
            load = trial.load(an_order(full_s + 2.5, rate))
            ballast = _fill(disk)
            trial.wait(here.waits, 60, "the worker waits for room")
            trial.say(f"disk full for {full_s:g} s")
            time.sleep(full_s)
            trial.promise(here.status("/livez") == 200, "the worker is alive")
            ballast.unlink()
            trial.catch_up()
            row = trial.settle(f"no room for {full_s:g} s at {rate:,.0f} messages/s", ours.sent(load))
    return row


def wal(trial: Trial, *, full_s: float, rate: float) -> Row:
    """No room for the write-ahead log: PostgreSQL panics, cannot recover either, and is started when there is room."""
    with house({"max_wal_size": "64MB", "min_wal_size": "32MB"}) as ours:
        ours.register(DEVICES)
        trial.ours, here = ours, Door()
        ours.postgres.process.end()
        with _small_disk(ours, _WAL_MIB) as disk:
            _move(ours.folder / "postgres" / "pg_wal", disk)
            ours.postgres.start()
            running = Worker(environment(ours, metrics_port=str(here.port)))
            with trial.working(running):
                load = trial.load(an_order(full_s + 3.0, rate))
                ballast = _fill(disk)
                _use_up_the_segment(ours)
                trial.wait(lambda: not ours.postgres.process.alive(), 60, "PostgreSQL panics")
                trial.wait(here.waits, 60, "the worker waits")
                trial.say(f"no room for the WAL for {full_s:g} s")
                time.sleep(full_s)
                trial.promise(here.status("/livez") == 200, "the worker is alive")
                ballast.unlink()
                ours.postgres.start()
                trial.catch_up()
                row = trial.settle(f"no room for {full_s:g} s at {rate:,.0f} messages/s", ours.sent(load))
            ours.postgres.process.end()
    return row


@cache
def can_mount() -> bool:
    """Root can; not in every container."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            _mount(Path(folder), 1)
        except (OSError, subprocess.CalledProcessError):
            return False
        subprocess.run(["umount", folder], check=True)  # noqa: S603, S607
    return True


def _mount(disk: Path, mib: int) -> None:
    command = ["mount", "-t", "tmpfs", "-o", f"size={mib}m", "tmpfs", str(disk)]
    subprocess.run(command, check=True, capture_output=True)  # noqa: S603


@contextmanager
def _small_disk(ours: House, mib: int) -> Iterator[Path]:
    disk = ours.folder / "disk"
    disk.mkdir()
    _mount(disk, mib)
    accounts.choose().own(disk)
    try:
        yield disk
    finally:
        subprocess.run(["umount", "--lazy", str(disk)], check=True)  # noqa: S603, S607  somebody may have a file open
        disk.rmdir()


@contextmanager
def _readings_on(ours: House, disk: Path) -> Iterator[None]:
    """As an operator gives a table a disk of its own."""
    with ours.connect() as conn:
        conn.execute(sql.SQL("CREATE TABLESPACE small LOCATION {}").format(sql.Literal(str(disk))))
    _put_readings(ours, "small")
    try:
        yield
    finally:
        _put_readings(ours, "pg_default")
        with ours.connect() as conn:
            conn.execute("DROP TABLESPACE small")


def _put_readings(ours: House, tablespace: str) -> None:
    to = sql.Identifier(tablespace)
    with ours.connect() as conn:
        conn.execute("TRUNCATE reading_cold_room")
        conn.execute(sql.SQL("ALTER TABLE reading_cold_room SET TABLESPACE {}").format(to))
        for (index,) in conn.execute(
            "SELECT indexname FROM pg_indexes WHERE tablename = 'reading_cold_room'"
        ).fetchall():
            conn.execute(sql.SQL("ALTER INDEX {} SET TABLESPACE {}").format(sql.Identifier(index), to))


def _fill(disk: Path) -> Path:
    """With a file; without it there is room again."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(4096))
    return ballast


def _move(folder: Path, disk: Path) -> None:
    """And a link to it, as PostgreSQL's own manual has it for a WAL on another disk."""
    there = disk / folder.name
    shutil.copytree(folder, there)
    for path in (there, *there.rglob("*")):
        accounts.choose().own(path)
        os.chmod(path, 0o700 if path.is_dir() else 0o600)  # noqa: PTH101
    shutil.rmtree(folder)
    folder.symlink_to(there)


def _use_up_the_segment(ours: House) -> None:
    with suppress(psycopg.Error), ours.connect() as conn:
        for _ in range(_SEGMENTS):
            conn.execute("CREATE TABLE IF NOT EXISTS ballast ()")
            conn.execute("SELECT pg_switch_wal()")
            conn.execute("DROP TABLE ballast")
