"""A fleet's past as files, with the truth beside it, for whoever wants to judge a detector.

`foremend fleet generate --devices 100 --days 30 --faults mix.toml --seed 1 --out DIR` writes `{class}.csv` with one row
a reading, in the order of time within a device, and `truth.json`: of each unit its fault, onset, severity by the hour
and the moment at which it no longer did what it is for.
"""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TextIO

import numpy as np
import pandas as pd

from devices import catalogue
from devices.model import Catalogue
from simulators.days import Floats
from simulators.mix import EVERYTHING, Made, Mix, MixError, draw, load
from simulators.model import KINDS
from simulators.run import Run
from simulators.thermal import Plant

START_MS = 1_735_689_600_000  # 2025-01-01, so that the same command gives the same files whenever it is given
UNITS_AT_ONCE = 1000
HOUR_MS = 3_600_000
LOST_H = 3  # so long a shortfall: it no longer does what it is for


def say(phase: str, done: int, total: int) -> None:
    print(json.dumps({"phase": phase, "done": done, "total": total}), flush=True)


def generate(mix: Mix, devices: int, days: int, seed: int, out: Path) -> None:
    """Memory is that of UNITS_AT_ONCE units for a day, whatever the fleet and the days are."""
    classes = catalogue.load()
    out.mkdir(parents=True, exist_ok=True)
    made = draw(mix, devices, seed, START_MS)
    truth: list[dict[str, Any]] = []
    done = 0
    for class_id in sorted({each.class_id for each in made}):
        members = [each for each in made if each.class_id == class_id]
        with (out / f"{class_id}.csv").open("w", encoding="utf-8", newline="") as file:
            names = classes[class_id].metric_names
            file.write(",".join(("device_id", "ts", *names)) + "\n")
            for at in range(0, len(members), UNITS_AT_ONCE):
                some = members[at : at + UNITS_AT_ONCE]
                truth += _write(file, classes, some, days)
                done += len(some)
                say("generate", done, devices)
    document = {"seed": seed, "days": days, "start_ms": START_MS, "cadence_s": 60, "units": truth}
    (out / "truth.json").write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


def _write(file: TextIO, classes: Catalogue, some: Sequence[Made], days: int) -> list[dict[str, Any]]:
    class_id = some[0].class_id
    faults = [each.fault for each in some]
    plant = Plant([KINDS[class_id]] * len(some), [each.unit for each in some], START_MS, faults=faults)
    levels: list[Floats] = []
    short: list[Floats] = []
    for _ in range(days):
        run = plant.advance(1440)
        _rows(run, some, classes[class_id].metric_names).to_csv(file, header=False, index=False)
        levels.append(run.truth.fault_level[:, ::60])
        short.append(run.truth.shortfall.reshape(len(some), 24, 60).mean(axis=2))
    level, beyond = np.concatenate(levels, axis=1), np.concatenate(short, axis=1) > 1
    return [_truth(each, level[i], _lost_ms(each, beyond[i])) for i, each in enumerate(some)]


def _rows(run: Run, some: Sequence[Made], names: Sequence[str]) -> pd.DataFrame:
    """What was said; a minute without a word has no row."""
    said = run.values[:, :, : len(names)]  # noqa: PD011  an array
    frame = pd.DataFrame(said.reshape(-1, len(names)), columns=list(names))
    frame.insert(0, "ts", (run.ts_ms + run.jitter_ms).ravel())
    frame.insert(0, "device_id", np.repeat([each.device_id for each in some], len(run.ts_ms)))
    return frame[~np.isnan(said).all(axis=2).ravel()]


def _lost_ms(each: Made, beyond: Any) -> int | None:
    """When it was lost and stayed lost for LOST_H hours, after the fault began."""
    if each.fault is None:
        return None
    hours = np.convolve(beyond, np.ones(LOST_H), "valid") >= LOST_H
    first = max(0, -(-(each.fault.onset_ms - START_MS) // HOUR_MS))
    found = np.flatnonzero(hours[first:])
    return START_MS + (first + int(found[0])) * HOUR_MS if len(found) else None


def _truth(each: Made, level: Floats, lost_ms: int | None) -> dict[str, Any]:
    said: dict[str, Any] = {
        "device_id": each.device_id,
        "class_id": each.class_id,
        "seed": each.unit.seed,
        "fault": None,
    }
    if each.fault is not None:
        said["fault"] = {
            "name": each.fault.name,
            "onset_ms": each.fault.onset_ms,
            "functional_failure_ms": lost_ms,
            "severity_by_hour": [round(float(value), 3) for value in level],
        }
    return said


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="foremend fleet generate", description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--devices", type=int, default=100)
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--faults", type=Path, metavar="MIX.toml", help="classes and faults; without it all are well")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, required=True, metavar="DIR")
    given = parser.parse_args(arguments)
    if given.devices < 1 or given.days < 1:
        parser.error("--devices and --days must be at least 1")
    begin = time.monotonic()
    try:
        mix = EVERYTHING if given.faults is None else load(given.faults)
    except MixError as error:
        print(f"fleet: {error}", file=sys.stderr)
        return 1
    generate(mix, given.devices, given.days, given.seed, given.out)
    print(f"{given.devices} appliances, {given.days} days: {given.out} ({time.monotonic() - begin:.0f} s)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
