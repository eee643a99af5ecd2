"""A replayed file ends in a ledger that is counted from the record, and a second run changes nothing."""

import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from simulators.replay import Outcome, device_name, main
from simulators.replay_request import request_of
from tests.simulators.conftest import House

ROWS = 900
END = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(days=30)


def a_recording(folder: Path, name: str = "Old fridge (1).csv", end: datetime = END) -> Path:
    lines = ["time,power,secret"]
    for i in range(ROWS):
        at = end - timedelta(minutes=ROWS - 1 - i)
        lines.append(f"{at.isoformat()},{90 if i % 30 < 12 else 2},1")
    path = folder / name
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def replay(house: House, file: Path, *more: str) -> tuple[int, str, str]:
    command = [sys.executable, "-m", "api.cli", "replay", str(file), "--class", "refrigerator", "--api", house.api]
    ended = subprocess.run(
        [*command, "--map", "power=power_w", *more], check=False, capture_output=True, text=True, timeout=280
    )
    return ended.returncode, ended.stdout, ended.stderr


def row(shown: str, what: str) -> list[int]:
    (line,) = re.findall(rf"│ {what} +│(.*)", shown)
    return [int(number) for number in re.findall(r"\d+", line)]


@pytest.mark.engines
def test_a_replay_commits_every_row_once_and_ends_now(house: House, tmp_path: Path) -> None:
    file, begun = a_recording(tmp_path), datetime.now(UTC)
    code, shown, errors = replay(house, file)
    assert code == 0, errors
    assert row(shown, "published") == row(shown, "acknowledged") == [ROWS]
    assert row(shown, "committed") == [ROWS, ROWS]
    assert row(shown, "refused") == [0, 0]
    device_id = next(device["device_id"] for device in house.get("/api/devices")["devices"])
    assert re.fullmatch(r"Old-fridge-1-[0-9a-f]{8}", device_id)
    ledger = house.get(f"/api/devices/{device_id}/ledger")
    assert (
        begun - timedelta(minutes=2) < datetime.fromisoformat(ledger["to"]) < datetime.now(UTC) + timedelta(minutes=2)
    )

    code, shown, errors = replay(house, file, "--speed", "1000000")
    assert code == 0, errors
    assert row(shown, "committed") == [0, ROWS]
    assert row(shown, "already there") == [ROWS]
    assert house.get(f"/api/devices/{device_id}/ledger") == ledger

    code, _, errors = replay(house, file, "--tz", "Asia/Shanghai")
    assert (code, len(errors.splitlines())) == (1, 1)
    assert "was replayed before with another --class, --tz or --region" in errors

    code, shown, errors = replay(house, file, "--keep-time", "--device", "kept-time")
    assert code == 0, errors
    assert datetime.fromisoformat(house.get("/api/devices/kept-time/ledger")["to"]) == END


def test_a_device_is_named_after_its_file_and_content() -> None:
    assert device_name(Path("/x/Küche 2.csv"), "ab" * 32) == "K-che-2-abababab"
    assert device_name(Path("/x/冰箱.csv"), "ab" * 32) == "recording-abababab"


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (("--class", "toaster"), "no class 'toaster'; there are: air_conditioner, cold_room,"),
        (("--map", "power=watts"), "refrigerator has no metric 'watts'; it has: cabinet_temp_c,"),
        (("--map", "power"), "--map 'power' is not COLUMN=METRIC."),
        (("--delimiter", "a["), "--delimiter 'a[' is neither one character nor auto."),
        (("--map", "volts=power_w"), "has no column 'volts'; it has: time, power, secret."),
        (("--api", "http://127.0.0.1:9"), "is Foremend running (make up), and is that its address (--api)?"),
        (("--api", "nonsense"), "(--api)?"),
        (("--speed", "0"), "--speed must be above 0"),
        (("--sped", "2"), "unrecognized arguments: --sped 2"),
    ],
)
def test_what_was_asked_wrongly_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], more: tuple[str, ...], words: str
) -> None:
    file = a_recording(tmp_path)
    asked = {"--class": "refrigerator", "--map": "power=power_w", more[0]: more[1]}
    assert main([str(file), *(word for pair in asked.items() for word in pair)]) == 1
    said = capsys.readouterr().err
    assert words in said
    assert len(said.splitlines()) == 1


def test_columns_that_are_called_as_metrics_need_no_map(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "fridge.csv"
    file.write_text("\ufeffts; power_w ;cabinet_temp_c;secret\n1772323200000;96;4,1;x\n", encoding="utf-8")
    assert request_of([str(file), "--class", "refrigerator"]).metrics == {
        "power_w": "power_w",
        "cabinet_temp_c": "cabinet_temp_c",
    }
    file.write_text("time,power\n1772323200000,96\n")
    assert main([str(file), "--class", "refrigerator"]) == 1
    said = capsys.readouterr().err
    assert "no column of fridge.csv is called as a metric of refrigerator is" in said
    assert "--map COLUMN=METRIC. It has: time, power; metrics: cabinet_temp_c," in said
    assert main([str(tmp_path / "none.csv"), "--class", "refrigerator"]) == 1
    assert "No such file" in capsys.readouterr().err


def test_a_recording_that_is_older_than_readings_are_kept_is_not_sent_at_its_own_time(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = a_recording(tmp_path, end=END - timedelta(days=400))
    assert main([str(file), "--class", "refrigerator", "--map", "power=power_w", "--keep-time"]) == 1
    (said,) = capsys.readouterr().err.splitlines()
    assert "a refrigerator keeps readings for 400 days; leave --keep-time out" in said


def test_a_ledger_that_does_not_add_up_is_seen() -> None:
    before = {"committed": 0, "refused": 0, "findings": 0, "alerts": 0}
    whole = {"device_id": "a", "published": 10, "acknowledged": 10, "before": before}
    assert Outcome(**whole, there=0, after={**before, "committed": 9, "refused": 1}).adds_up
    assert Outcome(**whole, there=10, after=before).adds_up
    assert not Outcome(**whole, there=0, after={**before, "committed": 9}).adds_up
    assert not Outcome(**{**whole, "acknowledged": 9}, there=1, after={**before, "committed": 9}).adds_up
