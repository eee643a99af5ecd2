"""A row of the catalogue that cannot be used is refused at start, with file, line and reason."""

from importlib import resources
from pathlib import Path

import pytest

from devices import catalogue
from devices.errors import CatalogueError
from devices.model import LevelRule, Limits, OnTimeRule

GOOD = (resources.files("devices") / "classes" / "refrigerator.toml").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("good", "bad", "says"),
    [
        ('{ en = "Power", zh = "功率" }', '{ en = "Power" }', "power_w.*title must be given in en and zh"),
        ('{ en = "compressor", zh = "压缩机" }', '"compressor"', "compressor.*parts must each have a name"),
        (
            "hold_s = 21600",
            "hold_s = 0",
            r"on_times\[0\] \(power_w\): hold_s must be a whole.*here 0",
        ),
        ('family = "compressor"', 'family = "motor"', "no fault family 'motor'"),
        ('name = "power_w"', 'name = "ts"', "ts.*is a column of every class table"),
        ("low = 0.0\nhigh = 3000.0", "low = 3000.0\nhigh = 0.0", "power_w.*low is not below high"),
        ('severity = "major"', 'severity = "major"\ncolour = "red"', r"families\[0\].*colour"),
        ("cadence_s = 60", "cadence_s =", "not TOML"),
        ("cadence_s = 60", "cadence_s = 0", "cadence_s.*1 or more, here 0"),
        ("cadence_s = 60", "cadence_s = 60\nlimits = 5", "limits.*is no table, here 5"),
        (
            "[[on_times]]",
            "[limits]\nmessages = 5\n[[on_times]]",
            "has no key 'messages'; did you mean 'messages_per_s'",
        ),
        ("[[on_times]]", "[limits]\nmessages_per_s = 0.01\n[[on_times]]", "limits.messages_per_s.*0.0166667 and"),
        ("[[on_times]]", "[limits]\npoints_per_s = true\n[[on_times]]", "points_per_s.*here True"),
        ("[[on_times]]", "[limits]\nbytes_per_s = nan\n[[on_times]]", "bytes_per_s.*here nan"),
        ("[[on_times]]", "[limits]\nburst_s = inf\n[[on_times]]", "burst_s.*here inf"),
        ("[[on_times]]", "[limits]\nbackfill_times = 0.5\n[[on_times]]", "limits.backfill_times.*between 1 and"),
        ("cadence_s = 60", "cadence_s = 60\nretention_days = 7", "retention_days.*8 or more, here 7"),
        ("cadence_s = 60", 'cadence_s = 60\nretention_days = "400"', "retention_days.*8 or more, here '400'"),
        ("cadence_s = 60", "cadence_s = 60\nhours_days = 30", "hours_days must be 400 or more, here 30"),
        ("cadence_s = 60", "cadence_s = 60\nretention_days = 9999999", "retention_days must be at most 365000, here"),
        ("cadence_s = 60", f"cadence_s = {10**12}", "cadence_s must be at most 1000000000, here"),
        ("high = 3000.0", f"high = {10**400}", "high must be a number, here 1000"),
        ("min_shift = 3.0", f"min_shift = {10**400}", "min_shift must be 0 or more, here 1000"),
        ('severity = "major"', 'severity = "grave"', "families.*'grave' is not one of minor, major, critical"),
        ('severity = "major"', 'severity = "major"\nsafety = 1', "safety must be true or false, here 1"),
        ('family_id = "compressor"', 'family_id = "cooling_weak"', "family_id 'cooling_weak' stands twice"),
        ('name = "door_open"', 'name = "power_w"', "name 'power_w' stands twice"),
        ('name = "door_open"', 'nam = "door_open"', r"metrics\[5\]: name is missing"),
        ("high = 3000.0", 'high = "3000"', "high must be a number, here '3000'"),
        ("high = 3000.0", "high = 3000.0\ncadence_s = 0", "power_w.*cadence_s must be a whole number, 1 or more"),
        ("resolution = 0.1", "resolution = 500", "resolution is wider than all that the sensor can say"),
        ("resolution = 0.1", "resolution = 0.0", "resolution must be a number above zero"),
        (
            "set_point_c = [2.0, 8.0]",
            "set_point_c = [8.0, 2.0]",
            "set_point_c must be two numbers, the lower one first",
        ),
        ('regime = "off"', 'regime = "asleep"', "regime 'asleep' is not one of running, off, defrost"),
        ("above = 130.0", "below = 130.0, above = 140", "above is not less than below"),
        (", above = 130.0 }", " }", "regimes.*needs above or below"),
        ('{ metric = "power_w", above = 130.0 }', "", "when needs a condition at least"),
        (
            '{ metric = "power_w", above = 130.0 }',
            '{ metric = "power", above = 130.0 }',
            "no metric 'power'; did you mean",
        ),
        (
            '{ metric = "power_w", above = 130.0 }',
            '{ metric = "power_w", minus = "cabinet_temp_c", above = 130.0 }',
            "W less °C is nothing",
        ),
        ("[[on_times]]", "[on_times]", "on_times: is no list of tables"),
        ("[[on_times]]", "terms = 5\n[[on_times]]", "has no key 'terms'"),  # it stands in the regime above
        ("months = 36", "months = 0", r"terms\[1\] \(compressor\): months must be a whole number"),
        ("months = 36", 'months = 36\nstarts = ["delivery"]', "starts must be a list of invoice, install, factory"),
        ('what = "compressor"', 'what = "whole_unit"', "what 'whole_unit' stands twice"),
    ],
)
def test_a_bad_row_is_refused_where_it_is_wrong(tmp_path: Path, good: str, bad: str, says: str) -> None:
    file = tmp_path / "refrigerator.toml"
    assert good in GOOD
    file.write_text(GOOD.replace(good, bad, 1), encoding="utf-8")
    with pytest.raises(CatalogueError, match=f"(?s)refrigerator.toml.*{says}"):
        catalogue.load([file])


def test_the_line_is_that_of_the_key_and_every_fault_of_a_file_is_said(tmp_path: Path) -> None:
    file = tmp_path / "refrigerator.toml"
    bad = GOOD.replace('unit = "W"', "unit = 5").replace("cadence_s = 60", "cadence_s = 60.0")
    bad = bad.replace("above = 0.5", "aboev = 0.5").replace("min_shift = 3.0\n", "")
    file.write_text(bad, encoding="utf-8")
    with pytest.raises(CatalogueError) as refused:
        catalogue.load([file])
    lines = bad.splitlines()
    said = {lines[fault.line - 1]: fault.reason for fault in refused.value.faults}
    assert said["unit = 5"].startswith("unit must be a text of one line")
    assert said["cadence_s = 60.0"] == "cadence_s must be a whole number, 1 or more, here 60.0"
    assert said["[[levels]]"] == "min_shift is missing"
    assert str(refused.value).count("\n") == len(refused.value.faults) - 1
    file.write_text(GOOD.replace("above = 0.5", "aboev = 0.5"), encoding="utf-8")
    with pytest.raises(CatalogueError, match=r":\d+: regimes\[1\].when\[0\] \(door_open\): has no key 'aboev'"):
        catalogue.load([file])


@pytest.mark.parametrize(
    ("bytes_", "says"),
    [
        (b"a = 1\nb = [\n", "x.toml:3: not TOML"),
        (b"a = 1\nb = 1\nb = 2", "x.toml:3: not TOML: Cannot overwrite a value"),
        (b"a = 1\nb = '\xff'", "x.toml:2: not TOML: it is not in UTF-8"),
        (b"a = " + b"9" * 5000, "x.toml:1: not TOML that can be read: a number in it"),
        (b"a = " + b"[" * 2000 + b"]" * 2000, "x.toml:1: not TOML that can be read"),
    ],
)
def test_what_is_no_toml_is_said_with_its_line(tmp_path: Path, bytes_: bytes, says: str) -> None:
    (tmp_path / "x.toml").write_bytes(bytes_)
    with pytest.raises(CatalogueError, match=says):
        catalogue.load([tmp_path / "x.toml"])


def test_a_file_that_is_not_there_is_a_fault_and_no_traceback(tmp_path: Path) -> None:
    with pytest.raises(CatalogueError, match=r"none.toml:1: cannot be read: No such file"):
        catalogue.load([tmp_path / "none.toml"])


def test_two_files_of_one_class_are_refused(tmp_path: Path) -> None:
    for name in ("a.toml", "b.toml"):
        (tmp_path / name).write_text(GOOD, encoding="utf-8")
    with pytest.raises(CatalogueError, match=r"b.toml:2: class_id: there is another class 'refrigerator'"):
        catalogue.load(sorted(tmp_path.iterdir()))


def test_rules_mean_what_they_meant() -> None:
    """What detectors compare with was not changed by what the catalogue has learned to say."""
    row = catalogue.load()["refrigerator"]
    assert row.levels == (
        LevelRule(metric="cabinet_temp_c", family="cooling_weak", min_shift=3.0, hold_s=5400, clear_hold_s=1800),
    )
    assert row.on_times == (
        OnTimeRule(metric="power_w", family="compressor", on_above=30.0, hold_s=21600, clear_hold_s=21600),
    )


def test_what_may_be_left_out_has_a_default(tmp_path: Path) -> None:
    row = catalogue.load()["refrigerator"]
    assert row.families[0].safety is False
    assert row.metrics[0].cadence_s is None
    assert (row.metrics[0].resolution, row.own) == (0.1, {})


def test_limits_are_a_table_of_which_every_line_may_be_left_out(tmp_path: Path) -> None:
    file = tmp_path / "refrigerator.toml"
    file.write_text(GOOD + "\n[limits]\nmessages_per_s = 0.5\nbackfill_times = 3\n", encoding="utf-8")
    limits = catalogue.load([file])["refrigerator"].limits
    assert limits == Limits(messages_per_s=0.5, backfill_times=3)


def test_whatever_keeps_food_cold_can_be_told_when_to_give_the_alarm() -> None:
    for appliance in (catalogue.load()[class_id] for class_id in ("refrigerator", "freezer", "cold_room")):
        assert {each.name for each in appliance.adjustables} >= {"high_alarm_c", "door_alarm_s"}, appliance.class_id
