"""The label on an appliance: a QR code, and below it the words for whoever has no camera."""

import io
from dataclasses import dataclass
from html import escape

import segno
from PIL import Image, ImageDraw, ImageFont

_SCALE = 8  # pixels or units a module: 2.5 mm at 80 dots a centimetre, well above what a phone needs
_BORDER = 4  # modules, ISO/IEC 18004
_LINE_PX = 30


@dataclass(frozen=True, kw_only=True)
class Label:
    url: str
    lines: tuple[str, ...]


def of(url: str, model: str, serial: str) -> Label:
    """`url` is that of the device's page; its token, in groups, is what one types."""
    return Label(url=url, lines=(f"{model} · {serial}", "-".join(groups(url))))


def groups(url: str) -> tuple[str, ...]:
    """The token of a device's page, as it is printed for people."""
    token = url.rpartition("/")[2]
    return tuple(token[start : start + 5] for start in range(0, len(token), 5))


def _code(label: Label) -> segno.QRCode:
    return segno.make_qr(label.url, error="q")  # a quarter may be scratched away


def svg(label: Label) -> bytes:
    code = _code(label)
    side = code.symbol_size(scale=_SCALE, border=_BORDER)[0]
    height = side + _LINE_PX * len(label.lines) + 8
    inner = code.svg_inline(scale=_SCALE, border=_BORDER)
    texts = "".join(
        f'<text x="{side / 2}" y="{side + _LINE_PX * n + 16}" text-anchor="middle" '
        f'font-family="sans-serif" font-size="{20 if n == 0 else 17}">{escape(line)}</text>'
        for n, line in enumerate(label.lines)
    )
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {side} {height}" width="{side}" height="{height}">'
    title = f"<title>{escape(label.url)}</title>"
    return f'{head}{title}<rect width="{side}" height="{height}" fill="#fff"/>{inner}{texts}</svg>\n'.encode()


def png(label: Label) -> bytes:
    code = io.BytesIO()
    _code(label).save(code, kind="png", scale=_SCALE, border=_BORDER)
    with Image.open(code) as symbol:
        side = symbol.width
        whole = Image.new("L", (side, side + _LINE_PX * len(label.lines) + 8), 255)
        whole.paste(symbol.convert("L"))
    draw = ImageDraw.Draw(whole)
    for n, line in enumerate(label.lines):
        font = ImageFont.load_default(size=20 if n == 0 else 17)
        draw.text((side / 2, side + _LINE_PX * n + 10), line, fill=0, font=font, anchor="mm")
    out = io.BytesIO()
    whole.save(out, "PNG")
    return out.getvalue()
