"""What the detectors say of simulated fleets in which nobody is ill, and what had happened when they said it.

`python -m benchmarks.alarms --devices 60 --days 30 --start 2025-07-01`

`plain` is a fleet to which only everyday life happens, in the same weather all the year; `normal` one with all that
incidents.py has, at its rates; `often` has ten times as much of it. A finding's cause is what happened to the unit last
before it, the rarest first: with so much going on some of it is coincidence.
"""

import argparse
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import fields, replace
from datetime import date

import numpy as np

from detectors.engine import Engine
from detectors.model import Claim, Finding
from devices import catalogue
from devices.model import ApplianceClass
from ingest import screen
from ingest.model import Batch
from simulators.climate import mean_of_day_c
from simulators.crew import Crew, Spoken
from simulators.everyday import Habit
from simulators.generate import START, start_ms_of
from simulators.incidents import DAY_MS, FIRMWARE, HOUR_MS, NONE, Rates
from simulators.kinds import KINDS
from simulators.mix import Made, Mix, draw
from simulators.truth import Chronicle

_OLDEST_MS, _AHEAD_MS = 1_262_304_000_000, 600_000  # what the house refuses: before 2010, ten minutes ahead
_STAYS = ("replaced", *FIRMWARE, "clock_reset", "clock_step", "set_point")
_PASSES = ("power_cut", "visitors", "quick_freeze", "set_point_for_hours", "offline", "silence", "warm_load", "defrost")
_LEARNS_MS, _RECOVERS_MS = 4 * DAY_MS, 3 * HOUR_MS
_FRONT_K = 5.0


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.alarms", description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--devices", type=int, default=60)
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--start", type=date.fromisoformat, default=START, metavar="DATE")
    parser.add_argument("--of", choices=FLEETS, action="append")
    given = parser.parse_args()
    for name in given.of or FLEETS:
        start_ms = start_ms_of(given.start)
        mix = FLEETS[name]
        made = draw(mix, catalogue.load(), given.devices, given.seed, start_ms, given.days)
        if name == "plain":
            made = [replace(each, unit=replace(each.unit, place=None, habit=Habit())) for each in made]
        found = alarms(made, start_ms, given.days)
        print(json.dumps({"fleet": name, "alarms": sum(found.values()), "by_cause": dict(found.most_common())}))


def alarms(made: Sequence[Made], start_ms: int, days: int) -> Counter[str]:
    classes = catalogue.load()
    found: Counter[str] = Counter()
    for class_id in sorted({each.class_id for each in made}):
        some = [each for each in made if each.class_id == class_id]
        crew = Crew(some, classes, start_ms)
        chronicle = Chronicle(crew, start_ms, days)
        engine = Engine(classes)
        said: list[tuple[Finding, int]] = []
        for day in range(days):
            spoken = crew.advance(1440)
            chronicle.day(spoken)
            batch = taken(classes[class_id], spoken, day << 32)
            step = engine.observe([batch])
            engine.keep(step)
            raised = [finding for finding in step.findings if finding.claim is Claim.RAISED]
            said += [(finding, int(batch.received_ms[batch.seq == finding.seq][0])) for finding in raised]
        truth = list(chronicle.units())
        for finding, at_ms in said:
            happened = truth[finding.device_no]["happened"]
            cause = _cause(happened, at_ms) or _weather(some[finding.device_no], at_ms) or "nothing known"
            found[f"{class_id} {finding.rule}: {cause}"] += 1
    return found


def taken(appliance: ApplianceClass, spoken: Spoken, seq: int) -> Batch:
    """As the house takes it: what has no possible time is refused, each device's in the order of its coming."""
    units, steps, _ = spoken.values.shape
    values = spoken.values[:, :, : len(appliance.metrics)].reshape(units * steps, -1)
    ts_ms, received_ms = spoken.ts_ms.ravel(), spoken.received_ms.ravel()
    possible = ~np.isnan(values).all(axis=1) & (ts_ms > _OLDEST_MS) & (ts_ms < received_ms + _AHEAD_MS)
    order = np.argsort(received_ms, kind="stable")
    order = order[possible[order]]
    low, high = (np.array([getattr(metric, end) for metric in appliance.metrics]) for end in ("low", "high"))
    return Batch(
        class_id=appliance.class_id,
        device_no=np.repeat(np.arange(units), steps)[order],
        ts_ms=ts_ms[order],
        seq=seq + 1 + np.arange(len(order)),
        received_ms=received_ms[order],
        values=values[order],
        flags=screen.flags(values[order], low, high),
        extra=[None] * len(order),
    )


def _cause(happened: Sequence[dict[str, object]], at_ms: int) -> str | None:
    for names, reach_ms in ((_STAYS, _LEARNS_MS), (_PASSES, _RECOVERS_MS)):
        for name in names:
            if any(_reaches(each, at_ms, reach_ms) for each in happened if each["name"] == name):
                return name
    return None


def _reaches(incident: dict[str, object], at_ms: int, reach_ms: int) -> bool:
    begin, end = incident["at_ms"], incident["until_ms"]
    assert isinstance(begin, int)
    last = end if isinstance(end, int) else begin
    return begin <= at_ms <= last + reach_ms


def _weather(each: Made, at_ms: int) -> str | None:
    if each.unit.place is None:
        return None
    days = [mean_of_day_c(each.unit.place, at_ms // DAY_MS - ago) for ago in range(4)]
    return "weather" if max(days) - min(days) > _FRONT_K else None


def _times(rates: Rates, factor: float) -> Rates:
    shares = {"household", "clock_forgets", "clock_free", "clock_ppm"}
    more = {each.name: getattr(rates, each.name) * factor for each in fields(Rates) if each.name not in shares}
    return replace(rates, **more)


COOLS = dict.fromkeys(KINDS, 1.0)
FLEETS = {
    "plain": Mix(classes=COOLS, nuisances=NONE),
    "normal": Mix(classes=COOLS),
    "often": Mix(classes=COOLS, nuisances=_times(Rates(), 10)),
}

if __name__ == "__main__":
    main()
