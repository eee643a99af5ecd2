"""What a simulated fleet is made of: how many of which class and where, which faults begin when in which share of them,
and how often what is no fault happens to all.

A mix is a TOML file:

    [classes]                      # shares of the fleet; whatever they add up to
    refrigerator = 3
    cold_room = 1

    [places]                       # likewise, of climate.PLACES
    dublin = 1

    [nuisances]                    # as in incidents.Rates; what is not named is as there
    power_cuts = 4                 # a year

    [[faults]]
    name = "refrigerant_leak"
    share = 0.02                   # of all units that can have it
    onset_day = [5, 20]            # of the run: drawn from that span
    ramp_h = [24, 240]             # until it has its full strength
    strength = [0.6, 1.0]
"""

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from devices.model import Catalogue
from simulators import clock, incidents
from simulators.classes import ALL_FAULTS, FAULTS
from simulators.climate import PLACES, Place
from simulators.incidents import Rates
from simulators.model import Fault, Span, Unit

DAY_MS = 86_400_000
_HEIRS = 500_000  # seeds beyond all of the fleet's own


class MixError(Exception):
    """A mix that cannot be: a sentence with the place in it."""


@dataclass(frozen=True, kw_only=True)
class Share:
    """A fault and whom it befalls."""

    name: str
    share: float
    onset_day: Span
    ramp_h: Span = (6.0, 6.0)
    strength: Span = (1.0, 1.0)


@dataclass(frozen=True, kw_only=True)
class Mix:
    classes: dict[str, float] = field(default_factory=lambda: dict.fromkeys(FAULTS, 1.0))
    places: dict[str, float] = field(default_factory=lambda: dict.fromkeys(PLACES, 1.0))
    faults: tuple[Share, ...] = ()
    nuisances: Rates = field(default_factory=Rates)


@dataclass(frozen=True, kw_only=True)
class Made:
    """One device of the fleet, as it was drawn."""

    device_id: str
    class_id: str
    unit: Unit
    clock: clock.Clock
    fault: Fault | None = None
    heir: Unit | None = None  # who gets the label when the unit is replaced


EVERYTHING = Mix()


def load(path: Path) -> Mix:
    """Raises MixError."""
    try:
        said = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise MixError(f"{path}: {error}") from error
    strange = said.keys() - {each.name for each in fields(Mix)}
    if strange:
        raise MixError(
            f"{path}: {min(strange)!r} is nothing that a mix has; it has [classes], [places], [nuisances], [[faults]]"
        )
    classes = _weights(path, said, "classes", FAULTS, "has no physics")
    places = _weights(path, said, "places", PLACES, "is nowhere")
    nuisances = _rates(path, said.get("nuisances", {}))
    faults = tuple(_share(path, number, row) for number, row in enumerate(said.get("faults", []), 1))
    if sum(fault.share for fault in faults) > 1:
        raise MixError(f"{path}: the shares of the faults add up to more than all units")
    return Mix(classes=classes, places=places, faults=faults, nuisances=nuisances)


def _weights(path: Path, said: dict[str, Any], what: str, known: Iterable[str], wrong: str) -> dict[str, float]:
    weights: dict[str, float] = said.get(what, dict.fromkeys(known, 1.0))
    for name, weight in weights.items():
        if name not in known:
            raise MixError(f"{path}: {name!r} in [{what}] {wrong}; there are {', '.join(known)}")
        if not isinstance(weight, int | float) or weight < 0:
            raise MixError(f"{path}: {name} = {weight!r} is no share")
    if not weights or sum(weights.values()) <= 0:
        raise MixError(f"{path}: [{what}] is empty")
    return weights


def _rates(path: Path, said: dict[str, Any]) -> Rates:
    known = [each.name for each in fields(Rates)]
    for name, rate in said.items():
        if name not in known:
            raise MixError(f"{path}: {name!r} in [nuisances] happens to nobody; there are {', '.join(known)}")
        if not isinstance(rate, int | float) or rate < 0:
            raise MixError(f"{path}: {name} = {rate!r} is no rate")
    return Rates(**said)


def _share(path: Path, number: int, row: dict[str, Any]) -> Share:
    where = f"{path}: [[faults]] number {number}"
    if row.get("name") not in ALL_FAULTS:
        raise MixError(f"{where}: {row.get('name')!r} is no fault; there are {', '.join(ALL_FAULTS)}")
    strange = row.keys() - Share.__annotations__.keys()
    if strange:
        raise MixError(f"{where}: {min(strange)!r} is nothing that a fault has")
    if not isinstance(row.get("share"), int | float) or not 0 < row["share"] <= 1:
        raise MixError(f"{where}: share must be above 0 and at most 1")
    spans = {key: _span(where, key, row[key]) for key in ("onset_day", "ramp_h", "strength") if key in row}
    if "onset_day" not in spans:
        raise MixError(f"{where}: onset_day is missing, [first, last] of the run")
    return Share(name=row["name"], share=row["share"], **spans)


def _span(where: str, key: str, said: object) -> Span:
    if isinstance(said, list) and len(said) == 2 and all(isinstance(end, int | float) for end in said):
        low, high = said
        if 0 <= low <= high and (key != "strength" or high <= 1):
            return float(low), float(high)
    raise MixError(f"{where}: {key} must be [low, high], not negative" + (", at most 1" if key == "strength" else ""))


def draw(mix: Mix, classes: Catalogue, devices: int, seed: int, start_ms: int, days: int) -> list[Made]:
    """The devices, whoever is ill among them, and what happens to each within so many days; the same for the same
    seed."""
    class_ids = _spread(mix.classes, devices)
    faults = _faults(mix, class_ids, seed, start_ms)
    weights = np.array(list(mix.places.values())) / sum(mix.places.values())
    at = np.random.default_rng((seed, 8)).choice(len(weights), devices, p=weights).tolist()
    places = [replace(PLACES[name], seed=seed) for name in mix.places]
    made = []
    for number, class_id in enumerate(class_ids):
        device_id = f"{class_id.replace('_', '-')}-{number:05d}"
        celsius = [metric.name for metric in classes[class_id].metrics if metric.unit == "°C"]
        unit = _unit(mix.nuisances, celsius, seed * 1_000_000 + number, places[at[number]], start_ms, days)
        made.append(_made(mix.nuisances, device_id, class_id, unit, faults[number], start_ms))
    return made


def _faults(mix: Mix, class_ids: list[str], seed: int, start_ms: int) -> list[Fault | None]:
    rng = np.random.default_rng((seed, 7))
    well = rng.permutation(len(class_ids)).tolist()
    faults: list[Fault | None] = [None] * len(class_ids)
    for share in mix.faults:
        able = {class_id for class_id in mix.classes if share.name in FAULTS[class_id]}
        count = round(share.share * sum(class_id in able for class_id in class_ids))
        for place in [place for place in well if class_ids[place] in able][:count]:
            well.remove(place)
            faults[place] = Fault(
                name=share.name,
                onset_ms=start_ms + int(rng.uniform(*share.onset_day) * DAY_MS),
                ramp_s=rng.uniform(*share.ramp_h) * 3600,
                strength=rng.uniform(*share.strength),
            )
    return faults


def _unit(rates: Rates, celsius: list[str], seed: int, place: Place, start_ms: int, days: int) -> Unit:
    happens = incidents.draw(rates, seed, celsius, place.utc_offset_h, start_ms, days)
    return Unit(seed=seed, utc_offset_h=place.utc_offset_h, place=place, habit=rates.habit(), incidents=happens)


def _made(rates: Rates, device_id: str, class_id: str, unit: Unit, fault: Fault | None, start_ms: int) -> Made:
    """Nobody is replaced twice, nor before the fault that was asked for has shown itself."""
    first = next((each for each in unit.incidents if each.name == "replaced" and fault is None), None)
    stays = tuple(each for each in unit.incidents if each.name != "replaced" or each is first)
    unit = replace(unit, incidents=stays)
    heir = None if first is None else replace(unit, seed=unit.seed + _HEIRS, since_ms=first.at_ms)
    own = clock.draw(rates, unit.seed, start_ms)
    return Made(device_id=device_id, class_id=class_id, unit=unit, clock=own, fault=fault, heir=heir)


def _spread(weights: dict[str, float], devices: int) -> list[str]:
    """Classes in turn, so that any part of the fleet is mixed alike."""
    names, share = list(weights), np.array(list(weights.values())) / sum(weights.values())
    owed, class_ids = np.zeros(len(names)), []
    for _ in range(devices):
        owed += share
        most = int(owed.argmax())
        owed[most] -= 1
        class_ids.append(names[most])
    return class_ids
