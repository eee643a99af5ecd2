"""Devices are registered once, found by topic and label, and never another tenant's."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest

from devices import catalogue, labels, placing, recordings, registry
from devices.errors import (
    BadIdError,
    DeviceTakenError,
    GatewayError,
    SerialTakenError,
    UnknownClassError,
    UnknownDeviceError,
)
from devices.model import Recording
from devices.registry import Owner, Registration
from ledger import outbox, scope
from ledger.model import Scope
from tests.conftest import Database

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
BY = Scope(tenant_id="demo", actor="staff:desk")
CLASSES = catalogue.load()


def a_registration(**facts: Any) -> Registration:
    owner = Owner(name="Ann", language="en", time_zone="Europe/Berlin", email="ann@example.org")
    said: dict[str, Any] = {"device_id": "fridge-1", "class_id": "refrigerator", "model": "F-200", "serial": "S1"}
    return Registration(**{**said, "place": "12 Canal Street, kitchen", "region": "north", "owner": owner, **facts})


@pytest.fixture
def conn(database: Database) -> Iterator[psycopg.Connection[Any]]:
    with database.connect("foremend_api", autocommit=False) as connection:
        scope.enter(connection, BY)
        yield connection


def register(conn: psycopg.Connection[Any], **facts: Any) -> registry.Registered:
    return registry.register(conn, CLASSES, a_registration(**facts), by=BY, now=NOW)


def test_a_device_said_twice_with_the_same_facts_is_registered_once(conn: psycopg.Connection[Any]) -> None:
    first, again = register(conn), register(conn)
    assert (first.created, again.created) == (True, False)
    assert first.device == again.device
    assert [event.kind for event in outbox.history(conn, "fridge-1")] == ["device.registered"]


@pytest.mark.parametrize(
    ("fact", "value"),
    [
        ("class_id", "cold_room"),
        ("model", "F-300"),
        ("serial", "S2"),
        ("place", "elsewhere"),
        ("region", "south"),
        ("owner", None),
        ("owner", Owner(name="Bob")),
    ],
)
def test_another_fact_about_a_device_is_refused(conn: psycopg.Connection[Any], fact: str, value: object) -> None:
    register(conn)
    with pytest.raises(DeviceTakenError):
        register(conn, **{fact: value})


def test_a_serial_belongs_to_one_device_of_a_model(conn: psycopg.Connection[Any]) -> None:
    register(conn)
    with pytest.raises(SerialTakenError, match="'fridge-2' cannot be F-200 "):
        register(conn, device_id="fridge-2")


@pytest.mark.parametrize("bad", ["", "a.b", "a b", "a/b", "x" * 65, "a+", "#"])
def test_an_id_that_cannot_stand_in_a_topic_is_refused(conn: psycopg.Connection[Any], bad: str) -> None:
    with pytest.raises(BadIdError):
        register(conn, device_id=bad)


def test_a_class_that_is_not_in_the_catalogue_is_refused_by_name(conn: psycopg.Connection[Any]) -> None:
    with pytest.raises(UnknownClassError, match=r"air_conditioner, cold_room, .*refrigerator"):
        register(conn, class_id="toaster")


def test_two_appliances_of_one_address_have_one_customer_and_namesakes_do_not(conn: psycopg.Connection[Any]) -> None:
    nameless = Owner(name="Wang Wei", language="zh")
    one, two = register(conn), register(conn, device_id="fridge-2", serial="S2")
    three = register(conn, device_id="fridge-3", serial="S3", owner=nameless)
    four = register(conn, device_id="fridge-4", serial="S4", owner=nameless)
    assert one.device.customer_id == two.device.customer_id
    assert three.device.customer_id != four.device.customer_id


def test_a_label_finds_its_device_before_the_tenant_is_known(database: Database, conn: psycopg.Connection[Any]) -> None:
    device = register(conn).device
    conn.commit()
    with database.connect("foremend_api", autocommit=False) as stranger:
        typed = device.label_token.upper()
        found = registry.by_label(stranger, f"{typed[:13]}-{typed[13:]}")
        assert found == device
        assert registry.by_label(stranger, "0" * labels.LENGTH) is None
        assert registry.listed(stranger, "demo") == []


def test_addresses_of_many_devices_of_several_tenants_come_at_once(
    database: Database, conn: psycopg.Connection[Any]
) -> None:
    ours = register(conn).device
    other = Scope(tenant_id="other", actor="staff:desk")
    scope.enter(conn, other)
    theirs = registry.register(conn, CLASSES, a_registration(), by=other, now=NOW).device
    with pytest.raises(UnknownDeviceError):
        registry.by_no(conn, ours.device_no)
    conn.commit()
    with database.connect("foremend_worker") as worker:
        asked = [("demo", "fridge-1"), ("other", "fridge-1"), ("demo", "nobody")]
        found = registry.addresses(worker, asked)
    assert {key: address.device_no for key, address in found.items()} == {
        ("demo", "fridge-1"): ours.device_no,
        ("other", "fridge-1"): theirs.device_no,
    }


def test_the_first_word_about_a_recordings_shift_wins(conn: psycopg.Connection[Any]) -> None:
    device = register(conn).device

    def keep(shift_ms: int) -> Recording:
        said = Recording(device_no=device.device_no, sha256="ab" * 32, shift_ms=shift_ms, keep_time=False)
        return recordings.keep(conn, device, said, by=BY, now=NOW)

    assert [keep(1).shift_ms, keep(2).shift_ms] == [1, 1]
    assert [recording.shift_ms for recording in recordings.listed(conn, device)] == [1]


def test_pages_of_devices_continue_where_the_one_before_ended(conn: psycopg.Connection[Any]) -> None:
    names = [register(conn, device_id=f"d{i}", serial=f"S{i}").device.device_id for i in range(5)]
    first = registry.listed(conn, "demo", limit=3)
    rest = registry.listed(conn, "demo", after=first[-1].device_no, limit=3)
    assert [device.device_id for device in [*first, *rest]] == names


def test_label_tokens_carry_130_bits_and_survive_a_tired_reader() -> None:
    token = labels.spell(os.urandom(17))
    assert len(token) == 26
    assert set(token) <= set(labels.ALPHABET)
    assert labels.read("O1lI-aB c") == "0111abc"
    with pytest.raises(ValueError, match="130 bits"):
        labels.spell(b"short")


@pytest.mark.parametrize(
    ("place", "seen"), [("12 Canal Street", "12 C…"), ("和平路12号", "和平…"), ("", ""), ("hut", "…")]
)
def test_a_masked_place_says_little(place: str, seen: str) -> None:
    assert labels.masked(place) == seen


def test_a_device_stands_behind_a_gateway_and_at_a_site_until_somebody_says_otherwise(
    conn: psycopg.Connection[Any],
) -> None:
    gateway = register(conn, device_id="gw", serial="G").device
    child = register(conn).device
    for _ in range(2):
        child = placing.place(conn, child, "gw", "Mill 3", by=BY, now=NOW)
    assert (child.gateway_no, child.site) == (gateway.device_no, "Mill 3")
    assert registry.find(conn, "demo", "fridge-1") == child
    assert [event.kind for event in outbox.history(conn, "fridge-1")] == ["device.registered", "device.placed"]
    assert [event.kind for event in outbox.history(conn, "Mill 3")] == ["site.registered"]
    placing.place(conn, child, None, None, by=BY, now=NOW)
    assert registry.find(conn, "demo", "fridge-1").gateway_no is None
    assert not register(conn).created, "where it stands is no fact of its registration"


def test_gateways_make_no_circle_and_no_second_level(conn: psycopg.Connection[Any]) -> None:
    gateway, child, other = (register(conn, device_id=name, serial=name).device for name in ("gw", "child", "other"))
    child = placing.place(conn, child, "gw", None, by=BY, now=NOW)
    for device, behind in ((gateway, "child"), (gateway, "gw"), (other, "child"), (gateway, "other")):
        with pytest.raises(GatewayError):
            placing.place(conn, device, behind, None, by=BY, now=NOW)
    with pytest.raises(UnknownDeviceError):
        placing.place(conn, child, "nobody", None, by=BY, now=NOW)
