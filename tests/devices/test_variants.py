"""Which appliances are watched otherwise than their class, and under which name."""

from dataclasses import replace
from pathlib import Path

from devices import catalogue
from devices.model import Model, Settings
from devices.variants import Variants
from tests.devices.test_own_file import OWN, read

CLASSES = catalogue.load()
TITLE = {"en": "x", "zh": "x"}


def test_only_what_is_watched_makes_a_variant(tmp_path: Path) -> None:
    said = Settings(rated_power_w=5.0, set_point_c=(1.0, 2.0), regimes=(), terms=())
    model = Model(model="M", maker="Acme", title=TITLE, settings=said)
    fridge = replace(CLASSES["refrigerator"], models={"M": model})
    assert Variants({"refrigerator": fridge}).name("refrigerator", "demo", "M") == "refrigerator"
    assert list(Variants(CLASSES).classes) == list(CLASSES)
    assert Variants(CLASSES).varied == []


def test_each_way_to_be_watched_has_a_name_and_the_class_itself_keeps_its_own(tmp_path: Path) -> None:
    variants = Variants(read(tmp_path))
    theirs = variants.name("refrigerator", "acme", "BCD-218")
    others = variants.name("refrigerator", "acme", "no such number")
    assert len({theirs, others, variants.name("refrigerator", "other", "BCD-218")}) == 3
    assert variants.name("refrigerator", "other", "BCD-218") == "refrigerator"
    assert variants.name("cold_room", "acme", "BCD-218") == "cold_room"
    assert variants.name("toaster", "acme", "BCD-218") == "toaster"
    assert variants.classes[theirs].on_times[0].on_above == 45.0
    assert (variants.classes[others].on_times[0].on_above, variants.classes[others].levels[0].min_shift) == (30.0, 2.5)
    assert variants.varied == ["refrigerator"]


def test_models_that_say_the_same_are_watched_together() -> None:
    said = Settings(on_times={"power_w": {"on_above": 45.0}})
    models = {name: Model(model=name, maker="Acme", title=TITLE, settings=said) for name in ("A", "B")}
    variants = Variants({"refrigerator": replace(CLASSES["refrigerator"], models=models)})
    assert variants.name("refrigerator", "demo", "A") == variants.name("refrigerator", "demo", "B") != "refrigerator"
    assert len(variants.classes) == 2


def test_words_do_not_decide_what_is_remembered_and_numbers_do(tmp_path: Path) -> None:
    before = Variants(read(tmp_path)).deciding()
    assert Variants(read(tmp_path, OWN.replace("Two-door", "Small"))).deciding() == before
    assert Variants(read(tmp_path, OWN.replace("rated_power_w = 130.0", ""))).deciding() == before
    assert Variants(read(tmp_path, OWN.replace("on_above = 45.0", "on_above = 46.0"))).deciding() != before
    assert Variants(read(tmp_path, OWN.replace('model = "BCD-218"', 'model = "BCD-219"'))).deciding() != before
