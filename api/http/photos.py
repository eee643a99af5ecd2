"""Photos that people send: read, turned upright, made smaller, written without what a camera adds, kept by hash."""

import hashlib
import io
import os
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
)


class PhotoError(Exception):
    """What was sent is no photo that we can read."""


def clean(data: bytes) -> bytes:
    """A JPEG without metadata: no place, no camera, no thumbnail. Raises PhotoError."""
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            if image.width * image.height > MAX_PIXELS:
                raise PhotoError(f"more than {MAX_PIXELS} pixels")
            image.draft("RGB", (MAX_SIDE, MAX_SIDE))
            upright = ImageOps.exif_transpose(image).convert("RGB")
    except _UNREADABLE as error:
        raise PhotoError(str(error)) from error
    upright.thumbnail((MAX_SIDE, MAX_SIDE))
    bare = Image.new("RGB", upright.size)
    bare.paste(upright)
    out = io.BytesIO()
    bare.save(out, "JPEG", quality=_QUALITY, optimize=True)
    return out.getvalue()


def keep(folder: Path, data: bytes) -> Photo:
    """The cleaned photo under its sha256; the same photo twice is one file. Raises PhotoError."""
    body = clean(data)
    sha256 = hashlib.sha256(body).hexdigest()
    target = path(folder, sha256)
    if not target.exists():
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        part = target.with_suffix(f".{os.getpid()}.part")
        part.write_bytes(body)
        part.replace(target)
    return Photo(sha256=sha256, media_type="image/jpeg", size_bytes=len(body))


def path(folder: Path, sha256: str) -> Path:
    return folder / sha256[:2] / f"{sha256}.jpg"
