"""A snapshot is one canonical document: hashed as it is downloaded, complete, and nobody's to change."""

import json
import math
import struct
from datetime import timedelta
from hashlib import sha256
from typing import Any

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.ticketing.builders import NOW, Firm
from ticketing.snapshots import canonical, store
from ticketing.snapshots.model import Snapshot


def a_snapshot(firm: Firm) -> Snapshot:
    ticket = firm.ticket(firm.device())
    with firm.api() as conn:
        assert ticket.snapshot_id is not None
        snapshot = store.find(conn, ticket.snapshot_id)
    assert snapshot is not None
    return snapshot


def test_the_sha256_is_that_of_the_bytes_and_the_bytes_are_canonical(firm: Firm) -> None:
    snapshot = a_snapshot(firm)
    assert sha256(snapshot.body).hexdigest() == snapshot.sha256
    assert canonical.dumps(json.loads(snapshot.body)) == snapshot.body


def test_it_holds_device_rule_evidence_and_every_reading_of_the_window(firm: Firm) -> None:
    document: dict[str, Any] = json.loads(a_snapshot(firm).body)
    assert document["format"] == "foremend.snapshot/1"
    assert {name: document["device"][name] for name in ("device_id", "class_id", "model", "serial")} == {
        "device_id": "fridge-1",
        "class_id": "refrigerator",
        "model": "F-200",
        "serial": "S-fridge-1",
    }
    assert (document["alert"]["observed"], document["alert"]["evidence"]["unit"]) == (34, "min")
    assert document["rule"]["on_above"] == 30
    assert document["window"] == {
        "from": (NOW - timedelta(hours=6 + 48)).isoformat(),
        "to": NOW.isoformat(),
    }
    series = document["series"]
    assert series["resolution"] == "readings"
    assert series["ts_ms"] == [int((NOW - timedelta(minutes=29 - i)).timestamp() * 1000) for i in range(30)]
    assert series["metrics"]["evaporator_temp_c"]["values"] == [i / 7 for i in range(30)]
    assert series["metrics"]["power_w"] == {"unit": "W", "values": [None] * 30}


def test_nobody_changes_a_snapshot_not_even_the_owner(firm: Firm) -> None:
    snapshot = a_snapshot(firm)
    for role in ("foremend_api", "foremend_relay", "foremend_worker", "foremend_owner", "postgres"):
        for statement in (
            "UPDATE snapshot SET sha256 = sha256",
            "DELETE FROM snapshot",
            "TRUNCATE snapshot CASCADE",
        ):
            with firm.database.connect(autocommit=False) as conn:
                conn.execute(f"SET ROLE {role}".encode())
                conn.execute("SELECT set_config('app.tenant', 'demo', true)")
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    conn.execute(statement.encode())
    with firm.api() as conn:
        assert store.find(conn, snapshot.snapshot_id) == snapshot


def test_the_database_refuses_a_body_with_another_hash(firm: Firm) -> None:
    device = firm.device()
    with firm.api() as conn, pytest.raises(psycopg.errors.CheckViolation):
        conn.execute(
            "INSERT INTO snapshot (snapshot_id, tenant_id, device_no, at, sha256, body)"
            " VALUES (gen_random_uuid(), 'demo', %s, now(), repeat('0', 64), 'x')",
            [device.device_no],
        )


# RFC 8785, appendix B, and section 3.2.3
@pytest.mark.parametrize(
    ("bits", "text"),
    [
        ("0000000000000000", "0"),
        ("8000000000000000", "0"),
        ("0000000000000001", "5e-324"),
        ("8000000000000001", "-5e-324"),
        ("7fefffffffffffff", "1.7976931348623157e+308"),
        ("ffefffffffffffff", "-1.7976931348623157e+308"),
        ("4340000000000000", "9007199254740992"),
        ("c340000000000000", "-9007199254740992"),
        ("4430000000000000", "295147905179352830000"),
        ("44b52d02c7e14af5", "9.999999999999997e+22"),
        ("44b52d02c7e14af6", "1e+23"),
        ("44b52d02c7e14af7", "1.0000000000000001e+23"),
        ("444b1ae4d6e2ef4e", "999999999999999700000"),
        ("444b1ae4d6e2ef4f", "999999999999999900000"),
        ("444b1ae4d6e2ef50", "1e+21"),
        ("3eb0c6f7a0b5ed8c", "9.999999999999997e-7"),
        ("3eb0c6f7a0b5ed8d", "0.000001"),
        ("41b3de4355555553", "333333333.3333332"),
        ("41b3de4355555557", "333333333.33333343"),
        ("becbf647612f3696", "-0.0000033333333333333333"),
        ("43143ff3c1cb0959", "1424953923781206.2"),
    ],
)
def test_numbers_are_written_as_the_standard_writes_them(bits: str, text: str) -> None:
    (value,) = struct.unpack(">d", bytes.fromhex(bits))
    assert canonical.number(value) == text


def test_keys_are_sorted_by_utf16_and_texts_are_written_as_they_are() -> None:
    keys = ["€", "\r", "\ufb33", "1", "😀", "\x80", "ö"]
    assert list(json.loads(canonical.dumps(dict.fromkeys(keys)))) == ["\r", "1", "\x80", "ö", "€", "😀", "\ufb33"]
    assert canonical.dumps({"b": [1, 2.0, None, True], "a": "€$\x0f\nA'B\"\\"}) == (
        '{"a":"€$\\u000f\\nA\'B\\"\\\\","b":[1,2,null,true]}'.encode()
    )


@pytest.mark.parametrize("value", [math.nan, math.inf, 2**53 + 1])
def test_what_json_cannot_say_exactly_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match=r"no form|no exact"):
        canonical.dumps([value])


_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)


@given(_values)
def test_the_canonical_form_reads_back_as_the_same_value_and_is_its_own_form(value: Any) -> None:
    body = canonical.dumps(value)
    again = json.loads(body, parse_int=float)  # every number of such a document is a double
    assert again == value
    assert canonical.dumps(again) == body
