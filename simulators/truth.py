"""What really happened, for whoever judges a detector: faults, incidents, places, written as they become known."""

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from simulators.climate import Place, mean_of_day_c
from simulators.crew import Crew, Spoken
from simulators.days import Bools, Floats
from simulators.everyday import Incident
from simulators.incidents import DAY_MS, HOUR_MS
from simulators.mix import Made

LOST_H = 3  # so long a shortfall: it no longer does what it is for

Json = dict[str, Any]


class Chronicle:
    """Of one crew, whose days are told to it one after the other."""

    def __init__(self, crew: Crew, start_ms: int, days: int) -> None:
        self._crew, self._start_ms, self._end_ms = crew, start_ms, start_ms + days * DAY_MS
        self._levels: list[Floats] = []
        self._beyond: list[Bools] = []
        self._defrosting = np.zeros((len(crew.made), 1), np.bool_)
        self._happened: list[list[Incident]] = [list(each.unit.incidents) for each in crew.made]

    def day(self, spoken: Spoken) -> None:
        self._levels.append(spoken.truth.fault_level[:, ::60])
        short = spoken.truth.shortfall
        self._beyond.append(short.reshape(len(short), 24, 60).mean(axis=2) >= 1)
        for i, incident in (*spoken.happened, *self._defrosts(spoken)):
            self._happened[i].append(incident)

    def _defrosts(self, spoken: Spoken) -> Iterator[tuple[int, Incident]]:
        on = getattr(spoken.truth, "defrosting", None)
        if on is None:
            return
        before = np.concatenate([self._defrosting, on[:, :-1]], axis=1)
        self._defrosting = on[:, -1:]
        for i, at in zip(*np.nonzero(on & ~before), strict=True):
            yield int(i), Incident(name="defrost", at_ms=int(spoken.minute_ms[i, at]))

    def units(self) -> Iterator[Json]:
        levels, beyond = np.concatenate(self._levels, axis=1), np.concatenate(self._beyond, axis=1)
        for i, each in enumerate(self._crew.made):
            yield {
                "device_id": each.device_id,
                "class_id": each.class_id,
                "seed": each.unit.seed,
                "place": None if each.unit.place is None else each.unit.place.name,
                "clock_ppm": round(each.clock.ppm, 1),
                "fault": self._fault(each, levels[i], beyond[i]),
                "happened": [_said(incident) for incident in self._in_time(self._happened[i])],
            }

    def _in_time(self, happened: Iterable[Incident]) -> list[Incident]:
        here = [each for each in happened if self._start_ms <= each.at_ms < self._end_ms]
        return sorted(here, key=lambda incident: (incident.at_ms, incident.name))

    def _fault(self, each: Made, levels: Floats, beyond: Bools) -> Json | None:
        if each.fault is None:
            return None
        return {
            "name": each.fault.name,
            "onset_ms": each.fault.onset_ms,
            "functional_failure_ms": self._lost_ms(each.fault.onset_ms, beyond),
            "severity_by_hour": [round(float(level), 3) for level in levels],
        }

    def _lost_ms(self, onset_ms: int, beyond: Bools) -> int | None:
        """When it was lost and stayed lost for LOST_H hours, after the fault began."""
        hours = np.convolve(beyond, np.ones(LOST_H), "valid") >= LOST_H
        first = max(0, -(-(onset_ms - self._start_ms) // HOUR_MS))
        found = np.flatnonzero(hours[first:])
        return self._start_ms + (first + int(found[0])) * HOUR_MS if len(found) else None


def _said(incident: Incident) -> Json:
    said: Json = {"name": incident.name, "at_ms": incident.at_ms, "until_ms": incident.until_ms}
    if incident.size:
        said["size"] = incident.size
    if incident.metric:
        said["metric"] = incident.metric
    return said


class TruthFile:
    """`truth.json`: facts about all, a row for each place, and a line for each unit, never all of them in memory. It is
    there when it is whole; what an earlier fleet left goes first, so that nobody takes it for this one's."""

    def __init__(self, path: Path, facts: Json, places: Sequence[Place]) -> None:
        self._path, self._facts, self._places = path, facts, places

    def __enter__(self) -> Self:
        self._path.unlink(missing_ok=True)
        self._part = self._path.with_name(self._path.name + ".part")
        self._file = self._part.open("w", encoding="utf-8")
        first = self._facts["start_ms"] // DAY_MS
        head = self._facts | {
            "places": {
                place.name: {
                    "mean_of_day_c": [round(mean_of_day_c(place, first + day), 1) for day in range(self._facts["days"])]
                }
                for place in self._places
            }
        }
        self._file.write(json.dumps(head)[:-1] + ', "units": [')
        self._between = "\n"
        return self

    def write(self, units: Iterable[Json]) -> None:
        for unit in units:
            self._file.write(self._between + json.dumps(unit))
            self._between = ",\n"

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._file.write("\n]}\n")
        self._file.close()
        if kind is None:
            self._part.replace(self._path)
        else:
            self._part.unlink()
