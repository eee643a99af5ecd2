"""A tub with an inlet valve, a heater, a motor and a drain pump: what a programme does to it, every ten seconds.

Rows are programmes, all of a day's together, whichever unit runs them. Washing machines and dishwashers differ in their
spans and in what the motor turns: a drum, or the pump of the spray arms.
"""

from enum import IntEnum
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from simulators.days import Bools, Floats

Ints = npt.NDArray[np.int64]

SUB_S = 10.0
WATER_J_L_K = 4180.0
FILL_LIMIT_S, DRAIN_LIMIT_S, HEAT_LIMIT_S = 540.0, 270.0, 4_200.0  # then the controller gives up
FUSE_S = 180.0  # in which the fuse of a heater under lime opens and closes: it draws what it always drew, for less long
STOPPED_S = 1_200.0  # until somebody comes and switches it off
EMPTY_L = 0.3
PAN_L = 0.3  # in the pan beneath, until the float switch rises
DRIES_L_S = 0.02 / 3600
RAMP_RPM_S = 18.0
SHAKES_M_S2 = 7.0  # spinning faster would be worse: then it spins slower
WALKS = 1 / 1.4  # ... by so much
VOLT = 230.0 * 0.6  # times the power factor of a small motor


class Phase(IntEnum):
    IDLE = 0
    FILL = 1
    HEAT = 2
    WASH = 3
    DRAIN = 4
    SPIN = 5
    DRY = 6
    STOPPED = 7
    OVER = 8  # never said


# As plain numbers, which numpy compares faster.
FILL, HEAT, WASH, DRAIN, SPIN, DRY, STOPPED, OVER = (int(phase) for phase in list(Phase)[1:])


class Strain(NamedTuple):
    """What a fault makes of a programme's machine, each (rows,): factors, 1 healthy, but for the last three."""

    heater: Floats  # share of the time for which it works
    inlet: Floats
    pump: Floats
    pump_w: Floats
    bearing: Floats
    unbalance: Floats
    spray: Floats
    leak_l_min: Floats
    brushes: Floats  # 0 new .. 1 worn
    level: Floats  # what the level's sensor says too much, as a share


class Machine(NamedTuple):
    """What the rows' machines are, each (rows,)."""

    heater_w: Floats
    mains_l_min: Floats
    pump_l_min: Floats
    pump_w: Floats
    motor_a: Floats  # while it washes
    spin_a: Floats  # more, at 1,000 rpm
    wash_rpm: Floats
    loss_w_k: Floats
    spray_pa: Floats
    bearing_m_s2: Floats  # at 1,000 rpm


class Load(NamedTuple):
    """What was put in and chosen, each (rows,) but `ops` and `amounts` (rows, phases)."""

    ops: Ints
    amounts: Floats  # litres, °C, minutes, rpm
    heat_j_k: Floats  # of laundry or dishes, and the tub
    unbalance_kg: Floats
    inlet_c: Floats
    ambient_c: Floats
    dice: Floats  # 0 .. 1, each row's own


CHANNELS = (
    *("phase", "power_w", "temp_c", "level_l", "inflow_l_min", "rpm", "motor_a", "vibration_m_s2", "pump_w"),
    *("locked", "leak", "spray_pa", "fill_l_min", "heating_k_min", "drain_l_min", "spin_m_s2", "wash_pa"),
)
MEANS = (1, 4, 5, 6, 7, 8, 11)  # over the minute; of the others the last
SUMMARIES = slice(12, 17)  # of the last fill, heating, draining, spinning and washing


class Tub:
    """The state of the rows; what was filled, drained, leaked and brought is kept for whoever adds up."""

    def __init__(self, machine: Machine, load: Load, strain: Strain) -> None:
        rows = len(load.inlet_c)
        self.machine, self.load, self.strain = machine, load, strain
        self.place, self.since_s, self.phase = np.zeros(rows, np.int64), np.zeros(rows), load.ops[:, 0].copy()
        self.level_l, self.pan_l, self.rpm = np.zeros(rows), np.zeros(rows), np.zeros(rows)
        self.temp_c, self.began_c, self.began_l = load.ambient_c.copy(), load.ambient_c.copy(), np.zeros(rows)
        self.tripped, self.failed, self.cold = np.zeros(rows, np.bool_), np.zeros(rows, np.bool_), np.zeros(rows)
        self.filled_l, self.drained_l, self.leaked_l = np.zeros(rows), np.zeros(rows), np.zeros(rows)
        self.brought_j = np.zeros(rows)  # by heater and inlet, less what was lost and drained
        self.now = np.zeros((len(CHANNELS), rows))
        self.now[SUMMARIES] = np.nan

    @property
    def over(self) -> Bools:
        over: Bools = self.phase == OVER
        return over

    def step(self) -> None:
        phase, amount = self.phase, self.load.amounts[np.arange(len(self.place)), self.place]
        pump_w = self._water(phase)
        heater_w = self._heat(phase)
        motor_w = self._turn(phase, amount)
        active = ~self.over
        standing_w = np.where(phase == DRY, 20.0, 4.0)
        now = self.now
        now[0] = np.where(active, phase, now[0])
        now[1] = (heater_w + motor_w + pump_w + standing_w) * active
        now[2], now[3], now[5], now[8] = self.temp_c, self.level_l * self.strain.level, self.rpm, pump_w
        now[9], now[10] = active & (phase != STOPPED), self.tripped
        self.since_s += SUB_S
        self._advance(phase, amount)

    def _water(self, phase: Ints) -> Floats:
        machine, strain, minutes = self.machine, self.strain, SUB_S / 60
        inflow = np.where(phase == FILL, machine.mains_l_min * strain.inlet, 0.0)
        pumps = (phase == DRAIN) | (phase == SPIN) | (self.tripped & ~self.over)
        leak_l = np.minimum(strain.leak_l_min * minutes, self.level_l)
        drained_l = np.minimum(machine.pump_l_min * strain.pump * pumps * minutes, self.level_l - leak_l)
        held_j_k = self.load.heat_j_k + WATER_J_L_K * self.level_l
        inlet_j = WATER_J_L_K * inflow * minutes * self.load.inlet_c
        away_j = WATER_J_L_K * (leak_l + drained_l) * self.temp_c
        self.level_l = self.level_l + inflow * minutes - leak_l - drained_l
        holds_j_k = self.load.heat_j_k + WATER_J_L_K * self.level_l
        self.temp_c = (self.temp_c * held_j_k + inlet_j - away_j) / holds_j_k
        self.brought_j += inlet_j - away_j
        self.filled_l += inflow * minutes
        self.drained_l += drained_l
        self.leaked_l += leak_l
        self.pan_l = np.maximum(self.pan_l + leak_l - DRIES_L_S * SUB_S, 0.0)
        self.tripped |= self.pan_l > PAN_L
        self.now[4] = inflow
        pump_w: Floats = machine.pump_w * strain.pump_w * pumps
        return pump_w

    def _heat(self, phase: Ints) -> Floats:
        works = self.since_s % FUSE_S < FUSE_S * self.strain.heater
        heater_w: Floats = np.where((phase == HEAT) & works, self.machine.heater_w, 0.0)
        gained_j = (heater_w - self.machine.loss_w_k * (self.temp_c - self.load.ambient_c)) * SUB_S
        gained_j = np.where(self.over, 0.0, gained_j)
        self.temp_c = self.temp_c + gained_j / (self.load.heat_j_k + WATER_J_L_K * self.level_l)
        self.brought_j += gained_j
        return heater_w

    def _turn(self, phase: Ints, amount: Floats) -> Floats:
        """Drum or spray pump; the electric power that it takes."""
        machine, strain, now = self.machine, self.strain, self.now
        washes = (phase == WASH) | (phase == HEAT)
        wanted_rpm = np.where(phase == SPIN, amount, np.where(washes, machine.wash_rpm, 0.0))
        shakes = self._shakes(amount / 1000)
        slower = (phase == SPIN) & (shakes > SHAKES_M_S2)
        wanted_rpm = np.where(slower, amount * WALKS, wanted_rpm)
        # Worn brushes bounce: as good as chance, and the same whoever else washes.
        slips = strain.brushes * np.modf(np.abs(np.sin(self.since_s + 78.233 * self.load.dice)) * 43_758.5)[0]
        wanted_rpm = wanted_rpm * (1 - 0.6 * slips)
        spins = phase == SPIN
        self.rpm = np.where(spins, np.minimum(self.rpm + RAMP_RPM_S * SUB_S, wanted_rpm), wanted_rpm)
        kilo = np.where(spins, self.rpm / 1000, 0.0)
        drags = machine.spin_a * (kilo + 0.25 * washes) * (0.35 + 0.65 * strain.bearing)
        amps = machine.motor_a * np.where(spins, 0.6, washes) * (0.4 + 0.6 * strain.spray) + drags
        amps *= 1 + 0.8 * slips
        now[6] = amps
        now[7] = self._shakes(kilo) * spins + 0.25 * washes * (0.5 + 0.5 * strain.bearing) * (machine.spin_a > 0)
        now[11] = machine.spray_pa * strain.spray**2 * washes
        motor_w: Floats = VOLT * amps
        return motor_w

    def _shakes(self, kilo: Floats) -> Floats:
        """At so many thousand rpm: a weight off the middle with the square, a bearing with the speed."""
        off = 9.0 * self.load.unbalance_kg * self.strain.unbalance * kilo**2
        shakes: Floats = off + self.machine.bearing_m_s2 * self.strain.bearing * kilo
        return shakes

    def _advance(self, phase: Ints, amount: Floats) -> None:
        read_l, since_s = self.level_l * self.strain.level, self.since_s
        minutes = since_s / 60
        fills, heats, drains = phase == FILL, phase == HEAT, phase == DRAIN
        spins, timed = phase == SPIN, (phase == WASH) | (phase == DRY)
        done = fills & (read_l >= amount)
        done |= heats & ((self.temp_c >= amount) | (since_s >= HEAT_LIMIT_S))
        done |= drains & (read_l <= EMPTY_L)
        done |= timed & (minutes >= amount)
        done |= spins & (since_s >= 120 + 0.55 * (amount - 500))
        self.cold = np.where(heats & done, np.maximum(self.cold, amount - self.temp_c), self.cold)
        fails = (fills & (since_s >= FILL_LIMIT_S)) | (drains & (since_s >= DRAIN_LIMIT_S)) | self.tripped
        fails &= ~self.over & (phase != STOPPED) & ~done
        self._note(phase, done | fails, minutes)
        self.failed |= fails
        leaves = (phase == STOPPED) & (since_s >= STOPPED_S)
        self.place = np.where(done, self.place + 1, self.place)
        upcoming = self.load.ops[np.arange(len(phase)), self.place]
        self.phase = np.where(done, upcoming, np.where(fails, STOPPED, np.where(leaves, OVER, phase)))
        turns = done | fails | leaves
        self.since_s = np.where(turns, 0.0, since_s)
        self.began_c, self.began_l = (
            np.where(turns, self.temp_c, self.began_c),
            np.where(turns, self.level_l, self.began_l),
        )

    def _note(self, phase: Ints, ends: Bools, minutes: Floats) -> None:
        """Summaries of what has just ended; of the spins only the last, which is the fastest."""
        last = self.load.ops[np.arange(len(phase)), self.place + 1] == OVER
        each = (
            (phase == FILL, (self.level_l - self.began_l) / minutes),
            (phase == HEAT, (self.temp_c - self.began_c) / minutes),
            (phase == DRAIN, (self.began_l - self.level_l) / minutes),
            ((phase == SPIN) & last, self.now[7]),
            (phase == WASH, self.now[11]),
        )
        for channel, (ended, value) in enumerate(each, SUMMARIES.start):
            self.now[channel] = np.where(ends & ended, value, self.now[channel])


def live(tub: Tub, minutes: int) -> Floats:
    """(rows, channels, minutes) from the programmes' beginnings on; NaN in the phase's channel where one is over."""
    rows, per = tub.now.shape[1], round(60 / SUB_S)
    said = np.full((minutes, len(CHANNELS), rows), np.nan)
    for minute in range(minutes):
        was_over = tub.over
        if was_over.all():
            break
        sums = np.zeros((len(MEANS), rows))
        for _ in range(per):
            tub.step()
            sums += tub.now[list(MEANS)]
        said[minute] = tub.now
        said[minute, list(MEANS)] = sums / per
        said[minute][:, was_over] = np.nan
    return said.transpose(2, 1, 0)
