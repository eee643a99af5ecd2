"""What is written can be read: WCAG 2.2 AA of the colours of style.css, by day and by night."""

import re
from pathlib import Path

import pytest

from api import http

CSS = (Path(http.__file__).parent / "static" / "style.css").read_text(encoding="utf-8")
TEXT, SHAPE = 4.5, 3.0  # 1.4.3 for words; 1.4.11 for the borders and marks that a page cannot be used without
ON_PAPER = [(ink, ground) for ink in ("ink", "soft", "accent", "warm") for ground in ("card", "paper")]
WORDS = [
    *ON_PAPER,
    ("red", "card"),
    ("on-accent", "accent"),
    ("accent", "accent-wash"),
    ("warm", "warm-wash"),
    ("red", "red-wash"),
    ("soft", "hush"),
]
SHAPES = [("soft", "card"), ("accent", "card"), ("run", "card"), ("ill", "card"), ("warm", "card")]


def palettes() -> dict[str, dict[str, str]]:
    blocks = re.findall(r":root \{(.*?)\}", CSS, re.DOTALL)
    day, night = (dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", block)) for block in blocks)
    return {"day": day, "night": {**day, **night}}


def luminance(colour: str) -> float:
    """https://www.w3.org/TR/WCAG22/#dfn-relative-luminance"""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def test_the_measure_is_the_standards_own() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.01)


@pytest.mark.parametrize("light", ["day", "night"])
def test_words_and_marks_stand_out(light: str) -> None:
    colours = palettes()[light]
    pairs = [(*pair, TEXT) for pair in WORDS] + [(*pair, SHAPE) for pair in SHAPES]
    weak = {
        f"{ink} on {ground}": round(contrast(colours[ink], colours[ground]), 2)
        for ink, ground, least in pairs
        if contrast(colours[ink], colours[ground]) < least
    }
    assert weak == {}
