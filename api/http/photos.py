"""Photos that people send: read, turned upright, made smaller, written without what a camera adds, kept by hash."""

import hashlib
import io
import secrets
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageOps, UnidentifiedImageError

from ticketing.intake.model import Photo

FORMATS = ("JPEG", "PNG", "WEBP")
MAX_PIXELS = 60_000_000  # a phone's largest; more is a bomb
MAX_SIDE = 2000
_QUALITY = 85
_UNREADABLE = (  # what pillow raises for broken files, and for those that would unpack to more than a machine holds
    UnidentifiedImageError,
    Image.DecompressionBombError,
    Image.DecompressionBombWarning,
    OSError,
    ValueError,
    SyntaxError,
    EOFError,
    struct.error,
    IndexError,
    KeyError,
    TypeError,
    OverflowError,
)
MOST_WAITING = 8  # each holds one of the 40 threads that all pages have
_tables = threading.BoundedSemaphore(2)  # photos read at once: the largest takes half a gigabyte for a moment
_places = threading.BoundedSemaphore(MOST_WAITING)


class PhotoError(Exception):
    """What was sent is no photo that we can read."""


class CrowdedError(Exception):
    """More photos came than are looked at."""

    def __init__(self) -> None:
        super().__init__("There are many photos just now; send it again in a minute.")


@contextmanager
def table() -> Iterator[None]:
    """A place to look at a photo. Raises CrowdedError rather than let those who only want a page wait too."""
    if not _places.acquire(blocking=False):
        raise CrowdedError
    try:
        with _tables:
            yield
    finally:
        _places.release()


def upright(data: bytes, side: int, mode: str = "RGB") -> Image.Image:
    """At most `side` pixels wide and high; how many there are is known before they are unpacked. Raises PhotoError."""
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            if image.width * image.height > MAX_PIXELS:
                raise PhotoError(f"more than {MAX_PIXELS} pixels")
            image.draft(mode, (side, side))
            turned = ImageOps.exif_transpose(image).convert(mode)
    except _UNREADABLE as error:
        raise PhotoError(str(error)) from error
    turned.thumbnail((side, side))
    return turned


def clean(data: bytes) -> bytes:
    """A JPEG without metadata: no place, no camera, no thumbnail. Raises PhotoError."""
    photo = upright(data, MAX_SIDE)
    bare = Image.new("RGB", photo.size)
    bare.paste(photo)
    out = io.BytesIO()
    bare.save(out, "JPEG", quality=_QUALITY, optimize=True)
    return out.getvalue()


@dataclass(frozen=True, kw_only=True)
class Developed:
    """A photo as it will be kept, not kept yet."""

    photo: Photo
    body: bytes


def develop(data: bytes) -> Developed:
    """Raises PhotoError, CrowdedError."""
    with table():
        body = clean(data)
    photo = Photo(sha256=hashlib.sha256(body).hexdigest(), media_type="image/jpeg", size_bytes=len(body))
    return Developed(photo=photo, body=body)


def keep(folder: Path, developed: Developed) -> None:
    """Under its sha256; the same photo twice is one file."""
    target = path(folder, developed.photo.sha256)
    if not target.exists():
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        part = target.with_suffix(f".{secrets.token_hex(8)}.part")
        part.write_bytes(developed.body)
        part.replace(target)


def path(folder: Path, sha256: str) -> Path:
    return folder / sha256[:2] / f"{sha256}.jpg"
