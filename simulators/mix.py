"""What a generated fleet is made of: how many of which class, and which faults begin when in which share of them.

A mix is a TOML file:

    [classes]                      # shares of the fleet; whatever they add up to
    refrigerator = 3
    cold_room = 1

    [[faults]]
    name = "refrigerant_leak"
    share = 0.02                   # of all units that can have it
    onset_day = [5, 20]            # of the run: drawn from that span
    ramp_h = [24, 240]             # until it has its full strength
    strength = [0.6, 1.0]
"""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from simulators.model import FAULTS, KINDS, Fault, Span, Unit, faults_of

DAY_MS = 86_400_000


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
    classes: dict[str, float]
    faults: tuple[Share, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Made:
    """One unit of the fleet, as it was drawn."""

    device_id: str
    class_id: str
    unit: Unit
    fault: Fault | None


EVERYTHING = Mix(classes=dict.fromkeys(KINDS, 1.0))


def load(path: Path) -> Mix:
    """Raises MixError."""
    try:
        said = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise MixError(f"{path}: {error}") from error
    strange = said.keys() - {"classes", "faults"}
    if strange:
        raise MixError(f"{path}: {min(strange)!r} is nothing that a mix has; it has [classes] and [[faults]]")
    classes = said.get("classes", EVERYTHING.classes)
    for class_id, weight in classes.items():
        if class_id not in KINDS:
            raise MixError(f"{path}: class {class_id!r} has no physics; there are {', '.join(KINDS)}")
        if not isinstance(weight, int | float) or weight < 0:
            raise MixError(f"{path}: {class_id} = {weight!r} is no share")
    if not classes or sum(classes.values()) <= 0:
        raise MixError(f"{path}: [classes] is empty")
    faults = tuple(_share(path, number, row) for number, row in enumerate(said.get("faults", []), 1))
    if sum(fault.share for fault in faults) > 1:
        raise MixError(f"{path}: the shares of the faults add up to more than all units")
    return Mix(classes=classes, faults=faults)


def _share(path: Path, number: int, row: dict[str, Any]) -> Share:
    where = f"{path}: [[faults]] number {number}"
    if row.get("name") not in FAULTS:
        raise MixError(f"{where}: {row.get('name')!r} is no fault; there are {', '.join(FAULTS)}")
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


def draw(mix: Mix, devices: int, seed: int, start_ms: int) -> list[Made]:
    """The units, whoever is ill among them; the same for the same seed."""
    rng = np.random.default_rng((seed, 7))
    class_ids = _spread(mix.classes, devices)
    well = rng.permutation(devices).tolist()
    faults: list[Fault | None] = [None] * devices
    for share in mix.faults:
        able = {class_id for class_id in mix.classes if share.name in faults_of(KINDS[class_id])}
        count = round(share.share * sum(class_id in able for class_id in class_ids))
        for place in [place for place in well if class_ids[place] in able][:count]:
            well.remove(place)
            faults[place] = Fault(
                name=share.name,
                onset_ms=start_ms + int(rng.uniform(*share.onset_day) * DAY_MS),
                ramp_s=rng.uniform(*share.ramp_h) * 3600,
                strength=rng.uniform(*share.strength),
            )
    return [
        Made(
            device_id=f"{class_id.replace('_', '-')}-{place:05d}",
            class_id=class_id,
            unit=Unit(seed=seed * 1_000_000 + place),
            fault=fault,
        )
        for place, (class_id, fault) in enumerate(zip(class_ids, faults, strict=True))
    ]


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
