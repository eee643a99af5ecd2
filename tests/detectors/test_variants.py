"""A model's own settings are those that its appliances are watched with, and nobody else's."""

from dataclasses import replace

import numpy as np
import pytest

from detectors.engine import Engine
from devices.model import Model, Settings
from devices.variants import Variants
from tests.detectors.builders import DAY, REFRIGERATOR, a_batch, cabinet_c, in_pieces, observe, said, together

TITLE = {"en": "x", "zh": "x"}
PATIENT = Model(model="P", maker="Acme", title=TITLE, settings=Settings(levels={"cabinet_temp_c": {"min_shift": 9.0}}))
FRIDGE = replace(REFRIGERATOR, models={"P": PATIENT})
VARIANTS = Variants({"refrigerator": FRIDGE})
THEIRS = {2: VARIANTS.name("refrigerator", "demo", "P")}
WARMER_K = 6.0 * (np.arange(3 * DAY) > 2 * DAY)


def engine() -> Engine:
    return Engine(VARIANTS.classes, variants=THEIRS)


@pytest.mark.parametrize("count", [1, 40])
def test_what_is_a_fault_for_one_model_is_none_for_another(count: int) -> None:
    """Both in one log, however it is cut."""
    series = [("cabinet_temp_c", cabinet_c(3 * DAY, warmer_k=WARMER_K))]
    log = together([a_batch(series, device_no=number) for number in (1, 2, 3)])
    findings = observe(engine(), in_pieces(log, count))
    assert sorted(finding.device_no for finding in findings) == [1, 3]
    assert set(said(findings)) == {("level", "RAISED")}
    alone = observe(Engine({"refrigerator": REFRIGERATOR}), [a_batch(series, device_no=1)])
    assert [replace(each, seq=0) for each in findings if each.device_no == 1] == [replace(alone[0], seq=0)]


def test_what_was_remembered_of_it_is_remembered_again() -> None:
    series = [("cabinet_temp_c", cabinet_c(2 * DAY))]
    one, other = engine(), engine()
    observe(one, [together([a_batch(series, device_no=number) for number in (1, 2)])])
    other.load(one.dump())
    assert one.dump()[f"{THEIRS[2]}/device_no"].tolist() == [2]
    assert one.dump()["refrigerator/device_no"].tolist() == [1]
    for name, array in one.dump().items():
        np.testing.assert_array_equal(array, other.dump()[name], err_msg=name)


def test_what_is_on_record_as_decided_is_told_to_the_right_one() -> None:
    sick = [("cabinet_temp_c", cabinet_c(4 * DAY, warmer_k=12.0 * (np.arange(4 * DAY) > 2 * DAY)))]
    log = a_batch(sick, device_no=2)
    found = observe(engine(), [log])
    assert said(found) == [("level", "RAISED")]
    again = engine()
    again.recall(found)
    again.fold([log])
    assert again.dump()[f"{THEIRS[2]}/level:cabinet_temp_c/held/raised"].tolist() == [True]
