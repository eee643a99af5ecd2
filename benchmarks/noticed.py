"""What other settings of a class's first level rule would notice, in a fleet that has all incidents.

`python -m benchmarks.noticed air_conditioner '{}' '{"min_shift": 6}'`: fifteen units of each fault, which begins after
twelve days; eight days later, of each fault how many were noticed by the level rule, and by any, and after how many
hours by the level rule (a median).
"""

import argparse
import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import date

import numpy as np

from benchmarks.alarms import taken
from detectors.engine import Engine
from detectors.model import Claim
from devices import catalogue
from simulators.ailments import FAULTS
from simulators.crew import Crew
from simulators.generate import start_ms_of
from simulators.incidents import DAY_MS, HOUR_MS
from simulators.kinds import KINDS, faults_of
from simulators.mix import Mix, draw
from simulators.model import Fault

EACH, WELL_D, ILL_D = 15, 12, 8

Raised = list[tuple[int, str, int]]  # device, rule, when


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.noticed", description=__doc__.split("\n", maxsplit=1)[0]
    )
    parser.add_argument("class_id", choices=KINDS)
    parser.add_argument("settings", nargs="+", type=json.loads, help="as JSON: keys of [[levels]]")
    parser.add_argument("--start", type=date.fromisoformat, default=date(2025, 6, 15), metavar="DATE")
    given = parser.parse_args()
    names = [name for name in faults_of(KINDS[given.class_id]) if FAULTS[name].seen_by]
    start_ms = start_ms_of(given.start)
    onset_ms = start_ms + WELL_D * DAY_MS
    for settings, raised in zip(
        given.settings, live(given.class_id, names, given.settings, start_ms, onset_ms), strict=True
    ):
        said = {name: noticed(raised, range(i * EACH, (i + 1) * EACH), onset_ms) for i, name in enumerate(names)}
        print(json.dumps({"settings": settings, "noticed": said}))


def live(
    class_id: str, names: Sequence[str], settings: Sequence[dict[str, float]], start_ms: int, onset_ms: int
) -> list[Raised]:
    """What each of the settings raised, of one fleet."""
    classes = catalogue.load()
    row = classes[class_id]
    made = draw(Mix(classes={class_id: 1.0}), classes, EACH * len(names), 3, start_ms, WELL_D + ILL_D)
    ill = [Fault(name=name, onset_ms=onset_ms) for name in names for _ in range(EACH)]
    crew = Crew(
        [replace(each, fault=fault, heir=None) for each, fault in zip(made, ill, strict=True)], classes, start_ms
    )
    first, *rest = row.levels
    engines = [Engine(classes | {class_id: replace(row, levels=(replace(first, **said), *rest))}) for said in settings]
    raised: list[Raised] = [[] for _ in engines]
    for day in range(WELL_D + ILL_D):
        batch = taken(row, crew.advance(1440), day << 32)
        for engine, found in zip(engines, raised, strict=True):
            step = engine.observe([batch])
            engine.keep(step)
            new = [finding for finding in step.findings if finding.claim is Claim.RAISED]
            found += [(finding.device_no, finding.rule, finding.at_ms) for finding in new]
    return raised


def noticed(raised: Raised, units: range, onset_ms: int) -> dict[str, float | None]:
    since = [each for each in raised if each[0] in units and each[2] > onset_ms]
    first_ms: dict[int, int] = {}
    for unit, rule, at_ms in since:
        if rule.startswith("level:"):
            first_ms.setdefault(unit, at_ms)
    hours = [(at_ms - onset_ms) / HOUR_MS for at_ms in first_ms.values()]
    return {
        "level": len(first_ms),
        "any": len({unit for unit, _, _ in since}),
        "hours": round(float(np.median(hours)), 1) if hours else None,
    }


if __name__ == "__main__":
    main()
