"""The command line: quick to start, one sentence when it cannot, and processes that do not live on half dead."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from api.cli._options import HERE, Api
from api.engines import account, folder

_ROOT = Path(__file__).parents[2]
_SETTINGS = {"FOREMEND_DSN": "host=/nowhere", "FOREMEND_NATS_URL": "nats://house:geheim@127.0.0.1:1"}


def _foremend(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "api.cli", *map(str, arguments)],
        cwd=_ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_every_command_explains_itself() -> None:
    done = _foremend("--help")
    assert done.returncode == 0
    assert {"up", "clean"} <= set(done.stdout.split())


def test_a_taken_port_is_one_sentence_and_no_traceback(tmp_path: Path, engines_folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = _foremend("up", "--data", engines_folder / "taken", "--http-port", port)
    assert done.returncode == 1
    assert done.stderr.strip() == (
        f"foremend: port {port} is taken on this machine; choose another one with --http-port PORT"
    )


def test_a_command_of_two_words_says_which_there_are_and_begins_nothing_by_itself() -> None:
    asked = _foremend("fleet")
    assert asked.returncode == 2
    assert {"run", "generate"} <= set((asked.stdout + asked.stderr).split())
    assert "usage: foremend fleet run" in _foremend("fleet", "run", "--help").stdout


@pytest.mark.parametrize("command", ["worker", "migrate"])
def test_a_setting_that_is_missing_or_wrong_is_one_sentence_and_says_no_secret(
    command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FOREMEND_CREDENTIAL_KEY", "geheim")
    monkeypatch.setenv("FOREMEND_LANGUAGE", "klingon")
    done = _foremend(command)
    assert done.returncode == 1
    assert done.stderr.startswith("foremend: FOREMEND_DSN is missing; FOREMEND_CREDENTIAL_KEY: ")
    assert "; FOREMEND_LANGUAGE: " in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert "geheim" not in done.stderr


def test_clean_removes_a_data_folder_and_nothing_else(engines_folder: Path, tmp_path: Path) -> None:
    ours, theirs = engines_folder / "ours", tmp_path / "theirs"
    for each in (ours, theirs):
        each.mkdir()
        (each / "something").touch()
    (ours / "foremend.lock").touch()
    assert _foremend("clean", "--data", ours).returncode == 0
    refused = _foremend("clean", "--data", theirs)
    assert refused.returncode == 1
    assert "not a data folder of Foremend" in refused.stderr
    assert not ours.exists()
    assert (theirs / "something").exists()


def test_asking_for_one_command_does_not_load_the_others() -> None:
    code = (
        "import sys; sys.argv = ['foremend', 'clean', '--help']\n"
        "from api.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print('heavy:', sorted({'psycopg', 'fastapi', 'numpy', 'rich.progress'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=_ROOT, capture_output=True, text=True, check=True, timeout=120
    )
    assert "heavy: []" in done.stdout


def _process(work: str, tmp_path: Path) -> subprocess.Popen[str]:
    code = f"import threading, time\nfrom api.cli import _process\n{work}\n_process.run('trial', work)"
    env = {**os.environ, **_SETTINGS, "FOREMEND_LOG_FILE": str(tmp_path / "log.json")}
    return subprocess.Popen([sys.executable, "-c", code], cwd=_ROOT, env=env, text=True)


def test_a_signal_ends_a_process_of_ours_in_its_own_time(tmp_path: Path) -> None:
    process = _process("def work(settings, stop): stop.wait()", tmp_path)
    while not (tmp_path / "log.json").exists() or "started" not in (tmp_path / "log.json").read_text():
        time.sleep(0.02)
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 0


def test_a_signal_in_the_midst_of_a_wait_for_it_ends_the_process_too(tmp_path: Path) -> None:
    """Whoever waits for an event holds its lock for a moment, before and after it sleeps."""
    midst = "def work(settings, stop):\n    with stop._cond: signal.raise_signal(signal.SIGTERM)\n    stop.wait()"
    process = _process(f"import signal\n{midst}", tmp_path)
    try:
        assert process.wait(60) == 0
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize(
    "work",
    [
        "def work(settings, stop): raise ValueError('broken')",
        "def work(settings, stop):\n    threading.Thread(target=lambda: 1 / 0).start()\n    stop.wait()",
        "def work(settings, stop):\n    threading.Thread(target=lambda: 1 / 0).start()\n    time.sleep(60)",
    ],
    ids=["itself", "a side task", "a side task while nobody looks at stop"],
)
def test_an_error_in_whichever_thread_ends_the_process_and_is_in_its_log(work: str, tmp_path: Path) -> None:
    process = _process(work, tmp_path)
    assert process.wait(60) == 1
    log = (tmp_path / "log.json").read_text()
    assert "died" in log
    assert "geheim" not in log


def test_a_command_finds_the_house_of_its_folder_unless_it_is_told_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = typer.Typer()
    app.command()(_echoes_where)
    monkeypatch.setattr(account, "default_data", lambda _: tmp_path)

    def asked(*words: str) -> str:
        return CliRunner().invoke(app, words).output.strip()

    assert asked() == HERE
    with folder.answering(tmp_path, "http://127.0.0.1:8081"):
        assert asked() == "http://127.0.0.1:8081"
        assert asked("--api", HERE) == HERE
        monkeypatch.setenv("FOREMEND_API", "http://127.0.0.1:8082")
        assert asked() == "http://127.0.0.1:8082"
        monkeypatch.delenv("FOREMEND_API")
    assert asked() == HERE


def _echoes_where(api: Api = HERE) -> None:
    typer.echo(api)
