"""What makes one unit differ from the next: its constants, drawn once from the ranges of its kind."""

from collections.abc import Callable, Sequence

import numpy as np

from simulators.days import DAY_S, Floats, Habits
from simulators.model import Kind, Span, Unit


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
        self.idle, self.running = draw(lambda kind: kind.idle), draw(lambda kind: kind.running)
        self.heater, doors = draw(lambda kind: kind.heater), draw(lambda kind: kind.doors)
        self.habits = [Habits(*row) for row in zip(self.ambient_c, swing_k, doors, strict=True)]
        self.defrost_s = draw(lambda kind: kind.defrost_h) * 3600
        load_w = draw(lambda kind: kind.load_w)
        split_k, self.door = fixed(lambda kind: kind.coil_split_k), fixed(lambda kind: kind.door)
        self.ua = load_w / (self.ambient_c + self.gains_k - self.set_c)
        self.capacity_w = load_w / duty
        self.transfer = self.capacity_w / split_k
        self.coil_j = self.transfer * 200.0  # the coil follows the air within minutes
        self.coil_c = self.set_c - split_k
        # Of one cycle the air warms over the differential while off; the coil's own heat lengthens it a little.
        self.air_j = 0.8 * load_w * (1 - duty) * DAY_S / cycles / self.differential_k
        self.goods_j = draw(lambda kind: kind.goods) * self.air_j
        self.goods_w = self.goods_j / (draw(lambda _: (2.5, 5.0)) * 3600)
        self.frost_j = self.capacity_w * draw(lambda _: (300.0, 700.0))  # what a defrost has to melt
        self.most_cooling_w = 1.6 * self.capacity_w
        self.starting = self.running * draw(lambda kind: kind.inrush)
        self.heat_w = self.capacity_w * fixed(lambda kind: kind.defrost_heat)
        self.condenser_k, self.superheat_k = draw(lambda _: (11.0, 16.0)), draw(lambda _: (22.0, 34.0))
        self.first_defrost = draw(lambda _: (0.0, 1.0))
