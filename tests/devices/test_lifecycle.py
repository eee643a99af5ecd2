"""A device goes where the table lets it, its label stays on the wall, an owner's access ends with his ownership."""

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from devices import placing, registry
from devices.datum import Datum, Point
from devices.errors import (
    DeviceOwnedError,
    DeviceTransitionError,
    StaleError,
    SuccessorError,
    UnknownCustomerError,
)
from devices.lifecycle import moves
from devices.lifecycle.transitions import ALLOWED, EVENTS, check
from devices.model import DeviceFilter
from devices.model import DeviceState as S
from devices.registry import Owner
from tests.conftest import Database
from tests.devices.conftest import BY, NOW, Firm

BY_NOBODY = UUID(int=1)
LATER = NOW + timedelta(days=100)


def test_every_state_has_its_ways_and_nothing_follows_a_replacement(firm: Firm) -> None:
    assert set(ALLOWED) == set(S)
    assert ALLOWED[S.REPLACED] == ()
    assert {to for ways in ALLOWED.values() for to in ways} == set(EVENTS)
    device = firm.device()
    for state in S:
        for to in S:
            if to in ALLOWED[state]:
                check(replace(device, state=state), to)
            else:
                with pytest.raises(DeviceTransitionError) as refused:
                    check(replace(device, state=state), to)
                assert refused.value.allowed == ALLOWED[state]


def test_a_claim_binds_a_customer_and_is_said_again_without_harm(firm: Firm) -> None:
    device, ann, bob = firm.device(), firm.customer("Ann", phone="+49 30 1"), firm.customer("Bob", phone="+49 30 2")
    claimed = moves.claim(firm.conn, device, ann, by=BY, now=NOW)
    assert (claimed.state, claimed.customer_id) == (S.CLAIMED, ann)
    assert moves.claim(firm.conn, device, ann, by=BY, now=LATER) == claimed == firm.found("fridge-1")
    with pytest.raises(DeviceOwnedError):
        moves.claim(firm.conn, device, bob, by=BY, now=LATER)
    assert [(each.customer_id, each.until) for each in registry.owners(firm.conn, device)] == [(ann, None)]
    assert firm.kinds("fridge-1") == ["device.registered", "device.claimed"]


def test_a_claim_by_nobody_is_refused(firm: Firm) -> None:
    with pytest.raises(UnknownCustomerError):
        moves.claim(firm.conn, firm.device(), BY_NOBODY, by=BY, now=NOW)


def test_what_was_registered_with_its_owner_is_claimed_and_owned_since_then(firm: Firm) -> None:
    device = firm.device(owner=Owner(name="Ann", phone="+49 30 1"))
    assert device.state is S.CLAIMED
    (owned,) = registry.owners(firm.conn, device)
    assert (owned.customer_id, owned.since, owned.until) == (device.customer_id, NOW, None)


def test_a_retired_device_can_be_put_up_again(firm: Firm) -> None:
    device = firm.device()
    assert moves.retire(firm.conn, device, by=BY, now=NOW, reason="scrapped").state is S.RETIRED
    with pytest.raises(DeviceTransitionError, match="ACTIVE, RESOLD, REPLACED"):
        moves.retire(firm.conn, device, by=BY, now=NOW)
    assert moves.activate(firm.conn, device, by=BY, now=NOW).state is S.ACTIVE


def test_a_move_of_what_has_changed_meanwhile_is_refused(firm: Firm) -> None:
    device = firm.device()
    moves.activate(firm.conn, device, by=BY, now=NOW, expected_version=1)
    with pytest.raises(StaleError):
        moves.retire(firm.conn, device, by=BY, now=NOW, expected_version=1)
    assert moves.retire(firm.conn, device, by=BY, now=NOW, expected_version=2).version == 3


def test_a_resold_device_forgets_where_its_old_owner_lives_and_remembers_that_he_had_it(firm: Firm) -> None:
    point = Point(latitude=39.915, longitude=116.404, datum=Datum.BD_09)
    device = firm.device(
        owner=Owner(name="Ann", phone="+49 30 1"), place="12 Canal Street", region="north", point=point
    )
    placing.place(firm.conn, device, None, "Mill 3", by=BY, now=NOW)
    bob = firm.customer("Bob", phone="+49 30 2")
    resold = moves.resell(firm.conn, device, to=bob, by=BY, now=LATER)
    assert (resold.state, resold.customer_id) == (S.CLAIMED, bob)
    assert (resold.place, resold.region, resold.site, resold.latitude, resold.datum) == ("", "", None, None, None)
    before, after = registry.owners(firm.conn, device)
    assert (before.customer_id, before.since, before.until) == (device.customer_id, NOW, LATER)
    assert (after.customer_id, after.since, after.until) == (bob, LATER, None)
    assert firm.kinds("fridge-1")[-2:] == ["device.resold", "device.claimed"]


def test_a_resold_device_without_a_next_owner_waits_for_a_claim(firm: Firm) -> None:
    device = firm.device(owner=Owner(name="Ann", phone="+49 30 1"))
    resold = moves.resell(firm.conn, device, by=BY, now=LATER)
    assert (resold.state, resold.customer_id) == (S.RESOLD, None)
    assert moves.claim(firm.conn, resold, firm.customer("Bob", phone="+49 30 2"), by=BY, now=LATER).state is S.CLAIMED


def test_a_successor_stands_where_the_old_one_stood_and_both_labels_lead_to_it(database: Database, firm: Firm) -> None:
    old = firm.device(owner=Owner(name="Ann", phone="+49 30 1"), place="12 Canal Street", region="north")
    gateway, new = firm.device("gw"), firm.device("fridge-2")
    placing.place(firm.conn, old, "gw", "Mill 3", by=BY, now=NOW)
    replaced, successor = moves.replace(firm.conn, old, new, by=BY, now=LATER)
    assert (replaced.state, replaced.successor_no, replaced.customer_id) == (S.REPLACED, new.device_no, old.customer_id)
    assert (successor.place, successor.site, successor.gateway_no) == (old.place, "Mill 3", gateway.device_no)
    assert (successor.state, successor.customer_id) == (S.CLAIMED, old.customer_id)
    assert (successor.label_token, firm.found("fridge-1").label_token) == (old.label_token, new.label_token)
    firm.conn.commit()
    with database.connect("foremend_api", autocommit=False) as stranger:
        for label in (old.label_token, new.label_token):
            found = registry.by_label(stranger, label)
            stranger.rollback()
            assert found is not None
            assert found.device_id == "fridge-2"


def test_however_often_it_was_replaced_a_label_leads_to_the_last_one(firm: Firm, database: Database) -> None:
    first, second, third = (firm.device(name) for name in ("a", "b", "c"))
    moves.replace(firm.conn, first, second, by=BY, now=NOW)
    moves.replace(firm.conn, second, third, by=BY, now=NOW)
    firm.conn.commit()
    for label in (first.label_token, second.label_token, third.label_token):
        with database.connect("foremend_api", autocommit=False) as stranger:
            found = registry.by_label(stranger, label)
            assert found is not None
            assert found.device_id == "c"


def test_what_stood_behind_a_gateway_stands_behind_its_successor(firm: Firm) -> None:
    gateway, child, new = firm.device("gw"), firm.device("child"), firm.device("gw-2")
    placing.place(firm.conn, child, "gw", None, by=BY, now=NOW)
    moves.replace(firm.conn, gateway, new, by=BY, now=NOW)
    assert firm.found("child").gateway_no == new.device_no
    assert firm.kinds("child") == ["device.registered", "device.placed", "device.placed"]


def test_not_every_device_can_be_a_successor(firm: Firm) -> None:
    old = firm.device(owner=Owner(name="Ann", phone="+49 30 1"))
    others = firm.device("bobs", owner=Owner(name="Bob", phone="+49 30 2"))
    retired = moves.retire(firm.conn, firm.device("retired"), by=BY, now=NOW)
    for successor in (old, others, retired):
        with pytest.raises(SuccessorError):
            moves.replace(firm.conn, old, successor, by=BY, now=NOW)


def test_of_another_tenants_owners_nothing_is_seen(firm: Firm, database: Database) -> None:
    device = firm.device(owner=Owner(name="Ann", phone="+49 30 1"))
    firm.conn.commit()
    with database.connect("foremend_api", autocommit=False) as stranger:
        assert registry.owners(stranger, device) == []


def test_pages_of_devices_are_narrowed_by_each_of_their_facts(firm: Firm) -> None:
    ann = Owner(name="Ann", phone="+49 30 1")
    fridge = firm.device("f1", owner=ann, place="12 Canal Street")
    room = firm.device("r1", class_id="cold_room", model="W-9")
    placing.place(firm.conn, room, None, "Mill 3", by=BY, now=NOW)

    def asked(**facts: Any) -> list[str]:
        return [each.device_id for each in registry.listed(firm.conn, "demo", DeviceFilter(**facts))]

    assert asked() == ["f1", "r1"]
    assert asked(class_id="cold_room") == asked(model="W-9") == asked(site="Mill 3") == asked(state=S.MADE) == ["r1"]
    assert asked(customer_id=fridge.customer_id) == asked(text="CANAL") == asked(text="F-2") == ["f1"]
    assert asked(text="%") == []
