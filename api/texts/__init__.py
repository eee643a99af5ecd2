"""Every text that a person reads, in English and Chinese; both files have the same keys."""

import tomllib
from importlib import resources
from typing import Any

LANGUAGES = ("en", "zh")


def _flat(table: dict[str, Any], prefix: str = "") -> dict[str, str]:
    flat: dict[str, str] = {}
    for key, value in table.items():
        flat.update(_flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {f"{prefix}{key}": value})
    return flat


def _read(language: str) -> dict[str, str]:
    return _flat(tomllib.loads((resources.files("api.texts") / f"{language}.toml").read_text(encoding="utf-8")))


CATALOGUE = {language: _read(language) for language in LANGUAGES}


def say(language: str, key: str, /, **values: object) -> str:
    """The text of `key` with `{names}` filled in. Raises KeyError for a key or a name that is not there."""
    return CATALOGUE[language][key].format(**values)


def speaks(language: str, key: str) -> bool:
    return key in CATALOGUE[language]


def preferred(accept_language: str, otherwise: str) -> str:
    """The first language of an Accept-Language header that we speak, by the weights it gives."""
    wishes = []
    for place, wish in enumerate(accept_language.split(",")[:20]):
        tag, _, weight = wish.strip().partition(";q=")
        wishes.append((-_weight(weight), place, tag.strip().lower().partition("-")[0]))
    return next((tag for minus, _, tag in sorted(wishes) if minus < 0 and tag in LANGUAGES), otherwise)


def _weight(text: str) -> float:
    try:
        return float(text) if text else 1.0
    except ValueError:
        return 0.0
