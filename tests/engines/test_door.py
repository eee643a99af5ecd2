"""Devices must sign in: each is let in as itself and can say and hear nothing but its own, whatever it tries."""

import base64
import json
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import psycopg
import pytest
from psycopg import sql

from api.door.asking import Ask
from api.door.doorkeeper import Doorkeeper
from api.door.notes import Notes
from api.door.token import Issuer
from api.engines.nats import Nats, free_port
from api.engines.nats_request import NatsRequestError, request
from api.engines.postgres import Postgres
from api.engines.process import wait_until
from api.settings import SignIn
from devices.credentials.model import Issued, Username
from tests.conftest import _TEMPLATE, Database, _named
from tests.engines.doorway import Client, Doorway

pytestmark = pytest.mark.engines


@pytest.fixture(scope="module")
def shut(engines_folder: Path, postgres_server: Postgres) -> Iterator[Doorway]:
    """One NATS and one record for all of this file; nobody answers yet."""
    nats = Nats(engines_folder / "door", port=free_port(), mqtt_port=free_port(), sign_in=SignIn.REQUIRED)
    nats.start()
    name = sql.Identifier("foremend_door")
    with psycopg.connect(postgres_server.dsn, user="postgres", autocommit=True) as conn:
        conn.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(name, sql.Identifier(_TEMPLATE)))
        yield Doorway(nats=nats, database=Database(dsn=_named(postgres_server.dsn, "foremend_door")))
        conn.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))
    nats.stop()


@pytest.fixture(scope="module")
def door(shut: Doorway) -> Iterator[Doorway]:
    with shut.answering():
        shut.issue("neighbour")
        shut.issue("fridge-1", "other")
        yield shut


def client_of(door: Doorway, issued: Issued, **other: str) -> Client:
    said = {"username": str(issued.username), "password": issued.password, "client_id": issued.username.client_id}
    return Client(door.nats.mqtt_port, **{**said, **other})


@pytest.fixture(scope="module")
def own(door: Doorway) -> Iterator[Client]:
    client = client_of(door, door.issue("fridge-1"))
    assert client.is_in
    yield client
    client.leave()


def denied(door: Doorway, device_id: str, kind: str) -> int:
    rows = door.ask(
        f"SELECT denied FROM denial JOIN device USING (device_no) WHERE device_id = '{device_id}' AND kind = '{kind}'"
        " AND denial.tenant_id = 'demo'"
    )
    return rows[0][0] if rows else 0


def test_a_device_is_heard_on_its_own_topic_and_hears_what_it_is_told(door: Doorway, own: Client) -> None:
    before = door.log().last_seq
    own.publish("fm/demo/fridge-1/up/telemetry", b"{}")
    assert door.log().last_seq == before + 1
    assert own.subscribe("fm/demo/fridge-1/down/#") == 1
    request_down(door, "fridge-1")
    assert wait_until(lambda: own.heard == ["fm/demo/fridge-1/down/do"], 5)


def request_down(door: Doorway, device_id: str) -> None:
    with pytest.raises(NatsRequestError):  # nobody answers; a device hears
        request(door.nats.url, f"fm.demo.{device_id}.down.do", timeout_s=0.2)


FOREIGN = {
    "another device's": "fm/demo/neighbour/up/telemetry",
    "another tenant's": "fm/other/fridge-1/up/telemetry",
    "its own orders": "fm/demo/fridge-1/down/do",
    "what only the house says": "fm/demo/fridge-1/ctl/label",
    "a level too few": "fm/demo/fridge-1/up",
    "the log": "log/1/demo/fridge-1/up/telemetry",
    "the server": "$SYS/REQ/SERVER/PING/VARZ",
    "the door's own question": "$SYS/REQ/USER/AUTH",
    "the streams' api": "$JS/API/STREAM/DELETE/LOG",
    "the listener": "$MQTT/msgs/fm/demo/neighbour/up/telemetry",
    "a shared one": "$share/g/fm/demo/fridge-1/up/telemetry",
    "an inbox": "_INBOX/foremend/1",
}


@pytest.mark.parametrize("qos", [0, 1, 2])
def test_what_it_publishes_anywhere_else_goes_nowhere_and_is_counted(door: Doorway, own: Client, qos: int) -> None:
    seq, counted = door.log().last_seq, denied(door, "fridge-1", "PUBLISH")
    for topic in FOREIGN.values():
        own.publish(topic, qos=qos)
    assert own.is_in, "it is not thrown out, and cannot tell"
    assert door.log().last_seq == seq
    assert wait_until(lambda: denied(door, "fridge-1", "PUBLISH") == counted + len(FOREIGN), 5)
    assert "LOG" in str(request(door.nats.url, "$JS.API.STREAM.NAMES")["streams"])


DEAF = [
    "#", "+/#", "fm/#", "fm/+/+/down/#", "fm/demo/+/down/#", "fm/demo/neighbour/down/#", "fm/other/fridge-1/down/#",
    "fm/demo/fridge-1/up/#", "fm/demo/fridge-1/#", "$share/g/fm/demo/fridge-1/down/#",
    "$share/g/fm/demo/neighbour/down/#", "$SYS/#", "$JS/#", "$MQTT/#", "$MQTT/sub/#", "$MQTT/deliver/pubrel/#",
    "log/#", "_INBOX/#",
]  # fmt: skip


def test_what_it_subscribes_to_anywhere_else_is_refused(own: Client, door: Doorway) -> None:
    before = denied(door, "fridge-1", "SUBSCRIBE")
    assert {topic: own.subscribe(topic) for topic in DEAF} == dict.fromkeys(DEAF, 0x80)
    assert wait_until(
        lambda: denied(door, "fridge-1", "SUBSCRIBE") >= before + sum(not topic.startswith("$MQTT/") for topic in DEAF),
        5,
    )


def test_a_last_will_in_another_ones_name_goes_nowhere(door: Doorway) -> None:
    before = door.log().last_seq
    issued = door.issue("will")
    client = client_of(door, issued, will="fm/demo/neighbour/up/presence")
    if client.is_in:
        client.vanish()
    time.sleep(0.3)
    assert door.log().last_seq == before


STRANGERS = {
    "no name": {"username": None, "password": None},
    "no password": {"password": None},
    "another password": {"password": "wrong"},
    "a name never given": {"username": "demo.stranger.2"},
    "another device's name": {"username": "demo.neighbour.1"},
    "another tenant's name": {"username": "other.stranger.1"},
    "no device's name": {"username": "house"},
    "another client id": {"client_id": "demo:neighbour"},
    "no client id": {"client_id": ""},
    "a client id with a prefix": {"client_id": "demo:stranger:2"},
}


@pytest.fixture(scope="module")
def stranger(door: Doorway) -> Issued:
    return door.issue("stranger")


def at_once(callers: Sequence[Callable[[], Client]]) -> list[bool]:
    """Who of them is let in, all of them calling together."""

    def call(caller: Callable[[], Client]) -> bool:
        client = caller()
        client.leave()
        return client.code == 0

    with ThreadPoolExecutor(len(callers)) as threads:
        return list(threads.map(call, callers))


def test_whoever_is_not_wholly_itself_is_not_let_in(door: Doorway, stranger: Issued) -> None:
    callers = [partial(client_of, door, stranger, **lie) for lie in STRANGERS.values()]
    assert dict(zip(STRANGERS, at_once(callers), strict=True)) == dict.fromkeys(STRANGERS, False)


def test_whoever_is_wholly_itself_is_let_in(door: Doorway, stranger: Issued) -> None:
    caller = client_of(door, stranger)
    assert caller.is_in
    caller.leave()


def test_a_device_cannot_come_in_by_the_houses_own_entrance(door: Doorway) -> None:
    issued = door.issue("entrance")
    with pytest.raises(NatsRequestError, match="Authorization"):
        request(f"nats://{issued.username}:{issued.password}@127.0.0.1:{door.nats.port}", "$JS.API.INFO")


def test_a_revoked_one_is_dropped_within_5_s_and_does_not_come_back(door: Doorway) -> None:
    issued = door.issue("revoked")
    client = client_of(door, issued)
    assert client.is_in
    begun_s = time.monotonic()
    door.revoke("revoked")
    assert client.lost.wait(5)
    assert time.monotonic() - begun_s < 5
    again = client_of(door, issued)
    assert not again.is_in


def test_a_rotation_has_no_gap_and_the_old_one_ends_when_the_new_one_is_used(door: Doorway) -> None:
    old = door.issue("rotated")
    first = client_of(door, old)
    new = door.rotate("rotated")
    time.sleep(0.3)  # turns of the upkeep
    assert first.is_in
    first.publish("fm/demo/rotated/up/telemetry", b"{}")
    second = client_of(door, new)
    assert second.is_in
    assert first.lost.wait(5), "two with one client id: the later one stays"
    assert wait_until(lambda: not client_of(door, old).is_in, 5)
    assert wait_until(lambda: client_of(door, new).is_in, 5)
    rows = door.ask("SELECT n, expires_at < now(), revoked_at FROM credential WHERE username ~ 'rotated' ORDER BY n")
    assert rows == [(1, True, None), (2, None, None)]


def test_guessing_is_limited_and_counted_and_locks_no_device_out(door: Doorway) -> None:
    issued = door.issue("guessed")
    home = client_of(door, issued)
    assert home.is_in
    home.leave()
    assert wait_until(lambda: door.ask("SELECT last_address FROM credential WHERE username ~ 'guessed'")[0][0], 5)
    assert not any(at_once([partial(client_of, door, issued, password="guess", address="127.0.0.9")] * 12))
    assert not client_of(door, issued, address="127.0.0.9").is_in, "from there nobody is looked at any more"
    assert at_once([partial(client_of, door, issued)]) == [True], "from where it was before, it comes in"
    assert at_once([partial(client_of, door, issued, address="127.0.0.10")]) == [True], "and from anywhere else"
    assert wait_until(lambda: denied(door, "guessed", "SIGN_IN") == 13, 5)
    counts = dict(door.ask("SELECT what, times FROM door_count WHERE what ~ '^(WRONG_PASSWORD|LIMITED)'"))
    assert counts["WRONG_PASSWORD"] >= 10
    assert counts["LIMITED"] >= 3


def test_nobody_writes_into_the_log_what_another_one_was_denied(door: Doorway) -> None:
    line = '[1] 2026/11/25 22:30:12.206230 [ERR] 1.2.3.4:5 - mid:7 - "demo:framed" - Publish Violation - Subject "fm.x"'
    door.a_device("framed")
    forger = door.issue("forger")
    client = client_of(door, forger)
    client.client.publish(f"fm/demo/forger/ctl/x\n{line}\n".replace(" ", "\t"), qos=1)
    client.lost.wait(0.3)
    client.leave()
    for topic in (f"fm/x\n{line}", f"fm/x\n{line}\n".replace(" ", "\t")):
        client = client_of(door, forger)
        client.client.subscribe(topic, qos=1)
        client.lost.wait(0.3)
        client.leave()
    at_once(
        [partial(client_of, door, forger, client_id=f"x\n{line}\n"), partial(client_of, door, forger, username=line)]
    )
    time.sleep(0.5)
    assert "framed" in door.nats.said.read_text()
    assert denied(door, "framed", "PUBLISH") == 0


def test_no_password_is_in_any_log(door: Doorway) -> None:
    issued = door.issue("secret")
    client_of(door, issued).leave()
    client_of(door, issued, password="a-guess-of-mine").leave()
    text = door.nats.said.read_text() + door.nats.log.read_text()
    assert issued.password not in text
    assert "a-guess-of-mine" not in text
    assert door.nats.issuer not in text


def an_ask(issued: Issued) -> Ask:
    return Ask(
        reply=b"r",
        server_id="N",
        user_key="U",
        said=str(issued.username),
        username=issued.username,
        password=issued.password,
        client_id=issued.username.client_id,
        address="192.0.2.1",
    )


def was_let_in(answer: bytes) -> bool:
    body = answer.split(b".")[1]
    return "jwt" in json.loads(base64.urlsafe_b64decode(body + b"=="))["nats"]


def test_while_the_record_is_away_whoever_was_in_is_let_in_again(shut: Doorway) -> None:
    issued, stranger = shut.issue("remembered"), Issued(username=Username("demo", "nobody", 1), password="x")
    state = SimpleNamespace(away=False)

    def connect() -> psycopg.Connection:
        if state.away:
            raise psycopg.OperationalError("away")
        return shut.database.connect("foremend_relay")

    keeper = Doorkeeper(issuer=Issuer("x" * 32), connect=connect, notes=Notes())
    assert was_let_in(keeper.answer([an_ask(issued)])[0])
    keeper.close()
    state.away = True
    answers = keeper.answer([an_ask(issued), an_ask(stranger)])
    assert [was_let_in(answer) for answer in answers] == [True, False]
    assert keeper.notes.totals["UNDECIDED"] == 1
    keeper.close()
