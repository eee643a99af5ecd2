"""A real refrigerator through the whole house: six normal days, then three with a faulty compressor."""

import csv
import os
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import need
from tests.road.conftest import House, Up

ROOT = Path(__file__).parents[2]
FOLDER = Path(os.environ.get("FOREMEND_RECORDINGS", ROOT.parent / "shared" / "data" / "recordings"))
FILE = FOLDER / "fridge_1_faulty_compressor.csv"


def rows() -> list[dict[str, str]]:
    with FILE.open(newline="") as lines:
        return list(csv.DictReader(lines))


def replay(house: House) -> None:
    command = [sys.executable, "-m", "api.cli", "replay", str(FILE), "--class", "refrigerator", "--api", house.url]
    subprocess.run([*command, "--map", "power_w=power_w"], check=True, timeout=280, stdout=subprocess.DEVNULL)


def days_from_the_end(said: list[dict[str, str]]) -> float:
    """How long before the recording's end the malfunction began."""
    times = [datetime.fromisoformat(row["time"]) for row in said]
    onset = next(at for at, row in zip(times, said, strict=True) if row["label"] != "0")
    return (times[-1] - onset).total_seconds() / 86_400


def ill(alert: dict[str, Any], ledger: dict[str, Any], ill_days: float) -> bool:
    """Noticed in the days in which the malfunction was there; the recording was shifted to end now."""
    ends, noticed = (datetime.fromisoformat(text) for text in (ledger["to"], alert["last_seen"]))
    return bool((ends - noticed).total_seconds() < ill_days * 86_400)


@pytest.mark.slow
@pytest.mark.recordings
@pytest.mark.engines
@pytest.mark.timeout(900)
def test_every_row_of_a_real_refrigerator_is_committed_once_and_its_illness_is_noticed(up: Up) -> None:
    need(FILE.is_file(), f"no recording at {FILE}; FOREMEND_RECORDINGS names their folder")
    said = rows()
    house = up("--devices", "1", "--days", "1", "--fleet-fault", "none")
    replay(house)
    (device_id,) = (
        device["device_id"]
        for device in house.get("/api/devices")["devices"]
        if device["device_id"].startswith(FILE.stem)
    )
    ledger = house.get(f"/api/devices/{device_id}/ledger")
    assert (ledger["committed"], ledger["refused"], ledger["refused_metrics"]) == (len(said), 0, 0)

    alerts = [alert for alert in house.get("/api/alerts")["alerts"] if alert["device_id"] == device_id]
    sick = [alert for alert in alerts if ill(alert, ledger, days_from_the_end(said))]
    assert len(sick) >= 1
    assert len(alerts) - len(sick) <= 1

    replay(house)
    assert house.get(f"/api/devices/{device_id}/ledger") == ledger, "a second run commits nothing"
