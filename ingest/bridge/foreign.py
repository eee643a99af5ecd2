"""Where a message of another broker belongs in our log: by its topic, after a map that people write.

`plant/+/+/telemetry=fm/demo/{2}/up/telemetry`: a filter of MQTT, and a topic of ours in which `{1}`, `{2}` stand for
what the filter's wildcards met; a `#` may meet several levels. The first that matches decides. What none matches, or
what becomes no topic of ours, has a place too: among the refusals, under a name that still says where it came from.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

from ingest import topics
from ingest.edge.model import Kind
from ingest.errors import MapError
from ingest.model import REPLAYABLE

AS_IT_IS = "fm/#=fm/{1}"
_OURS = re.compile(REPLAYABLE)
_EXAMPLE = "plant/+/state=fm/demo/{1}/up/telemetry"
_LONGEST = 1024  # characters of a subject: NATS reads at most 4096 bytes of a command
_SHOWN = 200
_REMEMBERED = 100_000  # topics; a foreign broker may have any number
_PLACEHOLDER = re.compile(r"\{(\d+)\}")


class Fate(StrEnum):
    """What became of a foreign topic."""

    OURS = "ours"
    UNMAPPED = "unmapped"  # no filter matches
    INVALID = "invalid"  # one matches, and its topic is none that a device of ours may have


class Place(NamedTuple):
    """`subject` of the log, and why it is this one."""

    subject: bytes
    fate: Fate


@dataclass(frozen=True, kw_only=True)
class Rule:
    """`for_edges`: it says itself that edge nodes speak there. What a wildcard meets must not say so: an edge node
    speaks for devices, and whoever may only speak for himself there would speak for any."""

    pattern: re.Pattern[str]
    render: Callable[[Sequence[str]], str]
    for_edges: bool


def parse(text: str) -> Rule:
    """`FILTER=fm/...`. Raises MapError."""
    asked, equals, target = text.rpartition("=fm/")
    if not equals:
        raise MapError(f"{text!r} should read FILTER=fm/..., such as {_EXAMPLE!r}")
    check_filter(asked)
    if asked.startswith("$share/"):
        raise MapError(f"{text!r}: topics come without $share/GROUP/, so the map leaves it out too")
    levels = asked.split("/")
    wildcards = [level for level in levels if level in {"+", "#"}]
    render = _template(f"fm/{target}", wildcards, text)
    return Rule(pattern=_pattern(levels), render=render, for_edges=topics.is_for_edges(f"fm/{target}"))


def check_filter(asked: str) -> None:
    """Raises MapError for what is no topic filter of MQTT."""
    levels = asked.split("/")
    bad = [level for level in levels if len(level) > 1 and ("+" in level or "#" in level)]
    if not asked or "\0" in asked or bad or "#" in levels[:-1]:
        raise MapError(f"{asked!r} is no topic filter: + and # stand for whole levels, and # only at the end")


class Edges(NamedTuple):
    """What Sparkplug's edge nodes say under topics of its own; commands, ours too, are not asked for."""

    filters: tuple[str, ...]
    maps: tuple[str, ...]


def edges(tenant_id: str) -> Edges:
    """All that the edge nodes of a broker say, which are a tenant's."""
    filters, maps = [], []
    for kind in Kind:
        below, device = ("/+", "/{3}") if kind.of_device else ("", "")
        filters.append(f"spBv1.0/+/{kind}/+{below}")
        maps.append(f"{filters[-1]}=fm/{tenant_id}/{{2}}/up/sparkplug/{{1}}/{kind}{device}")
    return Edges(tuple(filters), tuple(maps))


class Mapping:
    """The rules in order, and what they said about topics lately."""

    def __init__(self, rules: Sequence[Rule], tenant_id: str) -> None:
        self._rules, self.tenant_id = tuple(rules), tenant_id
        self._known: dict[bytes, Place] = {}
        self.displaced: dict[Fate, str] = {}  # the last topic that found no place, by why

    def place(self, topic: bytes) -> Place:
        if len(topic) > _LONGEST:  # whoever makes up topics of 64 KB is not remembered: 100,000 would fill the memory
            return self._decide(topic)
        known = self._known.get(topic)
        if known is None:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            known = self._known[topic] = self._decide(topic)
        return known

    def devices(self) -> set[tuple[str, str]]:
        """(tenant, device) of the topics that came lately and are a device's."""
        subjects = [place.subject for place in list(self._known.values()) if place.fate is Fate.OURS]
        return {device for device in map(_device, subjects) if device is not None}

    def _decide(self, topic: bytes) -> Place:
        text = topic.decode("utf-8", "replace")
        fate = Fate.UNMAPPED
        for rule in self._rules:
            met = rule.pattern.fullmatch(text)
            if met is not None:
                ours = rule.render(met.groups(""))
                allowed = rule.for_edges or not topics.is_for_edges(ours)
                if allowed and len(ours) <= _LONGEST and _OURS.fullmatch(ours):
                    return Place(ours.replace("/", ".").encode(), Fate.OURS)
                fate = Fate.INVALID
                break
        self.displaced[fate] = text[:_SHOWN]
        return Place(topics.foreign(self.tenant_id, text, fate).encode(), fate)


@lru_cache(_REMEMBERED)
def _device(subject: bytes) -> tuple[str, str] | None:
    return topics.read(f"log.0.{subject.decode().removeprefix('fm.')}").key


def _pattern(levels: list[str]) -> re.Pattern[str]:
    """What a filter matches, its wildcards as groups. `a/#` matches `a` too; none that begins with a wildcard matches
    what begins with `$` (MQTT 3.1.1, 4.7)."""
    parts = ["([^/]*)" if level == "+" else re.escape(level) for level in levels if level != "#"]
    text = "/".join(parts)
    if levels == ["#"]:
        text = "(.*)"
    elif levels[-1] == "#":
        text += "(?:/(.*))?"
    guard = r"(?!\$)" if levels[0] in {"+", "#"} else ""
    return re.compile(guard + text, re.DOTALL)


def _template(target: str, wildcards: list[str], text: str) -> Callable[[Sequence[str]], str]:
    numbers = [int(number) for number in _PLACEHOLDER.findall(target)]
    if any(not 1 <= number <= len(wildcards) for number in numbers) or "{" in _PLACEHOLDER.sub("", target):
        raise MapError(f"{text!r}: {{1}} to {{{len(wildcards)}}} can stand in the topic, one for each wildcard")

    def render(met: Sequence[str]) -> str:
        return _PLACEHOLDER.sub(lambda found: met[int(found[1]) - 1], target)

    many = any(wildcards[number - 1] == "#" for number in numbers)
    if not many and not _OURS.fullmatch(render(["x"] * len(wildcards))):
        raise MapError(f"{text!r}: {target!r} is no topic of a device, which is fm/TENANT/DEVICE/up/KIND")
    return render
