"""Sheets of labels as a PDF: codes as shapes, sharp on any printer, words in a font that has Chinese."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

import segno
from fpdf import FPDF
from noto_cjk_sans_otc import FONT_PATH

from api.http.label import groups
from api.http.sheet import Grid, Spot
from api.texts import say
from devices import gs1

_FONT, _SIMPLIFIED = "noto", 2  # which of the collection's fonts
_QUIET = 4  # modules around a code, ISO/IEC 18004
_PAD_MM = 1.5
_LEAST_PT = 4.5
_LINE = 0.42  # mm a point: the font's lines lie so far apart
_MARK_MM = 2.0
_BLEED = 0.02  # of a module: shapes overlap, or screens show hairlines between them
_LEAST_SECOND_MM = 11.0  # a smaller code's modules are below 0.3 mm
_AROUND_MM = 1.6  # so much stays white around the second code: four modules of it
_GREY, _BLACK = 150, 0


@dataclass(frozen=True, kw_only=True)
class Words:
    """What is printed on one label. `secret` makes a card of it, which is kept apart from the appliance."""

    url: str
    model: str
    serial: str
    typed: tuple[str, ...]  # the token in groups
    say: str  # what to do with it
    gs1_url: str | None = None
    gs1_text: str | None = None
    secret: str | None = None
    say_secret: str = ""


def words(url: str, model: str, serial: str, gs1_url: str | None, language: str) -> Words:
    """Of one appliance's label."""
    item = gs1.read(gs1_url) if gs1_url else None
    return Words(
        url=url,
        model=model,
        serial=say(language, "label.serial", serial=serial),
        typed=groups(url),
        say=say(language, "label.scan"),
        gs1_url=gs1_url if item else None,
        gs1_text=item.text if item else None,
    )


def card(url: str, model: str, serial: str, secret: str, language: str) -> Words:
    """What is packed with an appliance, and kept apart from its label."""
    return Words(
        url=url,
        model=model,
        serial=say(language, "label.serial", serial=serial),
        typed=(),
        say=say(language, "label.claim"),
        secret=secret,
        say_secret=say(language, "label.secret"),
    )


def draw(labels: Sequence[Words], grid: Grid, *, skip: int = 0, marks: bool = True) -> bytes:
    pdf = FPDF(unit="mm", format="A4")
    pdf.set_auto_page_break(auto=False)
    pdf.add_font(_FONT, fname=str(FONT_PATH), collection_font_number=_SIMPLIFIED)
    pdf.set_font(_FONT)
    pdf.set_title("Foremend")
    for each, spot in zip(labels, grid.spots(len(labels), skip), strict=True):
        while pdf.page <= spot.page:
            pdf.add_page()
        if marks:
            _cut_marks(pdf, spot)
        _label(pdf, spot, each)
    return bytes(pdf.output())


def _label(pdf: FPDF, spot: Spot, words: Words) -> None:
    side = min(spot.height_mm - _PAD_MM, spot.width_mm * 0.45)
    _code(pdf, words.url, spot.left_mm, spot.top_mm + (spot.height_mm - side) / 2, side, "q")
    left = spot.left_mm + side
    width = spot.left_mm + spot.width_mm - _PAD_MM - left
    y = spot.top_mm + _PAD_MM + 1.0
    for text, size_pt in _lines(words):
        y += _text(pdf, text, left, y, width, size_pt)
    if words.gs1_url is not None and words.secret is None:
        _second(pdf, spot, words, left, width, y)


def _lines(words: Words) -> Iterator[tuple[str, float]]:
    yield words.model, 9
    yield words.serial, 8
    if words.secret is not None:
        yield words.say_secret, 6
        yield words.secret, 11
        yield words.say, 5.5
        return
    groups = words.typed
    half = (len(groups) + 1) // 2
    yield "-".join(groups[:half]) + "-", 6.5
    yield "-".join(groups[half:]), 6.5
    yield words.say, 6


def _second(pdf: FPDF, spot: Spot, words: Words, left: float, width: float, top: float) -> None:
    """The product's own code in the corner, if there is room for one, and its words beside it."""
    right, bottom = spot.left_mm + spot.width_mm - _PAD_MM, spot.top_mm + spot.height_mm - _PAD_MM
    side = min(bottom - top - _AROUND_MM, width * 0.45)
    if side >= _LEAST_SECOND_MM and words.gs1_url is not None:
        _code(pdf, words.gs1_url, right - side, bottom - side, side, "m", quiet=0)
        width -= side + _AROUND_MM
    texts = (words.gs1_text or "").split(" ")
    y = bottom - len(texts) * 5 * _LINE
    for text in texts:
        y += _text(pdf, text, left, max(y, top), width, 5)


def _text(pdf: FPDF, text: str, left: float, top: float, width: float, size_pt: float) -> float:
    """As large as it fits, cut where even small letters do not; how far down the next line begins."""
    pdf.set_font_size(size_pt)
    taken = pdf.get_string_width(text)
    if taken > width:
        size_pt = max(_LEAST_PT, size_pt * width / taken)
        pdf.set_font_size(size_pt)
        while len(text) > 1 and pdf.get_string_width(text) > width:
            text = text.rstrip("…")[:-1] + "…"
    pdf.text(left, top + size_pt * 0.31, text)
    return size_pt * _LINE


def _code(pdf: FPDF, text: str, left: float, top: float, side: float, error: str, quiet: int = _QUIET) -> None:
    """`quiet`: modules of the side that stay white on each edge."""
    matrix = segno.make_qr(text, error=error).matrix
    module = side / (len(matrix) + 2 * quiet)
    for y, row in enumerate(matrix):
        x = 0
        for dark, run in groupby(row):
            length = sum(1 for _ in run)
            if dark:
                pdf.rect(
                    left + (quiet + x) * module,
                    top + (quiet + y) * module,
                    (length + _BLEED) * module,
                    (1 + _BLEED) * module,
                    style="F",
                )
            x += length


def _cut_marks(pdf: FPDF, spot: Spot) -> None:
    """A corner's two short strokes lie on the edges themselves, where the knife goes."""
    pdf.set_draw_color(_GREY)
    pdf.set_line_width(0.1)
    for x, inward in ((spot.left_mm, 1), (spot.left_mm + spot.width_mm, -1)):
        for y, downward in ((spot.top_mm, 1), (spot.top_mm + spot.height_mm, -1)):
            pdf.line(x, y, x + inward * _MARK_MM, y)
            pdf.line(x, y, x, y + downward * _MARK_MM)
    pdf.set_draw_color(_BLACK)
