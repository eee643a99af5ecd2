"""A tenant's file adds models, settings and metrics of its own, to nobody but itself, and the nearest row wins."""

from pathlib import Path

import pytest

from devices import catalogue, settings
from devices.errors import CatalogueError
from devices.model import Catalogue, Limits

OWN = """
tenant = "acme"

[[settings]]
class_id = "refrigerator"
rated_power_w = 130.0
limits = { messages_per_s = 10 }
terms = [{ what = "whole_unit", months = 24, title = { en = "Whole unit", zh = "整机" } }]
[[settings.levels]]
metric = "cabinet_temp_c"
min_shift = 2.5
hold_s = 3600

[[metrics]]
class_id = "refrigerator"
name = "shelf_kg"
unit = "kg"
low = 0.0
high = 100.0
resolution = 1.0
cadence_s = 300
title = { en = "Weight on the shelf", zh = "搁架重量" }

[[models]]
class_id = "refrigerator"
model = "BCD-218"
maker = "Acme"
gtin = "06901234567892"
title = { en = "Two-door refrigerator", zh = "双门冰箱" }
set_point_c = [1.0, 7.0]
[[models.levels]]
metric = "cabinet_temp_c"
hold_s = 1800
[[models.on_times]]
metric = "power_w"
on_above = 45.0
[models.limits]
points_per_s = 500
[[models.regimes]]
regime = "running"
when = [{ metric = "power_w", above = 45.0 }]
"""


CLASSES = Path(catalogue.__file__).parent / "classes"
KETTLE = """
class_id = "kettle"
cadence_s = 60
title = { en = "Kettle", zh = "热水壶" }
[[metrics]]
name = "power_w"
unit = "W"
low = 0.0
high = 3000.0
title = { en = "Power", zh = "功率" }
[[on_times]]
metric = "power_w"
family = "element"
on_above = 30.0
hold_s = 60
clear_hold_s = 60
[[families]]
family_id = "element"
severity = "minor"
skill = "electrical"
parts = [{ en = "element", zh = "加热管" }]
title = { en = "Heating element", zh = "加热管" }
"""


def read(tmp_path: Path, text: str = OWN, tenant_id: str = "") -> Catalogue:
    (tmp_path / "own.toml").write_text(text, encoding="utf-8")
    return catalogue.load(own=tmp_path / "own.toml", tenant_id=tenant_id)


def test_the_nearest_row_that_says_something_holds(tmp_path: Path) -> None:
    plain = catalogue.load()["refrigerator"]
    row = read(tmp_path)["refrigerator"]
    theirs = settings.of(row, "acme", "BCD-218")
    assert theirs.rated_power_w == 130.0, "of the tenant's settings, for its model says nothing"
    assert theirs.set_point_c == (1.0, 7.0)
    level, on_time = theirs.levels[0], theirs.on_times[0]
    assert (level.min_shift, level.hold_s, level.clear_hold_s) == (2.5, 1800, plain.levels[0].clear_hold_s)
    assert (on_time.on_above, on_time.hold_s) == (45.0, plain.on_times[0].hold_s)
    assert theirs.limits == Limits(messages_per_s=10, points_per_s=500)
    assert [rule.regime for rule in theirs.regimes] == ["running"]
    assert [(row["what"], row["months"]) for row in theirs.terms] == [("whole_unit", 24)]
    assert (theirs.metrics, theirs.families) == (plain.metrics, plain.families)


def test_a_model_that_nobody_described_has_its_tenants_settings_and_its_class(tmp_path: Path) -> None:
    row = read(tmp_path)["refrigerator"]
    unknown = settings.of(row, "acme", "no such number")
    assert (unknown.levels[0].min_shift, unknown.on_times[0].on_above) == (2.5, 30.0)
    assert settings.model_of(row, "acme", "no such number") is None


def test_nothing_of_it_holds_for_another_tenant(tmp_path: Path) -> None:
    plain, mixed = catalogue.load()["refrigerator"], read(tmp_path)["refrigerator"]
    other = settings.of(mixed, "other", "BCD-218")
    assert (other.levels, other.on_times, other.limits) == (plain.levels, plain.on_times, plain.limits)
    assert settings.model_of(mixed, "other", "BCD-218") is None
    assert settings.by_gtin({"refrigerator": mixed}, "other", "6901234567892") is None
    assert [metric.name for metric in mixed.own["acme"].metrics] == ["shelf_kg"]
    assert "shelf_kg" not in mixed.metric_names, "a tenant's metric is no column"


def test_a_model_is_found_by_its_gtin_however_many_digits_are_scanned(tmp_path: Path) -> None:
    found = settings.by_gtin(read(tmp_path), "acme", "6901234567892")
    assert found is not None
    assert (found[0].class_id, found[1].model, found[1].gtin) == ("refrigerator", "BCD-218", "06901234567892")


def test_a_tenant_says_more_of_a_model_of_the_package_key_by_key(tmp_path: Path) -> None:
    good = (Path(catalogue.__file__).parent / "classes" / "refrigerator.toml").read_text(encoding="utf-8")
    model = '[[models]]\nmodel = "BCD-218"\nmaker = "Acme"\ntitle = { en = "x", zh = "x" }\ngtin = "6901234567892"\n'
    theirs = f'{model}rated_power_w = 99.0\n[[models.levels]]\nmetric = "cabinet_temp_c"\nhold_s = 60\nmin_shift = 9\n'
    theirs += "min_drop = 12\n"
    (tmp_path / "refrigerator.toml").write_text(good + theirs, encoding="utf-8")
    (tmp_path / "own.toml").write_text(OWN, encoding="utf-8")
    row = catalogue.load([tmp_path / "refrigerator.toml"], own=tmp_path / "own.toml")["refrigerator"]
    level = settings.of(row, "acme", "BCD-218").levels[0]
    assert (level.min_shift, level.min_drop, level.hold_s) == (9, 12, 1800)
    assert settings.of(row, "acme", "BCD-218").rated_power_w == 99.0, "a model is nearer than a tenant's settings"
    assert settings.of(row, "other", "BCD-218").levels[0].hold_s == 60
    named = settings.model_of(row, "acme", "BCD-218")
    assert named is not None
    assert named.title["zh"] == "双门冰箱"


def test_whose_file_it_is_need_not_be_said_in_a_house_of_one(tmp_path: Path) -> None:
    row = read(tmp_path, OWN.replace('tenant = "acme"', ""), tenant_id="demo")["refrigerator"]
    assert set(row.own) == {"demo"}


def test_a_folder_of_files_is_read_a_file_a_tenant(tmp_path: Path) -> None:
    for tenant in ("one", "two"):
        text = OWN.replace('"acme"', f'"{tenant}"').replace("06901234567892", "")
        (tmp_path / f"{tenant}.toml").write_text(text.replace('gtin = ""\n', ""), encoding="utf-8")
    assert set(catalogue.load(own=tmp_path)["refrigerator"].own) == {"one", "two"}


@pytest.mark.parametrize(
    ("good", "bad", "says"),
    [
        ('tenant = "acme"', 'tenant = "a.b"', ":2: tenant must be 1 to 64 of a-z A-Z 0-9 _ -, here 'a.b'"),
        ('tenant = "acme"', "class = 5", ":2: has no key 'class'"),
        (
            'class_id = "refrigerator"',
            'class_id = "fridge"',
            ":5: settings.*no appliance class 'fridge'; there are air_conditioner",
        ),
        ("[[settings.levels]]", "[[settings.level]]", "has no key 'level'; did you mean 'levels'"),
        ("hold_s = 3600", "family = 'compressor'", "has no key 'family'"),
        ('metric = "power_w"', 'metric = "ambient_temp_c"', "no rule in on_times for 'ambient_temp_c' to change"),
        ("points_per_s = 500", "points_per_s = 0.01", "limits.points_per_s: must be between 1 and"),
        ('name = "shelf_kg"', 'name = "power_w"', "'power_w' is a metric of refrigerator already"),
        ('gtin = "06901234567892"', 'gtin = "06901234567893"', ":28: .*its last digit would have to be 2"),
        ('gtin = "06901234567892"', "gtin = 6901234567892", "gtin must be a text of 8, 12, 13 or 14 digits"),
        ("[[models]]", '[[settings]]\nclass_id = "refrigerator"\n[[models]]', "class_id 'refrigerator' stands twice"),
        ('metric = "power_w", above', 'metric = "shelf_kg", above', "no metric 'shelf_kg'"),
        ("set_point_c = [1.0, 7.0]", "set_point_c = [1.0]", "must be two numbers, the lower one first"),
        ("on_above = 45.0", "on_above = 4500", "on_times.*on_above is not between 0 and 3000"),
        ("min_shift = 2.5", "min_shift = 250", "levels.*min_shift is wider than all that the sensor can say"),
    ],
)
def test_a_bad_row_is_refused_with_its_line(tmp_path: Path, good: str, bad: str, says: str) -> None:
    if good not in OWN:
        pytest.fail(good)
    with pytest.raises(CatalogueError, match=f"own.toml.*{says}"):
        read(tmp_path, OWN.replace(good, bad, 1))


def test_two_models_have_no_gtin_in_common(tmp_path: Path) -> None:
    second = OWN[OWN.index("[[models]]") :].replace("BCD-218", "BCD-219").replace("0690123", "690123")
    with pytest.raises(CatalogueError, match="gtin 6901234567892 is that of model 'BCD-218' already"):
        read(tmp_path, OWN + second)


def test_a_file_can_be_checked_before_it_is_used(tmp_path: Path) -> None:
    own, broken = tmp_path / "own.toml", tmp_path / "broken.toml"
    own.write_text(OWN, encoding="utf-8")
    broken.write_text("a = [\n", encoding="utf-8")
    classes = sorted(CLASSES.iterdir())
    assert catalogue.check([own, *classes]) == []
    assert [(fault.file, fault.line) for fault in catalogue.check([own, broken])] == [(str(broken), 2)]


def test_a_class_lies_beside_them_holds_for_everybody_and_may_have_models_of_a_tenant(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text(
        OWN.replace('"refrigerator"', '"kettle"')
        .split("[[models.levels]]")[0]
        .replace('[[settings.levels]]\nmetric = "cabinet_temp_c"\nmin_shift = 2.5\nhold_s = 3600\n', ""),
        encoding="utf-8",
    )
    (tmp_path / "kettle.toml").write_text(KETTLE, encoding="utf-8")
    kettle = catalogue.load(own=tmp_path)["kettle"]
    assert [metric.name for metric in kettle.metrics] == ["power_w"]
    assert settings.of(kettle, "other", "").on_times[0].on_above == 30.0
    assert settings.of(kettle, "acme", "BCD-218").set_point_c == (1.0, 7.0)
    assert set(catalogue.load(own=tmp_path / "kettle.toml")) == {*catalogue.load(), "kettle"}
    assert catalogue.check(sorted(tmp_path.iterdir())) == []


def test_a_house_does_not_say_anew_what_a_class_of_the_package_is(tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text(KETTLE.replace('"kettle"', '"freezer"'), encoding="utf-8")
    with pytest.raises(CatalogueError, match=r"own.toml:2: class_id: there is another class 'freezer'"):
        catalogue.load(own=tmp_path)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (KETTLE.replace('class_id = "kettle"', ""), "class_id is missing"),
        ('class_id = "kettle\n', "not TOML"),
        (
            KETTLE.replace("high = 3000.0", "high = 30.0").replace("= 30.0\nhold", "= 31\nhold"),
            "on_above is not between",
        ),
    ],
)
def test_a_class_is_checked_as_a_class_among_those_of_the_package_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, says: str
) -> None:
    """Where somebody writes a new one there: the rest is read beside it, whatever is wrong with it."""
    (tmp_path / "kettle.toml").write_text(text, encoding="utf-8")
    (tmp_path / "freezer.toml").write_text((CLASSES / "freezer.toml").read_text(encoding="utf-8"), encoding="utf-8")
    monkeypatch.setattr(catalogue, "_package", lambda: sorted(tmp_path.iterdir()))
    (fault,) = catalogue.check([tmp_path / "kettle.toml"])
    assert says in fault.reason
