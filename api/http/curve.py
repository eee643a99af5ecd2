"""A curve as SVG, drawn on the server: it needs no script, prints, and speaks to a screen reader."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
from markupsafe import Markup

from ingest.model import Floats, Ints

WIDTH, HEIGHT = 360, 208  # units of the view box: one CSS pixel on a phone
LEFT, RIGHT, TOP, BOTTOM = 34, 8, 22, 24
_COLUMNS = WIDTH - LEFT - RIGHT  # more points than this cannot be told apart


@dataclass(frozen=True, kw_only=True)
class Tick:
    at_ms: int
    text: str


@dataclass(frozen=True, kw_only=True)
class Drawing:
    """What is to be seen. `start_ms`, `end_ms`, `low`, `high`: (n,).

    A bar spans [start, end] and reaches `high`; on a line `low` and `high` are the envelope at `start`, equal where one
    value was measured.
    """

    bars: bool
    start_ms: Ints
    end_ms: Ints
    low: Floats
    high: Floats
    from_ms: int
    to_ms: int
    band: tuple[float, float] | None  # the usual range
    since_ms: int | None
    ticks: Sequence[Tick]
    title: str
    about: str
    usual: str
    since: str


def nice_step(span: float, wanted: int = 4) -> float:
    """1, 2 or 5 times a power of ten, so that about `wanted` steps make `span`."""
    rough = max(span, 1e-9) / wanted
    power = 10.0 ** np.floor(np.log10(rough))
    return float(next(step for step in (1, 2, 5, 10) if step * power >= rough) * power)


def svg(drawing: Drawing) -> Markup:
    frame = _Frame.around(drawing)
    parts = [
        _band(drawing, frame),
        _grid(drawing, frame),
        _bars(drawing, frame) if drawing.bars else _line(drawing, frame),
        _since(drawing, frame),
        _usual_word(drawing, frame),
    ]
    head = (
        f'<svg class="curve" viewBox="0 0 {WIDTH} {HEIGHT}" role="img"'
        f' aria-label="{escape(f"{drawing.title}. {drawing.about}")}">'
        f"<title>{escape(drawing.title)}</title><desc>{escape(drawing.about)}</desc>"
    )
    return Markup(head + "".join(parts) + "</svg>")  # noqa: S704 - numbers, and words that were escaped above and below


@dataclass(frozen=True)
class _Frame:
    """From time and value to the view box."""

    from_ms: int
    to_ms: int
    bottom: float
    top: float
    step: float

    @classmethod
    def around(cls, drawing: Drawing) -> "_Frame":
        seen = np.concatenate([drawing.low, drawing.high, np.array(drawing.band or (), np.float64)])
        seen = seen[np.isfinite(seen)]
        low, high = (float(seen.min()), float(seen.max())) if len(seen) else (0.0, 1.0)
        if drawing.bars:
            low = 0.0
        step = nice_step(max(high - low, abs(high) * 0.05, 0.5))
        bottom = np.floor(low / step) * step
        return cls(drawing.from_ms, drawing.to_ms, bottom, max(np.ceil(high / step) * step, bottom + step), step)

    def x(self, ms: float) -> float:
        share = (ms - self.from_ms) / max(self.to_ms - self.from_ms, 1)
        return round(LEFT + _COLUMNS * min(max(share, 0.0), 1.0), 1)

    def y(self, value: float) -> float:
        share = (value - self.bottom) / (self.top - self.bottom)
        return round(HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * min(max(share, 0.0), 1.0), 1)


def _band(drawing: Drawing, frame: _Frame) -> str:
    if drawing.band is None:
        return ""
    low, high = frame.y(drawing.band[0]), frame.y(drawing.band[1])
    height = max(low - high, 2)
    return f'<rect class="usual" x="{LEFT}" y="{high}" width="{_COLUMNS}" height="{height:.1f}"/>'


def _usual_word(drawing: Drawing, frame: _Frame) -> str:
    """Above what is drawn, with a halo."""
    if drawing.band is None:
        return ""
    y = max(frame.y(drawing.band[1]) - 5, TOP + 8)
    return f'<text class="usual-word" x="{LEFT + 4}" y="{y:.1f}">{escape(drawing.usual)}</text>'


def _grid(drawing: Drawing, frame: _Frame) -> str:
    lines = []
    for n in range(round((frame.top - frame.bottom) / frame.step) + 1):
        value = frame.bottom + n * frame.step
        y = frame.y(value)
        lines.append(f'<path class="grid" d="M{LEFT} {y}H{WIDTH - RIGHT}"/>')
        lines.append(f'<text class="axis" x="{LEFT - 5}" y="{y + 3.5:.1f}" text-anchor="end">{value:g}</text>')
    for tick in drawing.ticks:
        x = frame.x(tick.at_ms)
        lines.append(f'<path class="grid" d="M{x} {HEIGHT - BOTTOM}v4"/>')
        if LEFT + 10 <= x <= WIDTH - RIGHT - 10:
            lines.append(f'<text class="axis" x="{x}" y="{HEIGHT - 6}" text-anchor="middle">{escape(tick.text)}</text>')
    return "".join(lines)


def _bars(drawing: Drawing, frame: _Frame) -> str:
    floor = frame.y(frame.bottom)
    parts = []
    for start_ms, end_ms, high in zip(drawing.start_ms, drawing.end_ms, drawing.high, strict=True):
        x, y = frame.x(start_ms), frame.y(high)
        width = max(frame.x(end_ms) - x - 0.4, 0.8)
        ill = drawing.since_ms is not None and start_ms >= drawing.since_ms
        parts.append(
            f'<rect class="{"run ill" if ill else "run"}" x="{x}" y="{y}" '
            f'width="{width:.1f}" height="{max(floor - y, 0):.1f}"/>'
        )
    return "".join(parts)


def _line(drawing: Drawing, frame: _Frame) -> str:
    start_ms, low, high = _thinned(drawing)
    if not len(start_ms):
        return ""
    longest_gap_ms = max(float(np.median(np.diff(start_ms))) * 5, 1.0) if len(start_ms) > 1 else 1.0
    breaks = np.flatnonzero(np.diff(start_ms) > longest_gap_ms) + 1
    parts = []
    for piece in np.split(np.arange(len(start_ms)), breaks):
        upper = [f"{frame.x(start_ms[i])} {frame.y(high[i])}" for i in piece]
        lower = [f"{frame.x(start_ms[i])} {frame.y(low[i])}" for i in piece[::-1]]
        parts.append(f'<path class="line" d="M{"L".join(upper + lower)}Z"/>')
    return "".join(parts)


def _thinned(drawing: Drawing) -> tuple[Ints, Floats, Floats]:
    """At most one envelope a column of the picture, so that no peak is lost; readings without a value left out."""
    known = np.isfinite(drawing.high)
    start_ms, low, high = drawing.start_ms[known], drawing.low[known], drawing.high[known]
    if len(start_ms) <= _COLUMNS:
        return start_ms, low, high
    column = (start_ms - drawing.from_ms) * _COLUMNS // max(drawing.to_ms - drawing.from_ms, 1)
    first = np.flatnonzero(np.concatenate([[True], np.diff(column) > 0]))
    return start_ms[first], np.minimum.reduceat(low, first), np.maximum.reduceat(high, first)


def _since(drawing: Drawing, frame: _Frame) -> str:
    if drawing.since_ms is None or not drawing.from_ms <= drawing.since_ms <= drawing.to_ms:
        return ""
    x = frame.x(drawing.since_ms)
    anchor, shift = ("end", -4) if x > WIDTH * 0.7 else ("start", 4)
    return (
        f'<path class="since" d="M{x} {TOP - 8}V{HEIGHT - BOTTOM}"/>'
        f'<text class="since-word" x="{x + shift}" y="{TOP - 8}" text-anchor="{anchor}">{escape(drawing.since)}</text>'
    )
