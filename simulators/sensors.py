"""What the sensors of a unit make of what is so: noise, steps of their own size, a sample now and then that is missing,
and a clock that does not tick quite evenly."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from simulators.days import DAY_S, Floats
from simulators.kinds import Kind
from simulators.model import Unit

Ints = npt.NDArray[np.int64]

SOURCES = (
    *("air", "coil", "discharge", "ambient", "draw", "door", "suction", "condenser"),
    *("humidity", "fan", "defrost", "set", "float"),
    *("low", "high"),
)
PRESSURES = ("low", "high")  # on either side of the compressor
_HOW = {
    "door": "state",
    "draw": "share",
    "fan": "share",
    "humidity": "plain",
    "defrost": "state",
    "set": "state",
    "float": "state",
    "low": "plain",
    "high": "plain",
}
_DIGITS = {"low": -3, "high": -3}  # of Pa: hundredths of a bar
STEPS = (1, 1, 2, 5)  # tenths of a kelvin that a unit's thermometers tell apart: half of them tell one
MISSED = 0.0005  # share of a sensor's samples
JITTER_MS, LATEST_MS = 400.0, 2_000.0


class Noise(NamedTuple):
    """Of one day. `gauss` (units, steps, metrics), NaN where a sensor says nothing; `jitter_ms` (units, steps)."""

    gauss: npt.NDArray[np.float32]
    jitter_ms: Ints


class Reads(NamedTuple):
    """How a sensor says a signal: "temperature" in steps of its own, "state" as it is, "share" with a noise that is a
    share of it, "plain" with one that is not; the last two never below zero."""

    how: str
    sigma: float = 0.0
    digits: int = 0
    high: float = np.inf


def tenths(units: Sequence[Unit]) -> Floats:
    """(units, 1): the step of each unit's thermometers, in 0.1 K."""
    return np.array([[np.random.default_rng((unit.seed, 6)).choice(STEPS)] for unit in units], np.float64)


class Noises:
    """Of one day after the other, in memory that each day takes over from the one before."""

    def __init__(self, widths: Sequence[int], step_s: int, late: Sequence[int] | None = None) -> None:
        """`widths`: how many metrics each unit has; `late`: how many of them, at the end, came when there were fleets
        already, and leave their noise as it was."""
        steps = DAY_S // step_s
        self._widths, self._late = widths, late or [0] * len(widths)
        self._gauss = np.full((len(widths), steps, max(widths)), np.nan, np.float32)
        self._jitter = np.empty((len(widths), steps), np.float32)

    def of(self, units: Sequence[Unit], day_no: int) -> Noise:
        """Follows from seed and day alone."""
        for i, (unit, width, late) in enumerate(zip(units, self._widths, self._late, strict=True)):
            rng = np.random.default_rng((unit.seed, 5, day_no))
            rng.standard_normal(out=self._jitter[i], dtype=np.float32)
            self._fill(self._gauss[i, :, : width - late], rng)
            if late:
                self._fill(self._gauss[i, :, width - late : width], np.random.default_rng((unit.seed, 9, day_no)))
        return Noise(self._gauss, np.clip(self._jitter * JITTER_MS, -LATEST_MS, LATEST_MS).astype(np.int64))

    @staticmethod
    def _fill(columns: npt.NDArray[np.float32], rng: np.random.Generator) -> None:
        own = rng.standard_normal(columns.shape, dtype=np.float32)
        own.reshape(-1)[rng.integers(own.size, size=rng.poisson(MISSED * own.size))] = np.nan
        columns[:] = own


def in_steps(temp_c: Floats, tenths: Floats) -> Floats:
    """As a thermometer of that resolution says it."""
    said: Floats = np.rint(temp_c * (10 / tenths)) * tenths / 10
    return said


def sensed(kinds: Sequence[Kind], signals: Floats, gauss: npt.NDArray[np.float32], tenths: Floats) -> Floats:
    """What the sensors make of the signals (sources, n, units): (units, n, metrics); NaN in the columns that a kind
    has not."""
    values = np.full((len(kinds), signals.shape[1], gauss.shape[2]), np.nan)
    for kind in {id(kind): kind for kind in kinds}.values():
        places = [i for i, other in enumerate(kinds) if other is kind]
        members = slice(None) if len(places) == len(kinds) else places
        sources = {name: signals[place][:, members].T for place, name in enumerate(SOURCES)}
        # some air passes between the fins
        sources["supply"] = sources["air"] + 0.75 * (sources["coil"] - sources["air"])
        for column, (source, sigma) in enumerate(kind.sensors):
            noise = gauss[members, :, column]
            high = 100.0 if source == "humidity" else np.inf
            digits = kind.draw_digits if source == "draw" else _DIGITS.get(source, 0)
            reads = Reads(_HOW.get(source, "temperature"), sigma, digits, high)
            signal = sources[source]
            if source == "door":
                signal = (signal > 0).astype(np.float64)
            elif source == "set":
                signal = np.round(signal, 1)
            values[members, :, column] = read(reads, signal, noise, tenths[members])
    return values


def read(reads: Reads, signal: Floats, gauss: npt.NDArray[np.float32], tenths: Floats) -> Floats:
    """One metric's readings of (units, n)."""
    noise = (reads.sigma * gauss).astype(np.float64)
    if reads.how == "state":
        return signal + noise
    if reads.how == "temperature":
        return in_steps(signal + noise, tenths)
    noisy = signal * (1 + noise) if reads.how == "share" else signal + noise
    said: Floats = np.clip(np.round(noisy, reads.digits), 0.0, reads.high)
    return said
