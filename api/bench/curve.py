"""Costs as a picture: an SVG with devices on a logarithmic axis, readable on a light page and on a dark one."""

import math
from collections.abc import Mapping, Sequence
from html import escape

_WIDTH, _HEIGHT = 720, 360
_LEFT, _RIGHT, _TOP, _BOTTOM = 60, 130, 40, 50
_COLOURS = ("#3b82c4", "#d9822b", "#3f9c6b", "#8a63c2")  # told apart by whoever sees no red or no green
_TICKS = 5


def svg(title: str, x: Sequence[int], lines: Mapping[str, Sequence[float]]) -> str:
    """A line for each name, its last value beside it."""
    top = _round_up(max(max(values) for values in lines.values()))
    look = f'viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" font-family="sans-serif" font-size="13"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {look}><title>{escape(title)}</title>',
        f'<text x="{_LEFT}" y="22" fill="#808080" font-size="15">{escape(title)}</text>',
    ]
    for step in range(_TICKS + 1):
        value = top * step / _TICKS
        y = _y(value, top)
        parts.append(f'<path d="M{_LEFT} {y:.1f}H{_WIDTH - _RIGHT}" stroke="#808080" stroke-opacity=".3"/>')
        parts.append(f'<text x="{_LEFT - 8}" y="{y + 4:.1f}" text-anchor="end" fill="#808080">{value:g}</text>')
    for each in x:
        at = f'x="{_x(each, x):.1f}" y="{_HEIGHT - _BOTTOM + 22}"'
        parts.append(f'<text {at} text-anchor="middle" fill="#808080">{each:,}</text>')
    for (name, values), colour in zip(lines.items(), _COLOURS, strict=False):
        points = [(_x(each, x), _y(value, top)) for each, value in zip(x, values, strict=True)]
        path = " ".join(f"{left:.1f},{y:.1f}" for left, y in points)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [f'<circle cx="{left:.1f}" cy="{y:.1f}" r="3.5" fill="{colour}"/>' for left, y in points]
        left, y = points[-1]
        said = f"{escape(name)} {values[-1]:.1f}"
        parts.append(f'<text x="{left + 10:.1f}" y="{y + 4:.1f}" fill="{colour}">{said}</text>')
    return "\n".join([*parts, "</svg>", ""])


def _x(value: int, every: Sequence[int]) -> float:
    low, high = math.log(min(every)), math.log(max(every))
    share = (math.log(value) - low) / (high - low) if high > low else 0.5
    return _LEFT + share * (_WIDTH - _LEFT - _RIGHT)


def _y(value: float, top: float) -> float:
    return _HEIGHT - _BOTTOM - value / top * (_HEIGHT - _TOP - _BOTTOM)


def _round_up(value: float) -> float:
    """To a number whose fifths are easy to read."""
    power: float = 10 ** math.floor(math.log10(value))
    return next(power * step for step in (1, 1.5, 2, 2.5, 3, 4, 5, 7.5, 10) if power * step >= value)
