"""A problem as a person reads it: the sentence of its kind in his language, with what it is about filled in."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from api.http.problems import Problem
from api.texts import say, speaks
from devices.errors import NoSuccessor, NotBehind
from devices.model import DeviceState
from devices.twin.errors import NoCommand, Unfit
from devices.twin.model import CommandState
from ticketing.tickets.model import Note, TicketState

_BY_STATUS = {
    404: "not_found",
    410: "gone",
    403: "foreign",
    409: "conflict",
    412: "conflict",
    413: "too_large",
    422: "not_valid",
    429: "too_many",
}
GROUPS: dict[type[StrEnum], str] = {  # where the words of a value stand
    DeviceState: "life.is.",
    TicketState: "state.",
    Note: "event.",
    CommandState: "command.",
    NotBehind: "because.gateway.",
    NoSuccessor: "because.successor.",
    Unfit: "because.setting.",
    NoCommand: "because.command.",
}


def title(language: str, problem: Problem) -> str:
    return say(language, f"problem.{_kind(problem, 'title')}.title")


def sentence(language: str, problem: Problem) -> str:
    words = {name: _word(language, value, problem.named) for name, value in problem.named.items()}
    return say(language, f"problem.{_kind(problem, 'say')}.say", **words)


def _kind(problem: Problem, what: str) -> str:
    """A problem that has words of its own, else what its status means."""
    own = problem.slug.replace("-", "_")
    if speaks("en", f"problem.{own}.{what}"):
        return own
    return "broken" if problem.status >= 500 else _BY_STATUS.get(problem.status, "refused")


def _word(language: str, value: Any, named: Mapping[str, Any]) -> str:
    group = GROUPS.get(type(value))
    if group is not None:
        others = {name: _word(language, each, {}) for name, each in named.items() if each is not value}
        return say(language, f"{group}{value}", **others)
    if value is None:
        return "…"
    if isinstance(value, tuple | list):
        words = [_word(language, each, named) for each in value]
        return say(language, "comma").join(words) or say(language, "because.none")
    if isinstance(value, Mapping):
        return str(value.get(language, ""))
    return f"{value:g}" if isinstance(value, float) else str(value)
