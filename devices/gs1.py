"""GS1 Digital Link: `/01/{gtin}/21/{serial}` names one item of a product, whoever resolves it.

GS1 Digital Link Standard: URI Syntax, release 1.4; GS1 General Specifications, sections 3.3.2 (serial), 7.9.1 (check
digit), 7.11 (the characters a serial may have).
"""

import re
from dataclasses import dataclass
from urllib.parse import quote, unquote, urlsplit

GTIN_LENGTHS = (8, 12, 13, 14)
_SERIAL = re.compile(r"""[!"%&'()*+,\-./0-9:;<=>?A-Z_a-z]{1,20}""")  # the "encodable character set 82"
_PATH = re.compile(r"/01/([0-9]{8,14})(?:/22/[^/]+)?(?:/10/[^/]+)?/21/([^/]+)")  # variant and lot say less
_DIGITS = re.compile(r"[0-9]+")


@dataclass(frozen=True, kw_only=True)
class Item:
    """One appliance as its maker names it: `gtin` has 14 digits, `serial` is plain text."""

    gtin: str
    serial: str

    @property
    def path(self) -> str:
        return f"/01/{self.gtin}/21/{quote(self.serial, safe='')}"

    @property
    def text(self) -> str:
        """As people read it: each part after its application identifier."""
        return f"(01){self.gtin} (21){self.serial}"


def check_digit(digits: str) -> str:
    """The digit that follows `digits`: from the right they count three times and once, in turn.

    >>> check_digit("629104150021")
    '3'
    """
    weighed = sum(int(digit) * (3 if place % 2 == 0 else 1) for place, digit in enumerate(reversed(digits)))
    return str(-weighed % 10)


def gtin(text: str) -> str | None:
    """The product's number in 14 digits; None for what is none, or was mistyped.

    >>> gtin("6291041500213"), gtin("6291041500214")
    ('06291041500213', None)
    """
    if len(text) not in GTIN_LENGTHS or not _DIGITS.fullmatch(text) or check_digit(text[:-1]) != text[-1]:
        return None
    return text.zfill(14)


def item(gtin_text: str, serial: str) -> Item | None:
    """None where the number is none, or the serial is longer than 20 characters or has others than GS1 takes."""
    number = gtin(gtin_text)
    return Item(gtin=number, serial=serial) if number and _SERIAL.fullmatch(serial) else None


def read(link: str) -> Item | None:
    """From a whole link as a code carries it, whichever resolver's; percent-encoded as its path is."""
    try:
        found = _PATH.fullmatch(urlsplit(link).path)
    except ValueError:
        return None
    return item(found[1], unquote(found[2], errors="replace")) if found else None
