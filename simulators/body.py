"""What makes one unit differ from the next: its constants, drawn once from the ranges of its kind."""

from collections.abc import Callable, Sequence

import numpy as np

from simulators.circuit import Ailing, Circuit, Design
from simulators.days import DAY_S, Floats, Habits
from simulators.kinds import Kind
from simulators.model import NEVER_H, Span, Unit

FANS = 0.1  # share of the running draw that is no compressor's ...
STEADY = 0.3  # ... and, with friction and iron, of what it draws however little it pumps
CONDENSER_S = 240.0  # it follows within minutes
MANUAL_S = 120 * DAY_S  # in which a freezer gathers what its owner thaws then


class Body:
    """The units' constants, each (units,), drawn from the ranges of the unit's kind with its seed."""

    def __init__(self, kinds: Sequence[Kind], units: Sequence[Unit]) -> None:
        rngs = [np.random.default_rng((unit.seed, 0)) for unit in units]

        def draw(of: Callable[[Kind], Span]) -> Floats:
            return np.array([rng.uniform(*of(kind)) for rng, kind in zip(rngs, kinds, strict=True)])

        def fixed(of: Callable[[Kind], float]) -> Floats:
            return np.array([of(kind) for kind in kinds])

        picked = [kind.set_c[rng.integers(len(kind.set_c))] for rng, kind in zip(rngs, kinds, strict=True)]
        self.set_c = np.array([rng.uniform(*span) for rng, span in zip(rngs, picked, strict=True)])
        self.ambient_c, swing_k = draw(lambda kind: kind.ambient_c), draw(lambda kind: kind.swing_k)
        self.gains_k, self.differential_k = draw(lambda kind: kind.gains_k), draw(lambda kind: kind.differential_k)
        duty, cycles = draw(lambda kind: kind.duty), draw(lambda kind: kind.cycles)
        self.idle, efficiency = draw(lambda kind: kind.idle), draw(lambda kind: kind.efficiency)
        self.heater, doors = draw(lambda kind: kind.heater), draw(lambda kind: kind.doors)
        self.habits = [Habits(*row) for row in zip(self.ambient_c, swing_k, doors, strict=True)]
        self.defrost_s = draw(lambda kind: kind.defrost_h) * 3600
        load_w = draw(lambda kind: kind.load_w)
        split_k, self.door = fixed(lambda kind: kind.coil_split_k), fixed(lambda kind: kind.door)
        self.ua = load_w / (self.ambient_c + self.gains_k - self.set_c)
        self.capacity_w, self.still = load_w / duty, fixed(lambda kind: kind.still)
        self.transfer = self.capacity_w / split_k
        self.coil_j = self.transfer * 200.0  # the coil follows the air within minutes
        self.coil_c = self.set_c - split_k
        # Of one cycle the air warms over the differential while off; the coil's own heat lengthens it a little.
        self.air_j = 0.8 * load_w * (1 - duty) * DAY_S / cycles / self.differential_k
        self.goods_j = draw(lambda kind: kind.goods) * self.air_j
        self.goods_w = self.goods_j / (draw(lambda _: (2.5, 5.0)) * 3600)
        self.frost_j = self.capacity_w * draw(lambda _: (300.0, 700.0))  # what a defrost has to melt
        inrush = draw(lambda kind: kind.inrush)
        self.heat_w = self.capacity_w * fixed(lambda kind: kind.defrost_heat)
        self.condenser_k = draw(lambda _: (11.0, 16.0))
        self.first_defrost = draw(lambda _: (0.0, 1.0))
        self.winding_s, self.draught = fixed(lambda kind: kind.winding_s), fixed(lambda kind: kind.draught)
        self.circuit = Circuit(
            [kind.fluid for kind in kinds],
            Design(
                evaporating_c=self.coil_c - fixed(lambda kind: kind.approach_k),
                condensing_c=self.ambient_c + self.condenser_k,
                coil_c=self.coil_c,
                cooling_w=self.capacity_w,
                efficiency=efficiency,
                reserve=draw(lambda _: (0.12, 0.25)),
                heated_k=fixed(lambda kind: kind.heated_k),
            ),
        )
        new = Ailing(*(np.ones(len(units)) for _ in Ailing._fields))
        design = self.circuit.design
        flow = self.circuit.run(self.coil_c, design.condensing_c, design.evaporating_c, self.circuit.pipes(new))
        self.shaft_w, self.rejected_w = flow.shaft_w, flow.rejected_w
        self.condenser_w_k = self.rejected_w / self.condenser_k
        self.condenser_j = self.condenser_w_k * CONDENSER_S
        self.draw_per_w = fixed(lambda kind: kind.draw_per_w)
        self.running = self.shaft_w / (1 - FANS) * self.draw_per_w
        self.starting = self.running * inrush
        self.fan_rpm = draw(lambda kind: kind.fan_rpm)
        manual = draw(lambda _: (0.0, 1.0)) < fixed(lambda kind: kind.manual)
        self.frosts_s = np.where(manual, MANUAL_S, self.defrost_s)
        self.defrost_s = np.where(manual, NEVER_H * 3600, self.defrost_s)
        self.frosted = np.where(manual, self.first_defrost, 0.0)  # times frost_j, at the beginning
        self.condensate_l_s = draw(lambda kind: kind.condensate_l_h) / 3600
