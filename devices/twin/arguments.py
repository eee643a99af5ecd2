"""A command's arguments as a person types them: `minutes=20`, whose value is JSON, else a text."""

import json
from collections.abc import Iterable
from typing import Any

from devices.twin.errors import BadCommandError, NoCommand

NAME_CHARS = 64


def read(lines: Iterable[str]) -> dict[str, Any]:
    """One argument each; empty lines say nothing. Raises BadCommandError."""
    return dict(_argument(line.strip()) for line in lines if line.strip())


def _argument(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals or not 0 < len(name.strip()) <= NAME_CHARS:
        raise BadCommandError(NoCommand.NO_PAIR, f"{text[:40]!r} should read KEY=VALUE, such as minutes=20")
    return name.strip(), _value(value.strip())


def _value(text: str) -> Any:
    try:
        value = json.loads(text)
        json.dumps(value, allow_nan=False)  # NaN and 1e999 are numbers to Python alone
    except (ValueError, RecursionError):
        return text
    return value
