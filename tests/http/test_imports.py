"""Files of devices over HTTP and by command: a dry run tells and keeps nothing, the faults come as a file."""

import csv
import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
import typer
from starlette.testclient import TestClient
from typer.testing import CliRunner, Result

from api.cli import devices as commands
from api.http import guard
from devices.imports.lines import Table
from tests.conftest import Database
from tests.http.scene import events

ROWS = ("f1,refrigerator,F,1,Ann,+49 30 12345", "bad id,toaster,F,2,,", "f3,refrigerator,F,3,,")
FILE = "\n".join(("id,class,model,serial,name,phone", *ROWS, ""))


def post(client: TestClient, text: str, *, dry_run: bool = False, **headers: str) -> Any:
    said = {"content-type": "text/csv", **{name.replace("_", "-"): value for name, value in headers.items()}}
    return client.post("/api/imports", content=text.encode(), headers=said, params={"dry_run": dry_run})


def test_a_dry_run_tells_what_would_happen_and_keeps_nothing(client: TestClient, database: Database) -> None:
    dry = post(client, FILE, dry_run=True).json()
    assert (dry["created"], dry["refused"], dry["rows"], dry["dry_run"]) == (2, 1, 3, True)
    assert client.get("/api/devices").json()["devices"] == []
    assert events(database, "devices.imported") == []
    real = post(client, FILE).json()
    assert {**real, "dry_run": True} == dry
    assert [each["device_id"] for each in client.get("/api/devices").json()["devices"]] == ["f1", "f3"]
    assert [each["data"]["created"] for each in events(database, "devices.imported")] == [2]
    metrics = client.get("/metrics").text
    assert 'foremend_imported_rows_total{outcome="created"} 2.0' in metrics, "the dry run is not counted"
    assert 'foremend_devices_registered{state="made"} 1.0' in metrics
    changed = post(client, FILE.replace("F,3", "G,3"), dry_run=True).json()
    expected = {"row": 4, "device_id": "f3", "columns": {"model": {"was": "F", "now": "G"}}}
    assert (changed["updated"], changed["changes"]) == (1, [expected])


def test_a_fault_says_row_column_and_what_to_do_in_the_readers_language(client: TestClient) -> None:
    (one, other) = post(client, FILE, dry_run=True).json()["faults"]
    assert (one["row"], one["column"], one["code"]) == (3, "device_id", "BAD_ID")
    assert other["detail"].startswith("There is no such class. There are: ")
    answer = post(client, FILE, dry_run=True, accept="text/csv", accept_language="zh")
    assert "attachment" in answer.headers["content-disposition"]
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert [row["row"] for row in rows] == ["3", "3"]
    assert rows[1]["detail"].startswith("没有这个品类")


def test_a_spreadsheet_runs_nothing_of_a_file_of_faults(client: TestClient, run: Any, tmp_path: Path) -> None:
    hostile = "id,class,model,serial\n=cmd|' /C calc'!A0,freezer,F,1\n"
    file, faults = tmp_path / "in.csv", tmp_path / "faults.csv"
    file.write_text(hostile)
    run("import", str(file), "--faults", str(faults))
    told = post(client, hostile, accept="text/csv").content.decode("utf-8-sig")
    for text in (told, faults.read_text(encoding="utf-8-sig")):
        rows = list(csv.DictReader(io.StringIO(text)))
        assert [row["value"] for row in rows] == ["'=cmd|' /C calc'!A0"]
        assert not [cell for row in rows for cell in row.values() if cell.startswith("=")]


def test_a_file_that_is_none_is_refused_whole(client: TestClient) -> None:
    answer = post(client, "id,class\n1,2\n")
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:foremend:problem:not-importable")
    assert "model, serial" in answer.json()["detail"]


def test_a_file_that_is_too_large_is_refused_before_it_is_read(
    doorway: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Table, "__init__", lambda *_: pytest.fail("it was read"))
    assert post(doorway, "", content_length=str(guard.IMPORT_BYTES + 1)).status_code == 413


@pytest.fixture
def run(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The command line beside the running house."""

    def request(method: str, url: str, *, timeout: float, trust_env: bool, **more: Any) -> Any:
        return client.request(method, url, **more)

    @contextmanager
    def stream(method: str, url: str, *, timeout: float, trust_env: bool, **more: Any) -> Iterator[Any]:
        with client.stream(method, url, **more) as answer:
            yield answer

    monkeypatch.setattr(httpx2, "request", request)
    monkeypatch.setattr(httpx2, "stream", stream)
    app = typer.Typer()
    commands.register(app)

    def run(*words: str) -> Result:
        return CliRunner().invoke(app, ["devices", *words])

    return run


def test_the_command_imports_tells_faults_and_exports_what_comes_in_again(run: Any, tmp_path: Path) -> None:
    file, faults, out = tmp_path / "in.csv", tmp_path / "faults.csv", tmp_path / "out.csv"
    file.write_text(FILE)
    dry = run("import", str(file), "--dry-run")
    assert (dry.exit_code, "dry run, nothing was changed: 3 rows: 2 created" in dry.output) == (1, True)
    assert "row 3, device_id: bad id cannot stand in a topic" in dry.output
    assert "1 refused" in run("import", str(file), "--faults", str(faults)).output
    assert len(faults.read_text(encoding="utf-8-sig").splitlines()) == 3
    assert "2 devices" in run("export", str(out)).output
    again = run("import", str(out))
    assert (again.exit_code, "2 rows: 0 created, 0 updated, 2 unchanged, 0 refused" in again.output) == (0, True)
    missing = run("import", str(tmp_path / "nowhere.csv"))
    assert (missing.exit_code, "cannot be read" in missing.output) == (1, True)


def test_the_commands_move_devices_and_say_what_is_not_possible(run: Any, tmp_path: Path) -> None:
    file = tmp_path / "in.csv"
    file.write_text(FILE.replace("bad id,toaster", "f2,refrigerator"))
    run("import", str(file))
    assert run("list", "--state", "MADE").output.split("\n")[0].startswith("f2\tMADE\trefrigerator")
    assert run("retire", "f3", "--reason", "scrapped").output == "f3: MADE -> RETIRED\n"
    refused = run("retire", "f3")
    assert (refused.exit_code, "allowed: ACTIVE, RESOLD, REPLACED" in refused.output) == (1, True)
    assert run("activate", "f3").output == "f3: RETIRED -> ACTIVE\n"
    assert run("resell", "f1").output == "f1: CLAIMED -> RESOLD\n"
    assert run("place", "f2", "--gateway", "f1", "--site", "Mill 3").output == "f2: gateway f1, site Mill 3\n"
    assert run("replace", "f2", "f3").output == "f2: MADE -> REPLACED\n"
    shown = run("show", "f3").output
    assert "Mill 3" in shown
    assert "CLAIMED, RESOLD, RETIRED, REPLACED" in shown
    assert "no device 'nobody'" in run("show", "nobody").output
