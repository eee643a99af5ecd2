"""The way down to devices of another broker: what the relay says on the house's subjects becomes a message there. The
bridge needs no record for it, and nobody has a receipt: what a device does not answer is said again.

`fm/demo/+/down/+=plant/{1}/down/{2}`: topics of ours, and the topic of theirs, in which `{1}`, `{2}` stand for what the
wildcards met.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

from ingest.edge import rebirth
from ingest.errors import MapError
from ingest.twin.down import DESIRED, KINDS

_EXAMPLE = "fm/demo/+/down/+=plant/{1}/down/{2}"
_PLACEHOLDER = re.compile(r"\{(\d+)\}")
_LEVEL = re.compile(r"[A-Za-z0-9_-]{1,64}|\+")


class Told(NamedTuple):
    """A message for the other broker."""

    topic: str
    payload: bytes
    retain: bool = False
    of_edge: bool = False


class Rule(NamedTuple):
    """`kinds`: of what goes down; `numbers`: which levels of ours `{1}`, `{2}` are."""

    tenant: str
    device: str
    kinds: frozenset[str]
    target: str
    numbers: tuple[int, ...]

    def meets(self, levels: Sequence[str]) -> bool:
        return self.tenant in {"+", levels[1]} and self.device in {"+", levels[2]} and levels[4] in self.kinds

    def render(self, levels: Sequence[str]) -> str:
        return _PLACEHOLDER.sub(lambda found: levels[self.numbers[int(found[1]) - 1]], self.target)


def parse(text: str) -> Rule:
    """Raises MapError."""
    source, equals, target = text.partition("=")
    levels = source.split("/")
    shaped = len(levels) == 5 and (levels[0], levels[3]) == ("fm", "down") and all(map(_LEVEL.fullmatch, levels))
    if not equals or not shaped or levels[4] not in {"+", *KINDS}:
        raise MapError(f"{text!r} should read FILTER=TOPIC, such as {_EXAMPLE!r}")
    numbers = tuple(place for place, level in enumerate(levels) if level == "+")
    asked = {int(number) for number in _PLACEHOLDER.findall(target)}
    if not asked <= set(range(1, len(numbers) + 1)) or any(wild in target for wild in "+#\0") or not target:
        raise MapError(f"{text!r}: {{1}} to {{{len(numbers)}}} can stand in the topic, one for each +")
    if {place + 1 for place, at in enumerate(numbers) if at in {2, 4}} - asked:
        raise MapError(f"{text!r}: devices and kinds would share one topic; say {{n}} for each of them")
    kinds = KINDS if levels[4] == "+" else frozenset({levels[4]})
    return Rule(levels[1], levels[2], kinds, target, numbers)


class WayDown:
    """The first rule that meets a message decides; what none meets is nothing for this broker. `edges_of`: whose edge
    nodes are asked for their births there."""

    def __init__(self, rules: Sequence[Rule] = (), edges_of: str | None = None) -> None:
        self._rules = tuple(rules)
        asked = {
            f"fm.{_any(rule.tenant)}.{_any(rule.device)}.down.{kind}" for rule in rules for kind in sorted(rule.kinds)
        }
        edges = [rebirth.heard_by(edges_of)] if edges_of else []
        self.subjects = (*sorted(asked), *edges)

    def pass_on(self, subject: str, payload: bytes) -> Told | None:
        levels = subject.split(".")
        if levels[-1] == rebirth.KIND:
            command = rebirth.command(payload)
            return Told(command.topic, command.payload, of_edge=True) if command else None
        rule = next((each for each in self._rules if each.meets(levels)), None)
        return Told(rule.render(levels), payload, retain=levels[4] == DESIRED) if rule else None


def _any(level: str) -> str:
    return "*" if level == "+" else level
