"""What a broker grants or refuses, in both versions, in words; and whether the other version is worth trying."""

from typing import Any

import pytest
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.reasoncodes import ReasonCode

from ingest.bridge import answers, reasons
from ingest.bridge.answers import Welcome
from ingest.bridge.packets import CONNACK, SUBACK, Answer, Publish, subscribe
from ingest.bridge.versions import LEVEL_3, LEVEL_5
from ingest.errors import BrokerError, BrokerRefusesError, OtherLevelError, PacketError, SessionTakenError
from tests.ingest.mqtt_speech import of_packet


def connack(code: int, *, flags: int = 0, **properties: Any) -> Answer:
    return Answer(CONNACK, bytes([flags, code]) + of_packet(PacketTypes.CONNACK, **properties).pack())


def suback(*codes: int, **properties: Any) -> bytes:
    return b"\x00\x01" + of_packet(PacketTypes.SUBACK, **properties).pack() + bytes(codes)


def farewell(code: int, **properties: Any) -> bytes:
    return bytes([code]) + of_packet(PacketTypes.DISCONNECT, **properties).pack()


def test_what_a_broker_of_mqtt_5_grants_is_read() -> None:
    said = connack(
        0,
        flags=1,
        SessionExpiryInterval=600,
        ServerKeepAlive=15,
        ReceiveMaximum=100,
        AssignedClientIdentifier="made up",
        MaximumPacketSize=4096,
        SharedSubscriptionAvailable=0,
        WildcardSubscriptionAvailable=0,
        TopicAliasMaximum=10,
        UserProperty=("a", "b"),
    )
    assert answers.welcome(LEVEL_5, said) == Welcome(
        resumed=True,
        keep_alive_s=15,
        receive_maximum=100,
        session_expiry_s=600,
        client_id="made up",
        largest_packet=4096,
        shared=False,
        wildcards=False,
    )


def test_a_broker_that_says_nothing_of_it_grants_everything() -> None:
    assert answers.welcome(LEVEL_5, connack(0)) == Welcome(resumed=False)
    assert answers.welcome(LEVEL_3, Answer(CONNACK, b"\x01\x00")) == Welcome(resumed=True)


@pytest.mark.parametrize(
    ("level", "body"), [(LEVEL_5, b"\x00\x84\x00"), (LEVEL_5, b"\x00\x01"), (LEVEL_3, b"\x00\x01")]
)
def test_a_broker_that_does_not_speak_a_version_says_so_in_either_form(level: int, body: bytes) -> None:
    with pytest.raises(OtherLevelError, match=r"does not speak MQTT"):
        answers.welcome(level, Answer(CONNACK, body))


@pytest.mark.parametrize(
    ("code", "error", "words"),
    [
        (0x80, BrokerError, "does not say why"),
        (0x85, BrokerRefusesError, "client id"),
        (0x86, BrokerRefusesError, "wrong username or password"),
        (0x87, BrokerRefusesError, "this user may not do this"),
        (0x88, BrokerError, "not available"),
        (0x89, BrokerError, "busy"),
        (0x97, BrokerError, "quota"),
        (0x9D, BrokerRefusesError, "moved for good"),
        (0x9F, BrokerError, "too often"),
        (0xEE, BrokerRefusesError, "reason code 238"),
    ],
)
def test_a_refusal_is_quoted_and_told_apart_by_whether_waiting_helps(
    code: int, error: type[BrokerError], words: str
) -> None:
    with pytest.raises(BrokerError, match=words) as raised:
        answers.welcome(LEVEL_5, connack(code))
    assert type(raised.value) is error


def test_what_the_broker_says_about_it_is_quoted_too() -> None:
    with pytest.raises(BrokerRefusesError, match="'ask the administrator'"):
        answers.welcome(LEVEL_5, connack(0x87, ReasonString="ask the administrator"))
    with pytest.raises(BrokerError, match=r"another server \('b.example'\)"):
        answers.welcome(LEVEL_5, connack(0x9C, ServerReference="b.example"))


@pytest.mark.parametrize(
    ("level", "said"),
    [
        (LEVEL_5, Answer(CONNACK, b"\x00\x00")),
        (LEVEL_5, Answer(CONNACK, b"\x00\x00\x00\x00")),
        (LEVEL_5, Answer(CONNACK, b"\x00\x00\x05\x21\x00\x01")),
        (LEVEL_5, Answer(CONNACK, b"\x00")),
        (LEVEL_3, Answer(CONNACK, b"\x00\x00\x00")),
        (LEVEL_5, Answer(SUBACK, b"\x00\x01\x00\x01")),
        (LEVEL_5, Publish(b"a", 1, b"", 0)),
    ],
)
def test_what_is_no_welcome_is_the_brokers_error(level: int, said: Answer | Publish) -> None:
    with pytest.raises(PacketError):
        answers.welcome(level, said)


@pytest.mark.parametrize(
    ("offered", "filters", "words"),
    [
        ({"shared": False}, ["a", "$share/g/a"], "no shared subscriptions"),
        ({"wildcards": False}, ["a/+/b"], "no subscriptions with wildcards"),
        ({"largest_packet": 10}, ["plant/state"], "ask for fewer filters"),
    ],
)
def test_what_the_broker_has_said_that_it_does_not_have_is_not_asked_for(
    offered: dict[str, Any], filters: list[str], words: str
) -> None:
    packet = subscribe(1, filters, level=LEVEL_5)
    answers.check(Welcome(resumed=False), filters, packet)
    with pytest.raises(BrokerRefusesError, match=words):
        answers.check(Welcome(resumed=False, **offered), filters, packet)
    answers.check(Welcome(resumed=False, **offered), ["a"], b"")


def test_a_filter_is_granted_with_qos_1_or_refused_in_the_brokers_words() -> None:
    answers.granted(LEVEL_5, suback(1, 1, ReasonString="fine"), ["a", "b"])
    for body, words in (
        (suback(1, 0x87), "subscribe to 'b': this user may not do this"),
        (suback(1, 0x87, ReasonString="not yours"), "subscribe to 'b': not yours"),
        (suback(1, 0x9E), "subscribe to 'b': it has no shared subscriptions"),
        (suback(1, 0), "grants 'b' with QoS 0 only"),
        (suback(1), "subscribe to 'b'"),
    ):
        with pytest.raises(BrokerRefusesError, match=words):
            answers.granted(LEVEL_5, body, ["a", "b"])


@pytest.mark.parametrize(
    ("body", "error", "words"),
    [
        (b"", BrokerError, "goodbye"),
        (b"\x8b", BrokerError, "shutting down"),
        (farewell(0x8E), SessionTakenError, "another client with our client id"),
        (farewell(0x8E, ReasonString="by b"), SessionTakenError, "'by b'"),
        (farewell(0x9D, ServerReference="b.example:1883"), BrokerRefusesError, "'b.example:1883'"),
        (farewell(0x98), BrokerError, "administers"),
    ],
)
def test_a_broker_that_sends_us_away_says_why(body: bytes, error: type[BrokerError], words: str) -> None:
    dismissed = answers.dismissed(body)
    assert type(dismissed) is error
    assert words in str(dismissed)


def test_every_reason_that_the_specification_has_for_us_has_words() -> None:
    """By paho's list."""
    names = ReasonCode(PacketTypes.DISCONNECT).names
    heard = {PacketTypes.CONNACK, PacketTypes.PUBACK, PacketTypes.SUBACK, PacketTypes.DISCONNECT}
    for code, said in names.items():
        if code >= 0x80 and any(heard & set(packets) for packets in said.values()):
            assert "reason code" not in reasons.words(code), said
