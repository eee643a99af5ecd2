"""A new class is a file and nothing else, wherever it lies: its readings are kept, flagged, watched and labelled."""

from pathlib import Path

import numpy as np
import pytest

from api import schema
from detectors.engine import Engine
from detectors.model import Claim
from detectors.regimes import REGIMES, label
from devices import catalogue
from devices.model import Catalogue
from ingest import history
from ingest.decode import decode
from ingest.directory import Directory
from ledger import scope
from ledger.model import Scope
from tests.conftest import Database
from tests.ingest.builders import NOW_MS, a_message, a_reading
from tests.ingest.record import register

SUBJECT = "log.7.demo.cellar-1.up.telemetry"
WINE = """
class_id = "wine_cabinet"
cadence_s = 300
title = { en = "Wine cabinet", zh = "酒柜" }

[[metrics]]
name = "bottle_temp_c"
unit = "°C"
low = -10.0
high = 50.0
title = { en = "Bottle temperature", zh = "酒瓶温度" }

[[metrics]]
name = "power_w"
unit = "W"
low = 0.0
high = 500.0
title = { en = "Power", zh = "功率" }

[[regimes]]
regime = "running"
when = [{ metric = "power_w", above = 20.0 }]

[[levels]]
metric = "bottle_temp_c"
family = "cooling_weak"
min_shift = 2.0
hold_s = 7200
clear_hold_s = 3600

[[families]]
family_id = "cooling_weak"
severity = "minor"
skill = "refrigeration"
parts = [{ en = "door gasket", zh = "门封条" }]
title = { en = "Weak cooling", zh = "制冷不足" }
"""


@pytest.fixture
def classes(tmp_path: Path) -> Catalogue:
    (tmp_path / "wine_cabinet.toml").write_text(WINE, encoding="utf-8")
    return catalogue.load(own=tmp_path)


@pytest.mark.engines
def test_a_file_makes_a_class_whose_readings_are_kept_flagged_watched_and_labelled(
    database: Database, classes: Catalogue
) -> None:
    wine, seconds = classes["wine_cabinet"], 300
    at_ms = [NOW_MS - n * seconds * 1000 for n in range(600, 0, -1)]
    readings = [
        a_reading(ts_ms, bottle_temp_c=12.0 if n < 400 else 18.0, power_w=60.0 if n else 900.0, corks=n)
        for n, ts_ms in enumerate(at_ms)
    ]
    with database.connect() as owner:
        schema.apply(owner, classes)
        (device_no,) = register(owner, ("demo", "cellar-1", "wine_cabinet"))
    messages = [a_message(readings[n : n + 300], seq=n + 1)._replace(subject=SUBJECT) for n in (0, 300)]
    with database.connect("foremend_worker", autocommit=False) as conn:
        decoded = decode(messages, Directory(classes).sources(conn, messages), classes)
        kept = history.keep(conn, classes, decoded.batches, decoded.refusals)
    with database.connect("foremend_api", autocommit=False) as conn:
        scope.enter(conn, Scope(tenant_id="demo", actor="test"))
        window = history.window(conn, wine, device_no, wine.metric_names, at_ms[0], at_ms[-1])
        newest = history.newest(conn, wine, device_no)
    assert (kept.refusals, [len(batch) for batch in kept.new]) == ([], [600])
    assert kept.new[0].flags.tolist() == [2, *[0] * 599], "the power that its sensor cannot say"
    assert window.high[-1].tolist() == [18.0, 60.0]
    assert newest is not None
    assert newest.extra == {"corks": 599}
    labels = label(wine, np.zeros(600, np.int64), window.ts_ms, window.high)
    assert {REGIMES[each] for each in labels} == {"running"}
    (finding,) = Engine(classes).observe(kept.new).findings
    assert (finding.device_no, finding.rule, finding.claim) == (device_no, "level:bottle_temp_c", Claim.RAISED)
