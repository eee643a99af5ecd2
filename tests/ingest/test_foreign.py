"""Topics of other brokers: mapped as people wrote it, and whatever finds no place is refused by name, never lost."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest import topics
from ingest.bridge import foreign
from ingest.bridge.foreign import AS_IT_IS, Fate, Mapping, Place
from ingest.errors import MapError
from ingest.model import Reason


def place(topic: str | bytes, *rules: str) -> Place:
    encoded = topic if isinstance(topic, bytes) else topic.encode()
    return Mapping([foreign.parse(rule) for rule in rules or (AS_IT_IS,)], "demo").place(encoded)


def stored(subject: bytes) -> str:
    """As the log's subject transform writes it."""
    return "log.7" + subject.decode().removeprefix("fm")


@pytest.mark.parametrize(
    ("rule", "topic", "ours"),
    [
        ("plant/+/+/telemetry=fm/demo/{2}/up/telemetry", "plant/a/d1/telemetry", "fm.demo.d1.up.telemetry"),
        ("plant/+/+/+=fm/{1}/{2}/up/telemetry/{3}", "plant/acme/d1/cbor", "fm.acme.d1.up.telemetry.cbor"),
        ("+/+=fm/demo/{1}-{2}/up/telemetry", "a/b", "fm.demo.a-b.up.telemetry"),
        ("one=fm/demo/d1/up/telemetry", "one", "fm.demo.d1.up.telemetry"),
        ("old/#=fm/{1}", "old/demo/d1/up/telemetry", "fm.demo.d1.up.telemetry"),
        ("#=fm/demo/{1}/up/telemetry", "d1", "fm.demo.d1.up.telemetry"),
        ("a=b/+=fm/demo/{1}/up/telemetry", "a=b/d1", "fm.demo.d1.up.telemetry"),
        (AS_IT_IS, "fm/demo/d1/up/telemetry", "fm.demo.d1.up.telemetry"),
    ],
)
def test_a_topic_becomes_the_one_that_its_rule_says(rule: str, topic: str, ours: str) -> None:
    assert place(topic, rule) == (ours.encode(), Fate.OURS)


def test_the_first_rule_that_matches_decides() -> None:
    rules = ("a/+/x=fm/demo/first/up/telemetry", "a/#=fm/demo/second/up/telemetry")
    assert place("a/b/x", *rules).subject == b"fm.demo.first.up.telemetry"
    assert place("a/b/y", *rules).subject == b"fm.demo.second.up.telemetry"
    assert place("a", *rules).subject == b"fm.demo.second.up.telemetry"


@pytest.mark.parametrize(
    "topic", ["plant/d1", "plant/a/d1/telemetry/x", "Plant/a/d1/telemetry", "$SYS/broker", "", "/"]
)
def test_what_no_filter_matches_is_unmapped(topic: str) -> None:
    assert place(topic, "plant/+/+/telemetry=fm/demo/{2}/up/telemetry").fate is Fate.UNMAPPED


@pytest.mark.parametrize("asked", ["#", "+/broker"])
def test_a_leading_wildcard_does_not_match_the_brokers_own_topics(asked: str) -> None:
    assert place("$SYS/broker", f"{asked}=fm/demo/d1/up/telemetry").fate is Fate.UNMAPPED


@pytest.mark.parametrize(
    "topic",
    [
        "fm/demo/d1/ctl/labels",
        "fm/demo/d1/down/x",
        "fm/demo/d1/up",
        "fm/demo/d1/up/",
        "fm/demo/d.1/up/telemetry",
        "fm/demo/d 1/up/telemetry",
        "fm/demo/*/up/telemetry",
        "fm/demo/d1/up/telemetry\n",
        "fm/demo//up/telemetry",
        "fm/demo/d1/up/" + "x/" * 600 + "x",
        b"fm/demo/d\xff1/up/telemetry",
    ],
)
def test_what_becomes_no_topic_of_a_device_is_invalid(topic: str | bytes) -> None:
    """Commands and control messages least of all: they are the house's own."""
    assert place(topic).fate is Fate.INVALID


@given(st.binary(min_size=1, max_size=80) | st.text(max_size=600).map(lambda text: text.encode("utf-8", "ignore")))
def test_every_topic_has_a_subject_that_nats_takes_and_that_says_where_it_came_from(topic: bytes) -> None:
    subject, fate = place(topic, "plant/+=fm/demo/{1}/up/telemetry")
    assert len(subject) < 2000
    assert not set(subject) & set(b" \t\r\n\0*>")
    levels = subject.split(b".")
    assert all(levels)
    assert levels[:2] == [b"fm", b"demo"]
    assert levels[3] == b"up"
    assert topics.read(stored(subject)).reason == (None if fate is Fate.OURS else Reason.BAD_TOPIC)


@pytest.mark.parametrize(
    ("topic", "shown"),
    [
        ("plant/3/state", "plant/3/state"),
        ("d1", "d1"),
        ("温度/三号", "温度/三号"),
        ("/a//b/", "%2Fa/%2Fb%2F"),
        ("a.b c*>%", "a%2Eb%20c%2A%3E%25"),
    ],
)
def test_a_refusal_names_the_foreign_topic_and_says_what_is_wrong(topic: str, shown: str) -> None:
    source = topics.read(stored(place(topic, "x/+=fm/demo/{1}/up/telemetry").subject))
    assert source.topic == f"fm/demo/bridge:{shown}/up/unmapped"
    assert (source.tenant_id, source.key) == ("demo", None)
    assert "no --map" in source.detail
    assert "makes no topic of a device" in topics.read(stored(place("fm/" + topic).subject)).detail


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ("plant/+", "should read FILTER=fm/"),
        ("=fm/demo/d1/up/telemetry", "no topic filter"),
        ("plant/a+=fm/demo/d1/up/telemetry", "no topic filter"),
        ("#/a=fm/demo/d1/up/telemetry", "no topic filter"),
        ("plant/+=fm/demo/{2}/up/telemetry", "can stand in the topic"),
        ("plant/+=fm/demo/{0}/up/telemetry", "can stand in the topic"),
        ("plant/+=fm/demo/{x}/up/telemetry", "can stand in the topic"),
        ("plant/+=fm/demo/{1}/down/telemetry", "no topic of a device"),
        ("plant/+=fm/demo/{1}/up", "no topic of a device"),
        ("plant/+=fm/de mo/{1}/up/telemetry", "no topic of a device"),
        ("$share/g/plant/+=fm/demo/{1}/up/telemetry", "leaves it out"),
    ],
)
def test_a_map_that_cannot_be_meant_is_refused_in_words(rule: str, words: str) -> None:
    with pytest.raises(MapError, match=words):
        foreign.parse(rule)


@pytest.mark.parametrize("rule", [AS_IT_IS, "plant/+/up/#=fm/demo/{1}/up/{2}"])
def test_no_wildcard_lets_a_device_speak_for_others_as_an_edge_node_does(rule: str) -> None:
    topic = f"{'fm/demo' if rule == AS_IT_IS else 'plant'}/d1/up/sparkplug/plant/DDATA/neighbour"
    assert place(topic, rule).fate is Fate.INVALID
    assert place(topic.replace("sparkplug/plant/DDATA/neighbour", "telemetry"), rule).fate is Fate.OURS
    assert place("spBv1.0/plant/DDATA/edge1/d1", *foreign.edges("demo").maps).fate is Fate.OURS


def test_topics_without_end_are_not_remembered_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(foreign, "_REMEMBERED", 10)
    mapping = Mapping([foreign.parse(AS_IT_IS)], "demo")
    assert len({mapping.place(b"fm/demo/d%d/up/telemetry" % number) for number in range(100)}) == 100
    assert len(mapping._known) <= 10


def test_a_topic_that_is_longer_than_any_of_ours_has_its_place_and_is_not_remembered() -> None:
    mapping = Mapping([foreign.parse(AS_IT_IS)], "demo")
    for number in range(10):
        assert mapping.place(b"fm/demo/d1/up/%d" % number + b"y" * 60_000).fate is Fate.INVALID
    assert mapping._known == {}
