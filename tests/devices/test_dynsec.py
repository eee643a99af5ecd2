"""What a Mosquitto is told of credentials, decided without one."""

import re
from typing import Any

import psycopg
import pytest
import typer
from typer.testing import CliRunner

from api.cli import relay
from api.mosquitto import uses
from devices.credentials import dynsec
from devices.credentials.model import Username
from devices.credentials.secret import computed, mark, new_password, new_seed, sha256
from tests.conftest import Database

ONE, TWO = Username("demo", "d1", 1), Username("demo", "d1", 2)
MARK = mark(sha256("secret"))


def client(username: Username = ONE, **other: Any) -> dict[str, Any]:
    """As Mosquitto lists what we made it create."""
    made = dynsec.create(username, "secret", MARK)
    listed = {name: made[name] for name in ("username", "clientid", "textname", "roles")}
    return {**listed, "groups": [], **other}


def role(username: Username = ONE, **other: Any) -> dict[str, Any]:
    return {**dynsec.create_role(username), **other}


def told(*clients: dict[str, Any], roles: list[dict[str, Any]] | None = None) -> dynsec.Known:
    return dynsec.known(clients, [role()] if roles is None else roles, dynsec.set_defaults()["acls"])


def test_what_is_as_it_must_be_is_left_alone() -> None:
    live = {str(ONE): MARK, str(TWO): MARK}
    assert dynsec.difference(told(client(ONE), client(TWO)), live).is_nothing


def test_somebody_elses_clients_and_roles_are_left_alone() -> None:
    others = ({"username": "bridge", "roles": []}, {"username": "a.b", "roles": []})
    there = told(*others, roles=[{"rolename": "bridge", "acls": []}])
    assert dynsec.difference(there, {}).is_nothing


def test_what_ended_goes_with_the_role_that_nobody_needs_any_more() -> None:
    todo = dynsec.difference(told(client(ONE), client(TWO)), {str(TWO): MARK})
    assert (todo.ended, todo.stray_roles, todo.missing) == ([str(ONE)], [], [])
    todo = dynsec.difference(told(client(ONE)), {})
    assert (todo.ended, todo.stray_roles) == ([str(ONE)], ["device.demo.d1"])


@pytest.mark.parametrize(
    "changed",
    [
        {"clientid": "demo:d2"},
        {"clientid": None},
        {"disabled": True},
        {"roles": []},
        {"roles": [{"rolename": "device.demo.d1"}, {"rolename": "bridge"}]},
        {"groups": [{"groupname": "g"}]},
        {"textname": "another password"},
    ],
)
def test_a_client_that_was_changed_behind_our_back_is_made_anew(changed: dict[str, Any]) -> None:
    todo = dynsec.difference(told(client(**changed)), {str(ONE): MARK})
    assert (todo.ended, todo.missing) == ([str(ONE)], [str(ONE)])


def test_a_role_that_allows_more_is_made_anew_with_its_clients() -> None:
    wider = [*role()["acls"], {"acltype": "publishClientSend", "topic": "#", "allow": True}]
    todo = dynsec.difference(told(client(), roles=[role(acls=wider)]), {str(ONE): MARK})
    assert (todo.ended, todo.stray_roles, todo.missing) == ([str(ONE)], ["device.demo.d1"], [str(ONE)])


def test_defaults_that_allow_something_are_wrong() -> None:
    there = dynsec.known([], [], [{"acltype": "publishClientSend", "allow": True}])
    assert dynsec.difference(there, {}).wrong_defaults


def test_a_device_may_do_three_things() -> None:
    assert dynsec.allowed(ONE) == {
        ("publishClientSend", "fm/demo/d1/up/#", True),
        ("publishClientReceive", "fm/demo/d1/down/#", True),
        ("subscribePattern", "fm/demo/d1/down/#", True),
    }


def test_after_it_was_told_nothing_is_left_to_do() -> None:
    live = {str(ONE): MARK}
    there = told(client(TWO), roles=[])
    todo = dynsec.difference(there, live)
    commands = [dynsec.create_role(ONE), dynsec.create(ONE, "secret", MARK)]
    assert dynsec.difference(dynsec.after(there, todo, commands), live).is_nothing


def test_a_password_is_computed_from_key_and_seed_and_looks_like_a_random_one() -> None:
    key, seed = b"k" * 48, new_seed()
    password = computed(key, seed)
    assert password == computed(key, seed)
    assert len(password) == len(new_password())
    assert re.fullmatch(r"[a-z2-7]+", password)
    assert len({password, computed(b"other", seed), computed(key, new_seed())}) == 3


def test_pages_write_seeds_and_never_read_them(database: Database) -> None:
    with database.connect("foremend_api") as conn, pytest.raises(psycopg.errors.InsufficientPrivilege):
        conn.execute("SELECT seed FROM credential_seed")
    with database.connect("foremend_worker") as conn, pytest.raises(psycopg.errors.InsufficientPrivilege):
        conn.execute("SELECT seed FROM credential_seed")


@pytest.mark.parametrize(
    ("line", "use"),
    [
        (
            "1: New client connected from 10.0.0.7:40544 as demo:d1 (p5, c1, k60, u'demo.d1.1').",
            ("demo.d1.1", "10.0.0.7"),
        ),
        (
            "1: New client connected from fe80::1:40544 as demo:d1 (p2, c0, k60, u'demo.d1.12').",
            ("demo.d1.12", "fe80::1"),
        ),
        ("1: New client connected from 10.0.0.7:40544 as x (p5, c1, k60, u'bridge').", None),
        ("1: New client connected from 10.0.0.7:40544 as x (p5, c1, k60).", None),
        ("1: Client demo:d1 disconnected.", None),
    ],
)
def test_who_came_in_is_read_from_the_brokers_log(line: str, use: tuple[str, str] | None) -> None:
    assert uses.read(line) == use


@pytest.mark.parametrize(
    ("url", "key", "wrong"),
    [
        ("mosquitto:1882", "k" * 48, "mqtt://HOST:PORT"),
        ("mqtt://user:word@mosquitto", "k" * 48, "mqtt://HOST:PORT"),
        ("mqtt://mosquitto:1882", None, "FOREMEND_CREDENTIAL_KEY"),
    ],
)
def test_a_setting_that_cannot_work_is_one_sentence_to_the_person(
    monkeypatch: pytest.MonkeyPatch, url: str, key: str | None, wrong: str
) -> None:
    for name, value in {"DSN": "dbname=nowhere", "MOSQUITTO_URL": url, "CREDENTIAL_KEY": key or ""}.items():
        monkeypatch.setenv(f"FOREMEND_{name}", value)
    app = typer.Typer()
    app.callback()(lambda: None)
    relay.register(app)
    answer = CliRunner().invoke(app, ["relay"])
    assert answer.exit_code == 1
    assert wrong in answer.output
