"""Photos of labels, as people take them: turned, askew, noisy, small, dark, with several codes."""

import io

import numpy as np
import segno
from PIL import Image, ImageEnhance, ImageFilter

WALL = (176, 172, 165)


def a_code(text: str, side: int = 360) -> Image.Image:
    out = io.BytesIO()
    segno.make_qr(text, error="q").save(out, kind="png", scale=8, border=4)
    with Image.open(out) as code:
        return code.convert("RGB").resize((side, side), Image.Resampling.LANCZOS)


def a_photo_of(*texts: str, size: tuple[int, int] = (1600, 1200), side: int = 360) -> Image.Image:
    """Side by side on a wall."""
    photo = Image.new("RGB", size, WALL)
    for place, text in enumerate(texts):
        left = (place + 1) * size[0] // (len(texts) + 1) - side // 2
        photo.paste(a_code(text, side), (left, (size[1] - side) // 2))
    return photo


def turned(photo: Image.Image, degrees: float) -> Image.Image:
    return photo.rotate(degrees, Image.Resampling.BICUBIC, fillcolor=WALL)


def askew(photo: Image.Image) -> Image.Image:
    """Seen from the side: the far edge is a quarter shorter."""
    width, height = photo.size
    corners = (0, 0, -width // 12, height * 9 // 8, width, height, width, -height // 8)
    return photo.transform(photo.size, Image.Transform.QUAD, corners, Image.Resampling.BICUBIC, fillcolor=WALL)


def noisy(photo: Image.Image, sigma: float = 28.0) -> Image.Image:
    grain = np.random.default_rng(7).normal(0, sigma, (photo.height, photo.width, 1))
    return Image.fromarray(np.clip(np.asarray(photo) + grain, 0, 255).astype(np.uint8))


def dim(photo: Image.Image, share: float = 0.3) -> Image.Image:
    return ImageEnhance.Brightness(photo).enhance(share)


def blurred(photo: Image.Image, radius: float = 1.6) -> Image.Image:
    return photo.filter(ImageFilter.GaussianBlur(radius))


def jpeg(photo: Image.Image, quality: int = 80) -> bytes:
    out = io.BytesIO()
    photo.save(out, "JPEG", quality=quality)
    return out.getvalue()
