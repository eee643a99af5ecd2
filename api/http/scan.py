"""A label's code found in a photo, for whoever's camera does not open it."""

from collections.abc import Collection, Iterator
from enum import StrEnum

import zxingcpp
from PIL import Image, ImageOps, ImageStat

from api.http import photos
from devices import labels
from devices.gs1 import Item

_SIDE = 3200  # of a larger photo every module that a person can see is still several pixels wide
_FIRST_SIDE = 1600  # four times as fast, and enough where the code fills a tenth of the photo
_SMALL_SIDE = 500
_DARK = 40  # mean of 255; a label in a lit room is at 100 and above
_FORMATS = zxingcpp.BarcodeFormats([zxingcpp.BarcodeFormat.QRCode, zxingcpp.BarcodeFormat.DataMatrix])


class Trouble(StrEnum):
    """Why a photo leads nowhere; what to do about it is in the texts."""

    UNREADABLE = "UNREADABLE"
    DARK = "DARK"
    NOTHING = "NOTHING"
    FOREIGN = "FOREIGN"
    SEVERAL = "SEVERAL"


def read(data: bytes, hosts: Collection[str]) -> str | Item | Trouble:
    """The label's token, or the maker's name for the item, or why there is neither. Raises photos.CrowdedError."""
    try:
        with photos.table():
            photo = photos.upright(data, _SIDE, "L")
            return _read(photo, hosts)
    except photos.PhotoError:
        return Trouble.UNREADABLE


def _read(photo: Image.Image, hosts: Collection[str]) -> str | Item | Trouble:
    seen: set[str] = set()
    for texts in _looks(photo):
        seen |= texts
        found = chosen(seen, hosts)
        if found is not Trouble.FOREIGN:
            return found
    if seen:
        return Trouble.FOREIGN
    return Trouble.DARK if ImageStat.Stat(photo).mean[0] < _DARK else Trouble.NOTHING


def chosen(texts: Collection[str], hosts: Collection[str]) -> str | Item | Trouble:
    """Of all codes in a photo the one that is ours: a token goes before the maker's name, which stands beside it on one
    label; of two appliances nobody knows which is meant."""
    meant = {code for code in (labels.meant(text, hosts) for text in texts) if code is not None}
    tokens: list[str | Item] = [code for code in meant if isinstance(code, str)]
    ours = tokens or [*meant]
    if not ours:
        return Trouble.FOREIGN
    return ours[0] if len(ours) == 1 else Trouble.SEVERAL


def _looks(photo: Image.Image) -> Iterator[set[str]]:
    """From the cheapest look to the most patient one."""
    small = photo.copy()
    small.thumbnail((_FIRST_SIDE, _FIRST_SIDE))
    yield _codes(small)
    if max(photo.size) > _FIRST_SIDE:
        yield _codes(photo)
    yield _codes(ImageOps.autocontrast(small, cutoff=1), zxingcpp.Binarizer.GlobalHistogram)
    if max(photo.size) <= _SMALL_SIDE:
        yield _codes(ImageOps.scale(photo, 3, Image.Resampling.BICUBIC))


def _codes(image: Image.Image, binarizer: zxingcpp.Binarizer = zxingcpp.Binarizer.LocalAverage) -> set[str]:
    found = zxingcpp.read_barcodes(image, formats=_FORMATS, binarizer=binarizer)
    return {code.text for code in found if code.text}
