"""The word on an appliance's label: 130 random bits that a person can also type."""

import hashlib
from collections.abc import Collection
from urllib.parse import urlsplit

from devices import gs1
from devices.gs1 import Item

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base32: without i, l, o, u
LENGTH = 26  # of 5 bits each
_LOOK_ALIKES = str.maketrans("ilo", "110")


def spell(entropy: bytes) -> str:
    """A label token from at least 17 random bytes."""
    bits = int.from_bytes(entropy, "big")
    if len(entropy) * 8 < LENGTH * 5:
        raise ValueError(f"{LENGTH * 5} bits needed, {len(entropy) * 8} given")
    return "".join(ALPHABET[bits >> 5 * place & 31] for place in reversed(range(LENGTH)))


def read(typed: str) -> str:
    """What was meant: letters of either size, gaps and dashes left out, look-alikes put right."""
    return typed.lower().replace("-", "").replace(" ", "").translate(_LOOK_ALIKES)


def is_token(text: str) -> bool:
    return len(text) == LENGTH and set(text) <= set(ALPHABET)


def meant(text: str, hosts: Collection[str]) -> str | Item | None:
    """What a code on an appliance says: the token, bare or in an address of ours (`hosts`), or the maker's own name for
    the item, which is the same whoever resolves it. None: somebody else's code."""
    if is_token(bare := read(text.strip())):
        return bare
    try:
        link = urlsplit(text.strip())
        host = link.hostname
    except ValueError:
        return None
    if link.scheme not in ("http", "https"):
        return None
    token = read(link.path.removeprefix("/r/"))
    if host in hosts and link.path.startswith("/r/") and is_token(token):
        return token
    return gs1.read(text.strip())


def sha256(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def masked(place: str) -> str:
    """So much of a place that whoever stands in it knows it again, and nobody else learns it.

    >>> masked("12 Canal Street, kitchen"), masked("和平路12号厨房")
    ('12 C…', '和平…')
    """
    kept = place.strip()
    width = 2 if any(ord(letter) > 0x2E7F for letter in kept) else 4  # a Han character says more than a letter
    return f"{kept[:width]}…" if len(kept) > width else "…" if kept else ""
