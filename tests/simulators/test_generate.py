"""A generated fleet: files that say what happened, and the truth beside them."""

import json
import sys
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from devices import catalogue
from simulators import generate
from simulators.incidents import NONE
from simulators.kinds import KINDS
from simulators.mix import DAY_MS, Mix, MixError, Share, draw, load

CLASSES = catalogue.load()
START_MS = generate.start_ms_of(generate.START)

MIX = """
[classes]
refrigerator = 2
cold_room = 1

[[faults]]
name = "evaporator_fan_stopped"
share = 0.34
onset_day = [1, 1]

[places]
singapore = 1

[nuisances]
clock_steps = 0
clock_forgets = 0
"""


@pytest.fixture
def mix(tmp_path: Path) -> Path:
    path = tmp_path / "mix.toml"
    path.write_text(MIX)
    return path


def test_the_files_hold_every_reading_and_the_truth_about_every_unit(tmp_path: Path, mix: Path) -> None:
    out = tmp_path / "fleet"
    assert generate.main(["--devices", "6", "--days", "2", "--faults", str(mix), "--seed", "3", "--out", str(out)]) == 0
    truth = json.loads((out / "truth.json").read_text())
    units = {unit["device_id"]: unit for unit in truth["units"]}
    assert len(units) == 6
    assert {path.name for path in out.iterdir()} == {"cold_room.csv", "refrigerator.csv", "truth.json"}
    for class_id, count in (("refrigerator", 4), ("cold_room", 2)):
        rows = pd.read_csv(out / f"{class_id}.csv")
        assert tuple(rows.columns) == ("device_id", "ts", "received_ms", *CLASSES[class_id].metric_names)
        assert set(rows.device_id) == {name for name, unit in units.items() if unit["class_id"] == class_id}
        assert rows.device_id.nunique() == count
        assert 0.9 * 2 * 1440 * count < len(rows) <= 2 * 1440 * count
        assert (rows.groupby("device_id").ts.diff().dropna() > 0).all()
    ill = [unit["fault"] for unit in units.values() if unit["fault"]]
    assert [fault["name"] for fault in ill] == ["evaporator_fan_stopped"] * 2
    for fault in ill:
        assert fault["onset_ms"] == START_MS + DAY_MS
        assert fault["onset_ms"] < fault["functional_failure_ms"] < START_MS + 2 * DAY_MS
        assert fault["severity_by_hour"][:24] == [0.0] * 24
        assert fault["severity_by_hour"][26:] == [1.0] * 22


def test_the_same_seed_gives_the_same_files_and_another_one_others(tmp_path: Path, mix: Path) -> None:
    said = []
    for name, seed in (("first", 3), ("again", 3), ("other", 4)):
        generate.generate(load(mix), 3, 1, seed, tmp_path / name)
        said.append([path.read_bytes() for path in sorted((tmp_path / name).iterdir())])
    assert said[0] == said[1]
    assert said[0] != said[2]


def test_parquet_says_what_csv_says_with_a_row_group_for_each_day(tmp_path: Path, mix: Path) -> None:
    for form in ("csv", "parquet"):
        generate.generate(load(mix), 3, 2, 3, tmp_path / form, form=form)
    said = pd.read_csv(tmp_path / "csv/refrigerator.csv")
    packed = pd.read_parquet(tmp_path / "parquet/refrigerator.parquet")
    pd.testing.assert_frame_equal(packed.astype({"device_id": said.device_id.dtype}), said, check_exact=True)
    assert pq.ParquetFile(tmp_path / "parquet/refrigerator.parquet").num_row_groups == 2
    assert packed.isna().to_numpy().any(), "a sensor without a word is null"


def test_without_pyarrow_parquet_is_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    assert generate.main(["--devices", "1", "--days", "1", "--format", "parquet", "--out", str(tmp_path)]) == 1
    assert "foremend[research]" in capsys.readouterr().err


def test_the_calendar_decides_the_season(tmp_path: Path) -> None:
    mix = Mix(classes={"refrigerator": 1.0}, places={"shanghai": 1.0})
    rooms = {}
    for month in (1, 7):
        out = tmp_path / str(month)
        generate.generate(mix, 1, 1, 3, out, start=date(2025, month, 20))
        rooms[month] = pd.read_csv(out / "refrigerator.csv").ambient_temp_c.mean()
        weather = json.loads((out / "truth.json").read_text())["places"]["shanghai"]["mean_of_day_c"]
        assert len(weather) == 1
    assert rooms[7] > rooms[1] + 3


def test_a_fault_befalls_its_share_and_nobody_twice() -> None:
    shares = (
        Share(name="refrigerant_leak", share=0.1, onset_day=(5.0, 20.0), ramp_h=(24.0, 240.0), strength=(0.6, 1.0)),
        Share(name="compressor_wear", share=0.25, onset_day=(0.0, 1.0)),
    )
    made = draw(Mix(classes=dict.fromkeys(KINDS, 1.0), faults=shares), CLASSES, 200, 1, 0, 30)
    names = [each.fault.name if each.fault else "" for each in made]
    assert [names.count(name) for name in ("refrigerant_leak", "compressor_wear", "")] == [20, 50, 130]
    leaks = [each.fault for each in made if each.fault and each.fault.name == "refrigerant_leak"]
    assert all(5 * DAY_MS <= fault.onset_ms <= 20 * DAY_MS for fault in leaks)
    assert all(24 <= fault.ramp_s / 3600 <= 240 and 0.6 <= fault.strength <= 1 for fault in leaks)
    assert len(np.unique([fault.onset_ms for fault in leaks])) == len(leaks)
    assert len({each.unit.seed for each in made}) == 200


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[classes]\ntoaster = 1", "toaster"),
        ("[classes]\nrefrigerator = -1", "no share"),
        ('[[faults]]\nname = "gremlins"\nshare = 0.1\nonset_day = [1, 2]', "gremlins"),
        ('[[faults]]\nname = "compressor_wear"\nshare = 2\nonset_day = [1, 2]', "share"),
        ('[[faults]]\nname = "compressor_wear"\nshare = 0.1', "onset_day"),
        ('[[faults]]\nname = "compressor_wear"\nshare = 0.1\nonset_day = [2, 1]', "onset_day"),
        ('[[faults]]\nname = "compressor_wear"\nshare = 0.1\nonset_day = [1, 2]\nstrength = [0, 3]', "strength"),
        ('[[faults]]\nname = "compressor_wear"\nshare = 0.1\nonset_day = [1, 2]\nsince = 4', "since"),
        ("[places]\natlantis = 1", "atlantis"),
        ("[nuisances]\ngremlins = 1", "gremlins"),
        ("[nuisances]\nreplaced = -1", "no rate"),
        ("fleet = 4", "fleet"),
        ("[classes", "mix.toml"),
        (f"classes = {'9' * 5000}", "mix.toml"),
        (f"classes = {'[' * 2000}{']' * 2000}", "mix.toml"),
        (f"[classes]\nrefrigerator = {10**400}", "no share"),
        ("classes = 3", "no table"),
        ("faults = 3", "no table"),
        ("faults = [3]", "no table"),
        ("[classes]\nrefrigerator = nan", "no share"),
        ("[classes]\nrefrigerator = true", "no share"),
        ("[nuisances]\noffline = inf", "no rate"),
        ("[nuisances]\noffline = 1e9", "no rate"),
    ],
)
def test_a_mix_that_cannot_be_is_a_sentence_with_its_place(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "mix.toml"
    path.write_text(text)
    with pytest.raises(MixError, match=said):
        load(path)
    assert generate.main(["--faults", str(path), "--out", str(tmp_path / "out")]) == 1
    assert not (tmp_path / "out").exists()


def test_a_machine_that_leaks_has_failed_although_nothing_is_too_warm(tmp_path: Path) -> None:
    share = Share(name="water_leak", share=1.0, onset_day=(0.5, 0.5))
    mix = Mix(classes={"water_heater": 1.0}, faults=(share,), nuisances=NONE)
    generate.generate(mix, 3, 2, 1, tmp_path)
    for unit in json.loads((tmp_path / "truth.json").read_text())["units"]:
        fault = unit["fault"]
        assert fault["onset_ms"] < fault["functional_failure_ms"] < fault["onset_ms"] + DAY_MS


def test_an_overcharge_comes_with_a_service_that_switched_the_unit_off(tmp_path: Path) -> None:
    share = Share(name="overcharged", share=0.5, onset_day=(0.4, 0.6))
    generate.generate(Mix(classes={"refrigerator": 1.0}, faults=(share,), nuisances=NONE), 4, 1, 1, tmp_path)
    rows = pd.read_csv(tmp_path / "refrigerator.csv").set_index("device_id")
    for unit in json.loads((tmp_path / "truth.json").read_text())["units"]:
        services = [each for each in unit["happened"] if each["name"] == "service"]
        assert len(services) == (unit["fault"] is not None)
        for service in services:
            assert service["until_ms"] == unit["fault"]["onset_ms"]
            said_ms = rows.loc[unit["device_id"]].ts
            assert not said_ms.between(service["at_ms"] + 60_000, service["until_ms"] - 60_000).any()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--seed", "-3"), "--seed"),
        (("--devices", "0"), "--devices"),
        (("--devices", "500001"), "500,000"),
        (("--start", "0001-01-01"), "1971-01-01"),
    ],
)
def test_an_option_that_cannot_be_is_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], options: tuple[str, ...], said: str
) -> None:
    with pytest.raises(SystemExit):
        generate.main([*options, "--out", str(tmp_path / "out")])
    assert said in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_folder_that_cannot_be_written_is_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "out").write_text("a file")
    assert generate.main(["--devices", "1", "--days", "1", "--out", str(tmp_path / "out")]) == 1
    assert "out" in capsys.readouterr().err


def test_a_fleet_that_was_stopped_has_no_truth_and_nobody_elses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["--devices", "1", "--days", "1", "--out", str(tmp_path)]
    assert generate.main(command) == 0

    def stopped(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(generate, "_write", stopped)
    assert generate.main(command) == 130
    assert "no truth.json" in capsys.readouterr().err
    assert not list(tmp_path.glob("truth*"))


def test_a_fault_that_will_not_show_itself_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shares = tuple(
        Share(name=name, share=0.5, onset_day=onset_day)
        for name, onset_day in (("heater_scaled", (0.0, 1.0)), ("compressor_wear", (5.0, 6.0)))
    )
    generate.generate(Mix(classes={"freezer": 1.0}, faults=shares), 2, 1, 1, tmp_path)
    said = capsys.readouterr().err
    assert "heater_scaled befalls nobody" in said
    assert "compressor_wear begins after the last day" in said
