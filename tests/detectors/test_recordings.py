"""Real refrigerators, a reading a minute: six normal days, then three with a malfunction. Nothing is tuned on them."""

import csv
import os
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest

from detectors.engine import Engine
from detectors.model import Finding
from tests.conftest import need
from tests.detectors.builders import CATALOGUE, a_batch, cut, observe

ROOT = Path(__file__).parents[2]
FOLDER = Path(os.environ.get("FOREMEND_RECORDINGS", ROOT.parent / "shared" / "data" / "recordings"))

pytestmark = pytest.mark.recordings


def findings_of(name: str) -> tuple[list[Finding], int]:
    """What was found with only the power known, and when the malfunction begins."""
    file = FOLDER / name
    need(file.is_file(), f"no recording at {file}; FOREMEND_RECORDINGS names their folder")
    with file.open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    log = a_batch([("power_w", np.array([float(row["power_w"]) for row in rows]))], array=400)
    log.ts_ms[:] = [int(datetime.fromisoformat(row["time"]).timestamp() * 1000) for row in rows]
    onset_ms = next(int(ts_ms) for ts_ms, row in zip(log.ts_ms, rows, strict=True) if row["label"] != "0")
    return observe(Engine(CATALOGUE), cut(log, range(4000, len(log), 4000))), onset_ms


def claims(findings: list[Finding], begin_ms: int, end_ms: float) -> list[str]:
    return [finding.claim.value for finding in findings if begin_ms <= finding.at_ms < end_ms]


def test_a_faulty_compressor_is_raised_in_the_ill_days_and_stays() -> None:
    findings, onset_ms = findings_of("fridge_1_faulty_compressor.csv")
    assert claims(findings, 0, onset_ms).count("RAISED") <= 1
    assert claims(findings, onset_ms, np.inf)[-1:] == ["RAISED"]
    last = findings[-1]
    assert (last.rule, last.evidence["measure"]) == ("on_time:power_w", "on_min")
    assert last.observed > last.evidence["band"][1]


@pytest.mark.parametrize(
    "name", ["fridge_1_damaged_door_seals.csv", "fridge_2_damaged_door_seals.csv", "fridge_2_faulty_compressor.csv"]
)
def test_normal_days_of_other_recordings_raise_at_most_once(name: str) -> None:
    findings, onset_ms = findings_of(name)
    normal = claims(findings, 0, onset_ms)
    assert normal.count("RAISED") <= 1
    assert normal.count("RAISED") == normal.count("CLEARED"), "and what was raised was taken back"
