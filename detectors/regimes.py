"""What appliances are doing: arrays of readings labelled with the regimes that their class declares.

A label is of the past alone: what comes later never changes it, so that readings may come one by one or as a month.
Metrics that are said less often than others count as they last were, for a few of their own cadences; beyond that, and
over a gap between readings, nothing is known.
"""

import numpy as np
import numpy.typing as npt

from devices.model import ApplianceClass, Condition, Regime
from ingest.model import Bools, Floats, Ints

Labels = npt.NDArray[np.int8]

REGIMES = tuple(Regime)
UNKNOWN = -1
PATIENCE = (
    3  # cadences of a metric for which its last value counts; of the class, for which a hold lasts without a word
)


def label(appliance: ApplianceClass, owner: Ints, ts_ms: Ints, values: Floats) -> Labels:
    """(n,): an index into REGIMES, or UNKNOWN. Of the regimes that are recognised, the one that the class names first.
    `owner` (n,) whose reading it is, `values` (n, n_metrics), NaN: not said; sorted by (owner, ts_ms)."""
    labels = np.full(len(ts_ms), UNKNOWN, np.int8)
    seen = recognised(appliance, owner, ts_ms, values)
    for rule, mask in zip(reversed(appliance.regimes), reversed(seen), strict=True):
        labels[mask] = REGIMES.index(rule.regime)
    return labels


def recognised(appliance: ApplianceClass, owner: Ints, ts_ms: Ints, values: Floats) -> list[Bools]:
    """A mask (n,) for each of the class's regime rules, several of which may hold at once."""
    if not len(ts_ms):
        return [np.zeros(0, np.bool_) for _ in appliance.regimes]
    line = _Line(appliance, owner, ts_ms, values)
    masks = []
    for rule in appliance.regimes:
        true = np.logical_and.reduce([line.true(condition) for condition in rule.when])
        masks.append(line.held(true, rule.hold_s * 1000, rule.stay_s * 1000))
    return masks


class _Line:
    """Readings of several appliances in one line; `_first` (n,): the first row of the stretch that a row is in."""

    def __init__(self, appliance: ApplianceClass, owner: Ints, ts_ms: Ints, values: Floats) -> None:
        self._appliance, self._ts_ms = appliance, ts_ms
        self._row = np.arange(len(ts_ms))
        begins = np.diff(owner, prepend=owner[0] - 1) != 0
        self._first_of_owner = np.maximum.accumulate(np.where(begins, self._row, 0))
        begins |= np.diff(ts_ms, prepend=ts_ms[0]) > PATIENCE * appliance.cadence_s * 1000
        self._begins = begins
        # of an owner's time a key that only grows, so that one search finds a moment of any owner's
        owners_before = np.cumsum(np.diff(owner, prepend=owner[0]) != 0)
        self._key = owners_before * (int(np.ptp(ts_ms)) + 1) + ts_ms - ts_ms.min()
        self._carried = {
            metric.name: self._carry(values[:, column], (metric.cadence_s or appliance.cadence_s) * 1000)
            for column, metric in enumerate(appliance.metrics)
        }

    def _carry(self, value: Floats, cadence_ms: int) -> Floats:
        """Where nothing was said, what was said last, if that is not too long ago."""
        last = np.maximum.accumulate(np.where(np.isnan(value), -1, self._row))
        known = (last >= self._first_of_owner) & (self._ts_ms - self._ts_ms[last] <= PATIENCE * cadence_ms)
        carried: Floats = np.where(known, value[last], np.nan)
        return carried

    def true(self, condition: Condition) -> Bools:
        """Where it holds; what is not known does not."""
        value = self._carried[condition.metric]
        if condition.minus is not None:
            value = value - self._carried[condition.minus]
        if condition.over_s is not None:
            value = value - self._ago(value, condition.over_s * 1000)
        low = -np.inf if condition.above is None else condition.above
        high = np.inf if condition.below is None else condition.below
        holds: Bools = (value >= low) & (value < high)
        return holds

    def _ago(self, value: Floats, by_ms: int) -> Floats:
        """What each row's value was `by_ms` before it; NaN where that is not known."""
        before = np.searchsorted(self._key, self._key - by_ms, side="right") - 1
        late_ms = self._ts_ms - by_ms - self._ts_ms[before]
        known = (before >= self._first_of_owner) & (late_ms <= PATIENCE * self._appliance.cadence_s * 1000)
        was: Floats = np.where(known, value[before], np.nan)
        return was

    def held(self, true: Bools, hold_ms: int, stay_ms: int) -> Bools:
        """From when it has been true for `hold_ms` until it has not been for `stay_ms`, or until nothing is known."""
        turns = self._begins | (np.diff(true, prepend=~true[0]))
        since_ms = self._ts_ms[np.maximum.accumulate(np.where(turns, self._row, 0))]
        lasted_ms = self._ts_ms - since_ms
        enters = true & (lasted_ms >= hold_ms)
        leaves = (~true & (lasted_ms >= stay_ms)) | self._begins
        entered = np.maximum.accumulate(np.where(enters, self._row, -1))
        left = np.maximum.accumulate(np.where(leaves, self._row, -1))
        inside: Bools = (entered >= left) & (entered >= 0)
        return inside
