"""What a unit's clock says: its drift, its steps, and 1970 after a power cut where nothing keeps it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from simulators.everyday import Incident
from simulators.incidents import MINUTE_MS, Rates

Ints = npt.NDArray[np.int64]

_SET_AGAIN_MIN = (2, 720)


@dataclass(frozen=True, kw_only=True)
class Clock:
    seed: int
    start_ms: int  # right then
    ppm: float = 0.0
    forgets: bool = False  # no battery keeps it

    def said_ms(self, true_ms: Ints, incidents: Sequence[Incident]) -> Ints:
        """What it says at these moments. `incidents`: its steps and resets."""
        said = true_ms + np.round((true_ms - self.start_ms) * (self.ppm / 1e6)).astype(np.int64)
        for incident in incidents:
            until_ms = np.inf if incident.until_ms is None else incident.until_ms
            then = (true_ms >= incident.at_ms) & (true_ms < until_ms)
            if incident.name == "clock_step":
                said[then] += int(incident.size)
            elif incident.name == "clock_reset":
                said[then] = true_ms[then] - incident.at_ms
        return said

    def after(self, power_cut: Incident) -> Incident | None:
        """What a power cut does to it."""
        if not self.forgets or power_cut.until_ms is None:
            return None
        rng = np.random.default_rng((self.seed, 5, power_cut.at_ms))
        set_again_ms = int(np.exp(rng.uniform(*np.log(_SET_AGAIN_MIN))) * MINUTE_MS)
        back_ms = power_cut.until_ms
        return Incident(name="clock_reset", at_ms=back_ms, until_ms=back_ms + set_again_ms)


def draw(rates: Rates, seed: int, start_ms: int) -> Clock:
    rng = np.random.default_rng((seed, 4))
    free, forgets, ppm = rng.random() < rates.clock_free, rng.random() < rates.clock_forgets, rng.standard_normal()
    return Clock(seed=seed, start_ms=start_ms, ppm=rates.clock_ppm * ppm if free else 0.0, forgets=bool(forgets))
