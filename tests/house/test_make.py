"""`make up` on a machine that lacks something: one sentence that names the option, before anything is made."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.conftest import need

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("target", ["up", "test"])
@pytest.mark.parametrize(
    ("lacks", "said"),
    [("ensurepip", "no venv module; on Debian or Ubuntu: apt-get install python3-venv"), ("version", "3.11 or newer")],
)
def test_a_python_that_will_not_do_is_one_sentence_and_an_exit_code(
    tmp_path: Path, lacks: str, said: str, target: str
) -> None:
    need(shutil.which("make"), "make is not there")
    python = tmp_path / "python-that-lacks"
    python.write_text(f'#!/bin/sh\ncase "$*" in *{lacks}*) exit 1;; esac\n')
    python.chmod(0o755)
    done = subprocess.run(
        ["make", target, f"PYTHON={python}", f"VENV={tmp_path / 'venv'}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode != 0
    sentence, *rest = done.stderr.splitlines()
    assert said in sentence
    assert "make up PYTHON=" in sentence
    assert [line for line in rest if not line.startswith("make")] == []
    assert not (tmp_path / "venv").exists()
