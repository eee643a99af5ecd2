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

import sys
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from devices.model import Catalogue
from simulators import clock, incidents
from simulators.ailments import FAULTS as AILMENTS
from simulators.classes import ALL_FAULTS, FAULTS
from simulators.climate import PLACES, Place
from simulators.incidents import Rates
from simulators.model import Fault, Span, Unit

DAY_MS = 86_400_000
MOST = 500_000  # devices
MOST_A_YEAR = 10_000  # of a nuisance
_HEIRS = MOST  # seeds beyond all of the fleet's own


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
    except (OSError, ValueError, RecursionError) as error:
        raise MixError(f"{path}: {error}") from error
    strange = said.keys() - {each.name for each in fields(Mix)}
    if strange:
        raise MixError(
            f"{path}: {min(strange)!r} is nothing that a mix has; it has [classes], [places], [nuisances], [[faults]]"
        )
    for name in said:
        if not isinstance(said[name], list if name == "faults" else dict):
            raise MixError(f"{path}: {name} is no table: {'[[faults]]' if name == 'faults' else f'[{name}]'}")
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
        if not _is_number(weight) or weight < 0:
            raise MixError(f"{path}: {name} = {weight!r} is no share")
    if not weights or sum(weights.values()) <= 0:
        raise MixError(f"{path}: [{what}] is empty")
    return weights


def _rates(path: Path, said: dict[str, Any]) -> Rates:
    known = [each.name for each in fields(Rates)]
    for name, rate in said.items():
        if name not in known:
            raise MixError(f"{path}: {name!r} in [nuisances] happens to nobody; there are {', '.join(known)}")
        if not _is_number(rate) or not 0 <= rate <= MOST_A_YEAR:
            raise MixError(f"{path}: {name} = {rate!r} is no rate; it is a number from 0 to {MOST_A_YEAR:,}")
    return Rates(**said)


def _share(path: Path, number: int, row: dict[str, Any]) -> Share:
    where = f"{path}: [[faults]] number {number}"
    if not isinstance(row, dict):
        raise MixError(f"{where}: {row!r} is no table")
    if row.get("name") not in ALL_FAULTS:
        raise MixError(f"{where}: {row.get('name')!r} is no fault; there are {', '.join(ALL_FAULTS)}")
    strange = row.keys() - Share.__annotations__.keys()
    if strange:
        raise MixError(f"{where}: {min(strange)!r} is nothing that a fault has")
    if not _is_number(row.get("share")) or not 0 < row["share"] <= 1:
        raise MixError(f"{where}: share must be above 0 and at most 1")
    spans = {key: _span(where, key, row[key]) for key in ("onset_day", "ramp_h", "strength") if key in row}
    if "onset_day" not in spans:
        raise MixError(f"{where}: onset_day is missing, [first, last] of the run")
    return Share(name=row["name"], share=row["share"], **spans)


def _span(where: str, key: str, said: object) -> Span:
    if isinstance(said, list) and len(said) == 2 and all(_is_number(end) for end in said):
        low, high = said
        if 0 <= low <= high and (key != "strength" or high <= 1):
            return float(low), float(high)
    raise MixError(f"{where}: {key} must be [low, high], not negative" + (", at most 1" if key == "strength" else ""))


def _is_number(said: object) -> bool:
    """TOML has `nan`, `inf`, booleans and whole numbers without end, too."""
    return isinstance(said, int | float) and not isinstance(said, bool) and abs(said) <= sys.float_info.max


def unmet(mix: Mix, made: Sequence[Made], end_ms: int) -> list[str]:
    """What the mix asked for and this fleet does not show by then, in sentences."""
    begins_ms: dict[str, list[int]] = {share.name: [] for share in mix.faults}
    for each in made:
        if each.fault is not None:
            begins_ms[each.fault.name].append(each.fault.onset_ms)
    said = [f"{name} befalls nobody: too few units can have it" for name, begins in begins_ms.items() if not begins]
    late = [name for name, begins in begins_ms.items() if begins and min(begins) >= end_ms]
    return said + [f"{name} begins after the last day" for name in late]


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
    if fault is not None and fault.name in AILMENTS and AILMENTS[fault.name].serviced:
        stays = tuple(sorted((*stays, incidents.service(unit.seed, fault.onset_ms)), key=lambda each: each.at_ms))
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
