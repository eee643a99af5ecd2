"""What a model or a tenant says of limits and rules holds from the device's first message on, and after a start."""

from dataclasses import replace
from typing import Any

import pytest
from psycopg import Connection

from api.worker.memory import fingerprint
from devices.model import Model, Own, Settings
from devices.variants import Variants
from ingest.admit import admit
from ingest.allowance import Allowance
from ingest.model import Reason
from tests.ingest import test_checkpoint
from tests.ingest.builders import CATALOGUE, FRIDGE, a_message, a_reading, a_source
from tests.ingest.house import House, now_ms
from tests.ingest.record import register

SAID = Settings(limits={"messages_per_s": 1, "burst_s": 1}, levels={"cabinet_temp_c": {"min_shift": 9.0}})
THRIFTY = Model(model="m", maker="Acme", title={"en": "x", "zh": "x"}, settings=SAID)
VARIED = {**CATALOGUE, "refrigerator": replace(FRIDGE, own={"demo": Own(models={"m": THRIFTY})})}


def test_a_models_limits_are_its_appliances_and_nobody_elses() -> None:
    variants = Variants(VARIED)
    allowance = Allowance(variants.classes, {1: variants.name("refrigerator", "demo", "m")})
    devices = [1, 2, 1, 2, 1, 2]
    messages = [a_message(a_reading(), seq=seq) for seq in range(1, 7)]
    admitted = admit(messages, [a_source(number) for number in devices], VARIED, allowance)
    assert [(refusal.device_no, refusal.reason) for refusal in admitted.decoded.refusals] == [
        (1, Reason.OVER_LIMIT),
        (1, Reason.OVER_LIMIT),
    ]
    assert [over.at_once for over in admitted.over] == [1, 1]


@pytest.mark.engines
def test_a_worker_knows_them_from_the_log_from_a_checkpoint_and_from_the_record(
    house: House, conn: Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(test_checkpoint, "CATALOGUE", VARIED)
    desk = test_checkpoint.a_desk(house, conn, models=("m", "another"))
    name = Variants(VARIED).name("refrigerator", "demo", "m")
    watched = desk.memory.engine.dump()
    assert (watched[f"{name}/device_no"].tolist(), len(watched["refrigerator/device_no"])) == ([house.device_no], 1)
    other, said = desk.another()
    assert said == ["remembered from a checkpoint"]
    test_checkpoint.assert_the_same(other, desk.memory)
    with house.database.connect() as owner:
        owner.execute("UPDATE checkpoint SET fingerprint = 'other'")
    other, said = desk.another()
    assert said == ["learned from the record"]
    test_checkpoint.assert_the_same_arrays(other.engine.dump(), desk.memory.engine.dump())


@pytest.mark.engines
def test_a_device_that_joins_while_the_worker_runs_is_watched_by_its_model_at_once(
    house: House, conn: Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(test_checkpoint, "CATALOGUE", VARIED)
    desk = test_checkpoint.Desk(house, conn)
    with house.database.connect() as owner:
        (joined,) = register(owner, ("demo", "d3", "refrigerator"))
    house.publish(a_reading(now_ms()), device="d3")
    desk.read_all()
    name = Variants(VARIED).name("refrigerator", "demo", "m")
    assert desk.memory.engine.dump()[f"{name}/device_no"].tolist() == [joined]


def test_a_model_that_is_watched_otherwise_is_another_memory_and_one_that_is_only_named_is_not() -> None:
    named = replace(FRIDGE, own={"demo": Own(models={"m": replace(THRIFTY, settings=Settings())})})
    assert fingerprint({**CATALOGUE, "refrigerator": named}) == fingerprint(CATALOGUE) != fingerprint(VARIED)
