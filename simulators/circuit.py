"""The refrigeration circuit between its two coils: compressor, capillary, charge; all units together.

Gas is pumped as fast as the compressor's map says, liquid comes as fast as the capillary lets it, and boils as fast as
the coil gives heat: the evaporating temperature is where the first equals the lesser of the others. So a coil that gets
too little liquid runs dry (superheat), one that boils too little of it is flooded, and every fault of charge, bore,
valves or air moves pressures, temperatures and power by itself.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from simulators.refrigerant import KELVIN, Refrigerant

Floats = npt.NDArray[np.float64]

WET = 0.88  # share of a healthy coil in which liquid boils; the rest overheats the gas
CLEARANCE = 0.03  # of the cylinder: gas that expands again and is not pumped
SUBCOOLED_K = 4.0  # of the liquid before the capillary
BACKED_K = 14.0  # liquid that the capillary does not take waits in the condenser and cools down there
BACKED_AREA = 0.3  # ... and takes this share of its area
# A capillary refrigerator that was filled with 110 g instead of 70 to 80 had a run time 21 % longer and a discharge
# pressure 1.3 bar higher; a tenth too much costs 6 to 12 % already, so that the first grams count most
COUNTS = 0.6  # of what is too much, this power; for each filling of 110 to 75 g
TOO_FULL = 110 / 75 - 1
FLOODED_AREA = 0.75  # ... the share of the condenser that liquid takes
BEHIND = 0.45  # ... and of what boils the share that does so in the suction line, where it cools the kitchen
# A coil without its fan lets liquid through. Line, accumulator and shell boil it, frosted as far as it comes: which is
# why suction pressure and power fall little, though the coil is so cold. Judgement: 1 W/K of a refrigerator.
FROSTED_LINE = 0.01  # of the design's cooling, for each kelvin that the room is warmer
_NEWTON = 3


def _within(value: Floats, low: Floats | float, high: Floats | float) -> Floats:
    """As numpy.clip, which takes three times as long for so few."""
    clipped: Floats = np.minimum(np.maximum(value, low), high)
    return clipped


class Design(NamedTuple):
    """Where a healthy unit runs at its mean ambient, each (units,)."""

    evaporating_c: Floats
    condensing_c: Floats
    coil_c: Floats
    cooling_w: Floats
    efficiency: Floats  # of compressor and motor together
    reserve: Floats  # share of the charge that lies in the accumulator
    heated_k: Floats  # what the suction line, along the capillary, and the shell warm the gas


class Ailing(NamedTuple):
    """What is not as it was built, each (units,)."""

    charge: Floats  # 1: as filled
    volumetric: Floats  # of what the compressor pumped when new
    bore: Floats  # of what the capillary let through when new


class Pipes(NamedTuple):
    """What is left of what the circuit was built for, whatever it does, of the shape of what ails."""

    feed: Floats  # kg/s that the capillary takes, at the square root of a bar
    swept: Floats  # m3/s that the valves let the compressor pump
    subcooled_k: Floats
    condenser_area: Floats  # share that liquid does not fill
    behind: Floats  # share of what boils that does so behind the coil
    line_w: Floats  # what the suction line gives to liquid in it, were that at 0 °C ...
    line_w_k: Floats  # ... and how much less for each kelvin


class Flow(NamedTuple):
    """What the circuit does while the compressor runs, each (units,)."""

    evaporating_c: Floats
    cooling_w: Floats  # of the coil
    rejected_w: Floats
    shaft_w: Floats  # electric, of the compressor alone
    superheat_k: Floats
    moved_kg_s: Floats
    discharge_c: Floats  # of the gas, when it leaves


class Circuit:
    def __init__(self, fluids: list[Refrigerant], design: Design) -> None:
        def of(name: str) -> Floats:
            return np.array([getattr(fluid, name) for fluid in fluids])

        self.a, self.b_k, self.latent, self.liquid = of("a"), of("b_k"), of("latent_j_kg"), of("liquid_j_kg_k")
        self.gas, self.heat = of("gas_j_kg_k"), of("heat_j_kg_k")
        self.polytropic = 1 - 1 / of("exponent")
        self.expansion = 1 / of("exponent")
        self.design = design
        low, high = self.bar(design.evaporating_c), self.bar(design.condensing_c)
        self.flow_kg_s = design.cooling_w / self._effect(
            design.evaporating_c, design.condensing_c - SUBCOOLED_K, np.zeros_like(low)
        )
        self.swept = self.flow_kg_s / (self._filling(high / low) * self._density(low, design.evaporating_c))
        self.bore = self.flow_kg_s / np.sqrt(high - low)
        self.boiling_w_k = design.cooling_w / (WET * (design.coil_c - design.evaporating_c))

    def bar(self, saturated_c: Floats, units: npt.NDArray[np.intp] | slice = slice(None)) -> Floats:
        pressure: Floats = np.exp(self.a[units] - self.b_k[units] / (saturated_c + KELVIN))
        return pressure

    def pipes(self, ailing: Ailing, evaporator_fan: Floats | float = 1.0, room_c: Floats | float = 0.0) -> Pipes:
        knee = 1 - self.design.reserve
        seal = np.clip(ailing.charge / knee, 0.0, 1.0)  # beneath the knee, gas comes into the capillary with the liquid
        excess = TOO_FULL * (np.maximum(ailing.charge - 1.0, 0.0) / TOO_FULL) ** COUNTS
        stopped = np.clip(1 - ailing.bore, 0.0, 1.0) * seal
        backed = stopped + excess
        line_w_k = FROSTED_LINE * self.design.cooling_w * (1 - evaporator_fan) * seal**2
        return Pipes(
            feed=self.bore * ailing.bore * seal**2 * (1 + 0.6 * excess),
            swept=self.swept * ailing.volumetric,
            subcooled_k=np.maximum(SUBCOOLED_K * seal**2 + BACKED_K * backed, 0.0),
            condenser_area=np.clip(1 - BACKED_AREA * stopped - FLOODED_AREA * excess, 0.3, 1.0),
            behind=np.minimum(BEHIND * excess, 1.0),
            line_w=line_w_k * room_c,
            line_w_k=line_w_k,
        )

    def run(self, coil_c: Floats, condensing_c: Floats, guess_c: Floats, pipes: Pipes) -> Flow:
        """`guess_c`: the last evaporating temperature; three steps from there are within 0.1 K."""
        high = self.bar(condensing_c)
        te_c = np.minimum(guess_c, coil_c - 0.1)
        for _ in range(_NEWTON):
            te_c = self._nearer(te_c, coil_c, high, pipes)
        low = self.bar(te_c)
        fed = pipes.feed * np.sqrt(np.maximum(high - low, 0.01))
        flooded_k = np.maximum(coil_c - te_c, 0.0)
        coil_w, line_w = self.boiling_w_k * flooded_k, np.maximum(pipes.line_w - pipes.line_w_k * te_c, 0.0)
        boiled = (coil_w + line_w) / self.latent
        moved = np.minimum(fed, boiled)
        superheat_k = _within(1 - moved / np.maximum(boiled, 1e-9), 0.0, 1.0) * flooded_k
        taken_w = np.maximum(moved * self._effect(te_c, condensing_c - pipes.subcooled_k, superheat_k), 0.0)
        gas_k = te_c + superheat_k + self.design.heated_k + KELVIN
        lift = (high / low) ** self.polytropic - 1
        work = moved * self.gas * gas_k * lift / self.polytropic
        shaft_w = work / self.design.efficiency
        return Flow(
            evaporating_c=te_c,
            cooling_w=taken_w * (1 - pipes.behind) * (coil_w / np.maximum(coil_w + line_w, 1e-9)),
            rejected_w=taken_w + shaft_w * 0.8,  # the shell gives the rest to the room
            shaft_w=shaft_w,
            superheat_k=superheat_k,
            moved_kg_s=moved,
            discharge_c=gas_k * (1 + lift / 0.75) - KELVIN,
        )

    def _nearer(self, te_c: Floats, coil_c: Floats, high: Floats, pipes: Pipes) -> Floats:
        """One step of Newton's towards where what is pumped is what comes."""
        low = self.bar(te_c)
        pumped = pipes.swept * self._filling(high / low) * self._density(low, te_c)
        line_w = np.maximum(pipes.line_w - pipes.line_w_k * te_c, 0.0)
        boiled = (self.boiling_w_k * (coil_c - te_c) + line_w) / self.latent
        fed = pipes.feed * np.sqrt(np.maximum(high - low, 0.01))
        less = (self.boiling_w_k + pipes.line_w_k) / self.latent
        slope = pumped * self.b_k / (te_c + KELVIN) ** 2 + np.where(boiled < fed, less, 0.0)
        step_k = (np.minimum(boiled, fed) - pumped) / slope
        return _within(te_c + _within(step_k, -12.0, 12.0), coil_c - 60.0, coil_c - 0.05)

    def _filling(self, ratio: Floats) -> Floats:
        filling: Floats = np.maximum(1 - CLEARANCE * (ratio**self.expansion - 1), 0.05)
        return filling

    def _density(self, bar: Floats, saturated_c: Floats) -> Floats:
        return bar * 1e5 / (self.gas * (saturated_c + self.design.heated_k + KELVIN))

    def _effect(self, te_c: Floats, liquid_c: Floats, superheat_k: Floats) -> Floats:
        """Heat that a kilogram takes from the coil; the liquid line is cooled by the suction line."""
        return self.latent - self.liquid * (liquid_c - te_c) + self.heat * (superheat_k + self.design.heated_k * 0.8)
