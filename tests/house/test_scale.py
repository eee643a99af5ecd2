"""docs/scale.md: what is computed follows from what is measured, by the arithmetic that stands beside it."""

import re
from collections.abc import Callable
from math import ceil
from pathlib import Path

import pytest

from api.worker.checkpoint import _MOST_BYTES
from api.worker.forget import MESSAGE_BYTES
from detectors.engine import Engine
from devices import catalogue

PAGE = (Path(__file__).parents[2] / "docs/scale.md").read_text(encoding="utf-8")
APPLIANCES = (10_000, 1_000_000, 100_000_000)
DAY = 1_440  # messages of one
MEASURED = {
    "in the log": (r"a message in the log, on disk \| (\d+) bytes", MESSAGE_BYTES),
    "detectors": (
        r"detectors' of a refrigerator .*? \| ([\d.]+) KB;",
        Engine(catalogue.load()).bytes_per_device("refrigerator") / 1e3,
    ),
}
COMPUTED: dict[str, Callable[[int], float]] = {
    "messages a second": lambda n: n / 60,
    "messages a day": lambda n: n * DAY,
    "log, 48 h": lambda n: 2 * n * DAY * MESSAGE_BYTES,
    "the same, three replicas": lambda n: 3 * 2 * n * DAY * MESSAGE_BYTES,
    "record a day, uncompressed": lambda n: n * DAY * (188 + 35),
    "record a day, compressed": lambda n: n * DAY * (8 * 5.7 + 35),
    "worker CPU, batches full": lambda n: n / 60 * 12.6e-6,
    "worker CPU, batches small": lambda n: n / 60 * 400e-6,
    "database CPU for inserts, batches full": lambda n: n / 60 * 6.4e-6,
    "memory of what workers know": lambda n: n * 4.2e3,
    "checkpoints": lambda n: n * 2.5e3,
    "least partitions, by checkpoint (256 MiB)": lambda n: ceil(n * 2.5e3 / _MOST_BYTES),
    "least partitions, by rate (half of one core of a worker)": lambda n: ceil(n / 60 / 40_000),
    "database shards, by tenant": lambda n: ceil(n / 60 / 20_000),
}
_UNITS = {"M": 1e6, "G": 1e9, "MB": 1e6, "GB": 1e9, "TB": 1e12, "cores": 1, "": 1}


def _rows() -> dict[str, list[str]]:
    section = PAGE.partition("## Computed")[2].partition("## What to run")[0]
    rows = [[cell.strip() for cell in row.split("|")[1:-1]] for row in section.splitlines() if row.startswith("| ")]
    return {row[0]: row[1:4] for row in rows if row[0] and not row[0].startswith("---")}


def test_every_computed_row_is_checked() -> None:
    assert set(_rows()) == set(COMPUTED)


@pytest.mark.parametrize("row", COMPUTED)
def test_what_is_computed_follows_from_its_arithmetic(row: str) -> None:
    for said, appliances in zip(_rows()[row], APPLIANCES, strict=True):
        if said == "-":
            continue
        found = re.fullmatch(r"([\d.,]+) ?(\w*)", said)
        assert found, said
        stated = float(found[1].replace(",", "")) * _UNITS[found[2]]
        assert stated == pytest.approx(COMPUTED[row](appliances), rel=0.05), said


@pytest.mark.parametrize("figure", MEASURED)
def test_what_the_code_knows_of_itself_is_what_the_page_says(figure: str) -> None:
    pattern, known = MEASURED[figure]
    found = re.search(pattern, PAGE)
    assert found
    assert float(found[1]) == pytest.approx(known, rel=0.05)
