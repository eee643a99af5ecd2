"""Texts that a spreadsheet would run: they get an apostrophe on the way out, which an import takes away."""

import re
from typing import Any

_BEGINS = ("=", "@", "+", "-", "＝", "＠", "＋", "－")
_NUMBER = re.compile(r"[+-][0-9 ().,/-]*")


def armoured(value: Any) -> Any:
    """As a spreadsheet shows it and does not run it. A number, such as one of a phone, is none."""
    return f"'{value}" if isinstance(value, str) and _begins(value) and not _NUMBER.fullmatch(value) else value


def bare(cell: str) -> str:
    """What was armoured, as it was; a text that itself begins with an apostrophe got one more."""
    return cell[1:] if cell.startswith("'") and _begins(cell) else cell


def _begins(text: str) -> bool:
    return text.lstrip("'").startswith(_BEGINS)
