"""Whoever is not wholly itself stays outside: other names, other passwords, other client ids, guesses, odd bytes."""

import base64
import json
import socket
from functools import partial
from types import SimpleNamespace

import psycopg
import pytest

from api.door.asking import Ask
from api.door.doorkeeper import Doorkeeper
from api.door.notes import Notes
from api.door.token import Issuer
from api.engines.nats_request import NatsRequestError, request
from api.engines.process import wait_until
from devices.credentials.model import Issued, Username
from tests.engines.doorway import Doorway, at_once, client_of, denied

pytestmark = pytest.mark.engines

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


@pytest.fixture(scope="session")  # nothing is issued twice
def stranger(door: Doorway) -> Issued:
    return door.issue("stranger")


def test_whoever_is_not_wholly_itself_is_not_let_in(door: Doorway, stranger: Issued) -> None:
    callers = [partial(client_of, door, stranger, **lie) for lie in STRANGERS.values()]
    assert dict(zip(STRANGERS, at_once(callers), strict=True)) == dict.fromkeys(STRANGERS, False)


def test_whoever_is_wholly_itself_is_let_in(door: Doorway, stranger: Issued) -> None:
    caller = client_of(door, stranger)
    assert caller.is_in
    caller.leave()


def knock(door: Doorway, packet: bytes) -> bytes:
    """What the broker answers to these bytes."""
    with socket.create_connection(("127.0.0.1", door.nats.mqtt_port), 60) as wire:
        wire.sendall(packet)
        try:
            return wire.recv(4)
        except OSError:
            return b""


def a_connect(*fields: bytes, flags: int = 0xC2, level: int = 4) -> bytes:
    """As no library would let anybody write it."""
    said = b"".join(len(field).to_bytes(2, "big") + field for field in fields)
    body = b"\x00\x04MQTT" + bytes([level, flags, 0, 60]) + (b"\x00" if level == 5 else b"") + said
    size = bytes([len(body) & 127 | 128, len(body) >> 7 & 127 | 128, len(body) >> 14])
    return b"\x10" + size + body


def test_bytes_that_no_library_sends_let_nobody_in_and_the_door_goes_on(door: Doorway, stranger: Issued) -> None:
    name, word, own = (
        text.encode() for text in (str(stranger.username), stranger.password, stranger.username.client_id)
    )
    packets = {
        "as it should be": a_connect(own, name, word),
        "a name of 60 KB": a_connect(own, name * 2000, word),
        "a password of 60 KB": a_connect(own, name, word * 1800),
        "no letters": a_connect(own, b"\xff\xfe", b"\xc3\x28"),
        "a NUL": a_connect(own, name + b"\x00", word),
        "a newline": a_connect(own, name + b"\n", word),
        "a name without a password": a_connect(own, name, flags=0x82),
        "nothing": a_connect(b"", b"", b""),
        "MQTT 5": a_connect(own, name, word, level=5),
    }
    answers = {lie: knock(door, packet) for lie, packet in packets.items()}
    assert [lie for lie, answer in answers.items() if answer[:2] == b"\x20\x02" and answer[3:] == b"\x00"] == [
        "as it should be"
    ]
    assert knock(door, packets["as it should be"])[3:] == b"\x00"


def test_a_device_cannot_come_in_by_the_houses_own_entrance(door: Doorway) -> None:
    issued = door.issue("entrance")
    with pytest.raises(NatsRequestError, match="Authorization"):
        request(f"nats://{issued.username}:{issued.password}@127.0.0.1:{door.nats.port}", "$JS.API.INFO")


def test_guessing_is_limited_and_counted_and_locks_no_device_out(door: Doorway) -> None:
    issued = door.issue("guessed")
    home = client_of(door, issued)
    assert home.is_in
    home.leave()
    assert wait_until(lambda: door.ask("SELECT last_address FROM credential WHERE username ~ 'guessed'")[0][0], 60)
    assert not any(at_once([partial(client_of, door, issued, password="guess", address="127.0.0.9")] * 12))
    assert not client_of(door, issued, address="127.0.0.9").is_in, "from there nobody is looked at any more"
    assert at_once([partial(client_of, door, issued)]) == [True], "from where it was before, it comes in"
    assert at_once([partial(client_of, door, issued, address="127.0.0.10")]) == [True], "and from anywhere else"
    assert wait_until(lambda: denied(door, "guessed", "SIGN_IN") == 13, 60)
    counts = dict(door.ask("SELECT what, times FROM door_count WHERE what ~ '^(WRONG_PASSWORD|LIMITED)'"))
    assert counts["WRONG_PASSWORD"] >= 10
    assert counts["LIMITED"] >= 3


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
