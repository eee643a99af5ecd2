"""What a value in a file of the catalogue must be: each check gives the reason why it is not, or None."""

import difflib
import math
import re
import sys
from collections.abc import Callable, Collection, Sequence
from typing import Any

Check = Callable[[Any], str | None]

LANGUAGES = ("en", "zh")
LONGEST_TEXT = 200
MOST = 1_000_000_000  # of seconds: longer than any appliance lives
_NAME = re.compile(r"[a-z][a-z0-9_]{0,40}")
_TENANT = re.compile(r"[A-Za-z0-9_-]{1,64}")
_GTIN = re.compile(r"[0-9]{8}|[0-9]{12,14}")


def name(value: Any) -> str | None:
    if isinstance(value, str) and _NAME.fullmatch(value):
        return None
    return f"{value!r} is not a lower-case name (a-z, 0-9 and _, at most 41)"


def text(value: Any) -> str | None:
    if isinstance(value, str) and value.strip() and len(value) <= LONGEST_TEXT and value.isprintable():
        return None
    return f"must be a text of one line, at most {LONGEST_TEXT} characters, here {value!r}"


def tenant(value: Any) -> str | None:
    """As it stands in topics."""
    if isinstance(value, str) and _TENANT.fullmatch(value):
        return None
    return f"must be 1 to 64 of a-z A-Z 0-9 _ -, here {value!r}"


def title(value: Any) -> str | None:
    """Words in both languages."""
    if not isinstance(value, dict) or set(value) != set(LANGUAGES):
        return 'must be given in en and zh: { en = "...", zh = "..." }'
    return next((reason for reason in map(text, value.values()) if reason), None)


def titles(value: Any) -> str | None:
    if isinstance(value, list) and all(title(each) is None for each in value):
        return None
    return 'must each have a name in en and zh: [{ en = "...", zh = "..." }]'


def flag(value: Any) -> str | None:
    return None if isinstance(value, bool) else f"must be true or false, here {value!r}"


def _is_number(value: Any) -> bool:
    """A whole one of hundreds of digits is none: no float holds it."""
    return type(value) in {int, float} and abs(value) <= sys.float_info.max


def number(least: float = -math.inf, most: float = math.inf) -> Check:
    def check(value: Any) -> str | None:
        if _is_number(value) and least <= value <= most:
            return None
        return f"must be {_between(least, most)}, here {value!r}"

    return check


def whole(least: int, most: float = math.inf, beyond: int = MOST) -> Check:
    """`beyond`: what is more than that is meant to have no end, and would overflow a clock."""

    def check(value: Any) -> str | None:
        if type(value) is int and least <= value <= most:
            return None if value <= beyond else f"must be at most {beyond}, here {value!r}"
        return f"must be a whole number, {_between(least, most)}, here {value!r}"

    return check


def positive(value: Any) -> str | None:
    if _is_number(value) and value > 0:
        return None
    return f"must be a number above zero, here {value!r}"


def one_of(words: Sequence[str]) -> Check:
    def check(value: Any) -> str | None:
        return None if value in words else f"{value!r} is not one of {', '.join(words)}"

    return check


def some_of(words: Sequence[str]) -> Check:
    """A list of them, each once."""

    def check(value: Any) -> str | None:
        good = isinstance(value, list) and value and all(each in words for each in value)
        if good and len(set(value)) == len(value):
            return None
        return f"must be a list of {', '.join(words)}, each once, here {value!r}"

    return check


def band(value: Any) -> str | None:
    """Two numbers, the lower one first."""
    numbers = isinstance(value, list) and len(value) == 2 and not any(map(number(), value))
    if numbers and value[0] < value[1]:
        return None
    return f"must be two numbers, the lower one first, here {value!r}"


def gtin(value: Any) -> str | None:
    """GS1 General Specifications, 7.9: digits weigh 3 and 1 in turn from the right, the last one makes it tens."""
    if not isinstance(value, str) or not _GTIN.fullmatch(value):
        return f"must be a text of 8, 12, 13 or 14 digits, here {value!r}"
    digits = [int(digit) for digit in reversed(value)]
    right = -(3 * sum(digits[1::2]) + sum(digits[2::2])) % 10
    return None if digits[0] == right else f"{value!r}: its last digit would have to be {right}"


def meant(word: str, known: Collection[str]) -> str:
    """`, did you mean ...` where one of `known` is near."""
    near = difflib.get_close_matches(word, sorted(known), n=1)
    return f"; did you mean {near[0]!r}?" if near else f"; there are {', '.join(sorted(known))}"


def _between(least: float, most: float) -> str:
    if math.isinf(most):
        return "a number" if math.isinf(least) else f"{least:g} or more"
    return f"between {least:g} and {most:g}"
