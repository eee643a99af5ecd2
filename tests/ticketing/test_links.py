"""A link serves one purpose until it expires; the database knows its hash alone."""

from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from tests.ticketing.builders import NOW, Firm
from ticketing.links import links
from ticketing.links.model import Link, Purpose

SUBJECT, RECIPIENT = str(uuid4()), f"customer:{uuid4()}"


def mint(firm: Firm, **more: Any) -> str:
    said = {"purpose": Purpose.QUESTION, "subject_id": SUBJECT, "recipient": RECIPIENT, "ttl": timedelta(hours=1)}
    with firm.relay() as conn:
        return links.mint(conn, tenant_id="demo", now=NOW, **{**said, **more})


def resolve(firm: Firm, token: str, purpose: Purpose = Purpose.QUESTION, now: datetime = NOW) -> Link | None:
    with firm.database.connect("foremend_api", autocommit=False) as conn:  # before any tenant is known
        return links.resolve(conn, token, purpose, now)


@pytest.fixture(autouse=True)
def somebody(firm: Firm) -> None:
    firm.device()


def test_who_brings_the_token_is_told_whose_and_what_for(firm: Firm) -> None:
    token = mint(firm)
    assert resolve(firm, token) == Link(tenant_id="demo", subject_id=SUBJECT, recipient=RECIPIENT, minted_at=NOW)


def test_a_link_is_for_one_purpose(firm: Firm) -> None:
    assert resolve(firm, mint(firm), Purpose.TICKET) is None


def test_a_link_expires(firm: Firm) -> None:
    token = mint(firm)
    assert resolve(firm, token, now=NOW + timedelta(minutes=59)) is not None
    assert resolve(firm, token, now=NOW + timedelta(minutes=60)) is None


def test_another_token_opens_nothing(firm: Firm) -> None:
    token = mint(firm)
    assert resolve(firm, token[:-1]) is resolve(firm, "") is resolve(firm, "\x00") is None


def test_no_token_is_in_the_database_and_none_is_like_another(firm: Firm) -> None:
    tokens = {mint(firm) for _ in range(3)}
    assert len(tokens) == 3
    with firm.database.connect() as conn:
        stored = repr(conn.execute("SELECT * FROM link").fetchall())
    assert not [token for token in tokens if token in stored]


def test_without_the_token_a_stranger_sees_no_link(firm: Firm) -> None:
    token = mint(firm)
    with firm.database.connect("foremend_api", autocommit=False) as conn:
        assert conn.execute("SELECT count(*) FROM link").fetchone() == (0,)
        links.resolve(conn, token, Purpose.QUESTION, NOW)
        assert conn.execute("SELECT count(*) FROM link").fetchone() == (1,)
