"""The vapour in the air of a cabinet or room: goods and the air that comes in give it, the coil takes it.

A balance of vapour pressures with one rate each (`Humid`): it settles within minutes, so that humidity follows the
compressor, jumps with the door, rises where a gasket leaks, and comes back when frost melts.
"""

from collections.abc import Sequence

import numpy as np

from simulators.days import Floats
from simulators.kinds import Kind

OUTSIDE = 0.55  # relative humidity of the air that comes in


def saturated_pa(temp_c: Floats) -> Floats:
    """Over water (Magnus): what meters of relative humidity go by, below freezing too."""
    pressure: Floats = 611.2 * np.exp(17.62 * temp_c / (243.12 + temp_c))
    return pressure


def over_ice_pa(temp_c: Floats) -> Floats:
    """What a coil holds: ice below freezing, water above."""
    pressure: Floats = np.where(
        temp_c < 0, 611.2 * np.exp(22.46 * temp_c / (272.62 + temp_c)), saturated_pa(np.maximum(temp_c, 0.0))
    )
    return pressure


class Vapour:
    def __init__(self, kinds: Sequence[Kind], set_c: Floats, ambient_c: Floats, step_s: int) -> None:
        def of(name: str) -> Floats:
            return np.array([getattr(kind.humid, name) for kind in kinds])

        self.goods_s, self.wet, self.dries, self.door = of("goods_s"), of("wet"), of("dries"), of("door")
        self.still = np.array([kind.still for kind in kinds])
        self.brought = of("brought") * self.wet * saturated_pa(set_c) / (OUTSIDE * saturated_pa(ambient_c))
        self.step_s, self.pa = step_s, self.wet * saturated_pa(set_c)

    def percent(
        self, *, air_c: Floats, coil_c: Floats, ambient_c: Floats, damp: Floats, doors: Floats, blown: Floats
    ) -> Floats:
        """The relative humidity of the next steps, (steps, units) as all that is given; `damp`: times what a good
        gasket lets in, `doors`: open 0 .. 1, `blown`: 0 its fan stands .. 1 it runs."""
        enters = self.brought * (damp + self.door * doors)
        takes = self.dries * (self.still + (1 - self.still) * blown)
        most_pa, rate = saturated_pa(air_c), 1 + enters + takes
        settles_pa = self.wet * most_pa + enters * OUTSIDE * saturated_pa(ambient_c) + takes * over_ice_pa(coil_c)
        settles_pa /= rate
        share = -np.expm1(-self.step_s * rate / self.goods_s)
        pa, said = self.pa, np.empty_like(air_c)
        for i in range(len(said)):
            pa = np.minimum(pa + share[i] * (settles_pa[i] - pa), most_pa[i])
            said[i] = pa
        self.pa = pa
        return 100 * said / most_pa
