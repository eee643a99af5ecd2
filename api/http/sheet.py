"""How labels lie on a sheet of A4: grids that shops sell, and grids of one's own."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

A4_MM = (210.0, 297.0)
LEAST_MM = (30.0, 20.0)  # below that a code's modules are too small for a phone, or its words for eyes
_PAIR = re.compile(r"(\d{1,3}(?:\.\d{1,2})?)x(\d{1,3}(?:\.\d{1,2})?)")


class GridError(ValueError):
    """The labels do not fit on the sheet; the sentence says why."""


@dataclass(frozen=True, kw_only=True)
class Spot:
    """Where one label lies: its left upper corner from that of the page, and its size."""

    page: int
    left_mm: float
    top_mm: float
    width_mm: float
    height_mm: float


@dataclass(frozen=True, kw_only=True)
class Grid:
    columns: int
    rows: int
    width_mm: float
    height_mm: float
    left_mm: float  # margins of the page
    top_mm: float
    across_mm: float = 0.0  # between two labels
    down_mm: float = 0.0

    def __post_init__(self) -> None:
        if self.columns < 1 or self.rows < 1:
            raise GridError("a sheet has at least one label")
        if self.width_mm < LEAST_MM[0] or self.height_mm < LEAST_MM[1]:
            raise GridError(f"a label is at least {LEAST_MM[0]:g} x {LEAST_MM[1]:g} mm, or nobody can read it")
        right = self.left_mm + self.columns * self.width_mm + (self.columns - 1) * self.across_mm
        bottom = self.top_mm + self.rows * self.height_mm + (self.rows - 1) * self.down_mm
        if right > A4_MM[0] + 0.05 or bottom > A4_MM[1] + 0.05:  # so much is lost in rounding
            raise GridError(f"the labels take {right:g} x {bottom:g} mm, and A4 has {A4_MM[0]:g} x {A4_MM[1]:g} mm")

    @property
    def per_page(self) -> int:
        return self.columns * self.rows

    def spots(self, labels: int, skip: int = 0) -> Iterator[Spot]:
        """Row by row; `skip`: so many are gone from the first sheet."""
        for place in range(skip, skip + labels):
            page, on_page = divmod(place, self.per_page)
            row, column = divmod(on_page, self.columns)
            yield Spot(
                page=page,
                left_mm=self.left_mm + column * (self.width_mm + self.across_mm),
                top_mm=self.top_mm + row * (self.height_mm + self.down_mm),
                width_mm=self.width_mm,
                height_mm=self.height_mm,
            )


# Columns x rows, as the makers of such paper measure them (those of L7163, L7160, L7159, and of plain cards)
PRESETS = {
    "3x8": Grid(columns=3, rows=8, width_mm=63.5, height_mm=33.9, left_mm=7.2, top_mm=12.9, across_mm=2.55),
    "3x7": Grid(columns=3, rows=7, width_mm=63.5, height_mm=38.1, left_mm=7.2, top_mm=15.15, across_mm=2.55),
    "2x7": Grid(columns=2, rows=7, width_mm=99.1, height_mm=38.1, left_mm=4.65, top_mm=15.15, across_mm=2.5),
    "2x5": Grid(columns=2, rows=5, width_mm=85, height_mm=54, left_mm=15, top_mm=10, across_mm=10, down_mm=1),
}
USUAL, CARDS = "3x8", "2x5"


def grid(name: str, *, size: str | None = None, margins: str | None = None, gaps: str | None = None) -> Grid:
    """A preset by its name; or columns x rows of labels of a `size`, centred unless `margins` (left x top) are said;
    lengths are `63.5x33.9`, in mm. Raises GridError."""
    if size is None:
        if name not in PRESETS:
            raise GridError(f"no grid {name!r}: take one of {', '.join(PRESETS)}, or say the labels' size too")
        return PRESETS[name]
    columns, rows = (int(each) for each in _pair(name, "columns x rows"))
    width, height = _pair(size, "size")
    across, down = _pair(gaps, "gaps") if gaps else (0.0, 0.0)
    centred = (
        (A4_MM[0] - columns * width - (columns - 1) * across) / 2,
        (A4_MM[1] - rows * height - (rows - 1) * down) / 2,
    )
    left, top = _pair(margins, "margins") if margins else (max(0.0, centred[0]), max(0.0, centred[1]))
    return Grid(
        columns=columns,
        rows=rows,
        width_mm=width,
        height_mm=height,
        left_mm=left,
        top_mm=top,
        across_mm=across,
        down_mm=down,
    )


def _pair(text: str, what: str) -> tuple[float, float]:
    found = _PAIR.fullmatch(text)
    if found is None:
        raise GridError(f"{what} are two numbers such as 63.5x33.9, and {text!r} is not")
    return float(found[1]), float(found[2])
