"""`foremend catalogue`, and a start that a bad row stops with its file, line and reason."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from api.doctor import around
from api.doctor.setup import Setup
from api.engines.plan import Plan
from api.migrate import migrate
from api.settings import Settings
from api.watch.checks import State
from devices.errors import CatalogueError
from tests.devices.test_own_file import OWN

_ROOT = Path(__file__).parents[2]


def foremend(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "api.cli", *map(str, arguments)],
        cwd=_ROOT,
        env={**os.environ, "COLUMNS": "200", **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_check_says_every_fault_and_show_shows_what_holds(tmp_path: Path) -> None:
    good, bad = tmp_path / "good.toml", tmp_path / "bad.toml"
    good.write_text(OWN, encoding="utf-8")
    bad.write_text(
        OWN.replace("low = 0.0", "low = 0.0\nhigher = 5").replace('unit = "kg"', "unit = 5"), encoding="utf-8"
    )
    assert foremend("catalogue", "check", good).stdout == f"nothing is wrong with {good}\n"
    refused = foremend("catalogue", "check", bad)
    assert refused.returncode == 1
    lines = refused.stderr.splitlines()
    assert lines[0].startswith(f"{bad}:17: metrics[0] (shelf_kg): unit must be a text of one line")
    assert lines[1].startswith(f"{bad}:19: metrics[0] (shelf_kg): has no key 'higher'; did you mean 'high'?")
    shown = foremend("catalogue", "show", "refrigerator", FOREMEND_CATALOGUE=str(good), FOREMEND_TENANT="acme").stdout
    assert "shelf_kg" in shown
    assert "power_w on_above 45" in shown
    assert "shift of 2.5" in shown


def test_nothing_starts_with_a_bad_row(tmp_path: Path, engines_folder: Path) -> None:
    bad = tmp_path / "bad.toml"
    bad.write_text(OWN.replace('"refrigerator"', '"fridge"', 1), encoding="utf-8")
    told = {"FOREMEND_CATALOGUE": str(bad), "FOREMEND_DSN": "host=/nowhere"}
    reason = "no appliance class 'fridge'"
    up = foremend("up", "--data", engines_folder / "none", **told)
    assert up.returncode == 1
    assert up.stderr.startswith(f"foremend: {bad}:5: settings[0].class_id: {reason}")
    assert not (engines_folder / "none" / "postgres").exists()
    with pytest.raises(CatalogueError, match=reason):
        migrate(Settings(dsn="host=/nowhere", catalogue=bad), None)
    worker = foremend("worker", **told)
    (line,) = [json.loads(line) for line in worker.stderr.splitlines() if "bad row" in line]
    assert (worker.returncode, line["file"], line["line"]) == (1, str(bad), 5)


def test_the_doctor_says_that_a_row_is_bad_and_where(tmp_path: Path) -> None:
    good, bad = tmp_path / "good.toml", tmp_path / "bad.toml"
    good.write_text(OWN, encoding="utf-8")
    bad.write_text(OWN.replace('"refrigerator"', '"fridge"', 1), encoding="utf-8")
    setups = [Setup(settings=Settings(dsn="", catalogue=file), embedded=tmp_path) for file in (good, bad)]
    found = [{check.name: check for check in around.examine(setup)} for setup in setups]
    assert found[0]["catalogue"].state is State.OK
    assert "1 models of FOREMEND_CATALOGUE" in found[0]["catalogue"].sentence
    assert found[1]["catalogue"].state is State.FAILED
    assert f"{bad}:5: settings[0].class_id: no appliance class 'fridge'" in found[1]["catalogue"].sentence


def test_a_path_is_the_callers_wherever_the_processes_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    ports = {"http_port": 1, "mqtt_port": 2, "nats_port": 3}
    plan = Plan(data=tmp_path, checkout=_ROOT, base_url="", lan=False, fleet=None, **ports)
    told = plan.house_environment({"FOREMEND_CATALOGUE": "own.toml"}, "worker", dsn="", nats_url="")
    assert told["FOREMEND_CATALOGUE"] == str(tmp_path / "own.toml")
