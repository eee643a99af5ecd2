"""One appliance from minute to minute: masses, thermostat, defrost, overload, and the circuit that moves the heat."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from simulators.body import STEADY, Body
from simulators.circuit import Flow, Pipes
from simulators.days import Bools, Day, Floats
from simulators.strain import Strain

REST_S = 180.0  # a compressor waits for its pressures to equalise ...
RELAY_S = 720.0  # ... a bad relay for its contacts to close again ...
LOCKED_S = 480.0  # ... and an overload that a locked rotor opened within seconds, before its windings got hot
DRIP_S = 300.0  # after a defrost
DEFROST_LIMIT_S = 2_400.0
# Of the windings; judgement, around what overload discs are commonly rated at
WARM_K = 45.0  # above the room, after a healthy hour
OPENS_C, CLOSES_C = 123.0, 61.0  # the disc snaps, and snaps back when it is much cooler
SHELL = 0.8  # of what they are warmer than after that hour: so much warmer is the gas, and the line on the shell
DRAINS_L_S = 4.0 / 3600  # a drain that is clear
PAN_L = 1.2  # until the float of the pan stops the compressor; it dries up slowly
DRIES_L_S = 0.04 / 3600
WEAK_W = 0.07  # what a motor draws more for each healthy loss that is added
STIFF_K = 15.0  # colder than usual, and half as many starts again fail: the oil is stiff
LINE_S, STILL_LINE_S = 420.0, 900.0  # the discharge line follows its gas, and the room when nothing flows
WARMS = 1.2  # a healthy flow takes the discharge line to 0.7 of its own temperature, less flow less far
# As recorded of two real refrigerators, a sample a minute: a fifth of the starts show no inrush at all, the others more
# or less of it; then the draw falls by an eighth within minutes, though the condenser warms up: cold oil, liquid in it.
UNSEEN, SEEN_AT_LEAST = 0.2, 0.6
OILY, OILY_S = 0.28, 300.0
LOCKED = 5.0  # times the running draw, until the overload opens within seconds


class Minute(NamedTuple):
    """All that drives one step, each (units,) (for a day: (steps, units)), worked out for a whole day at once."""

    ambient_c: Floats
    starts_above_c: Floats
    stops_below_c: Floats
    longest_on_s: Floats
    stalled: Bools
    inrush: Floats  # what a sample sees of it
    mains: Bools
    walls_w: Floats  # heat coming in at an air temperature of 0 °C ...
    walls_w_k: Floats  # ... and how much less for each kelvin
    goods_w: Floats
    transfer_w: Floats
    condenser_w_k: Floats
    frost_w: Floats  # what it will take to melt what freezes now
    heat_w: Floats
    heater: Floats  # what that draws
    losses: Floats
    drains_l_s: Floats
    pipes: Pipes


class Cabinet:
    """What a unit remembers from one step to the next, each (units,); `clock_s` counts since the state was made."""

    def __init__(self, body: Body, step_s: float) -> None:
        n_units = len(body.set_c)
        self.body, self.step_s, self.clock_s = body, step_s, 0.0
        self.air_c, self.goods_c, self.coil_c = body.set_c.copy(), body.set_c.copy(), body.set_c.copy()
        self.condenser_c, self.condensing_c = body.ambient_c.copy(), body.ambient_c.copy()
        self.discharge_c, self.suction_c = body.ambient_c.copy(), body.ambient_c.copy()
        self.evaporating_c = body.circuit.design.evaporating_c.copy()
        self.winding_c, self.overload_open = body.ambient_c.copy(), np.zeros(n_units, np.bool_)
        self.running, self.started = np.zeros(n_units, np.bool_), np.zeros(n_units, np.bool_)
        self.locked = np.zeros(n_units, np.bool_)
        self.on_since_s, self.ready_s = np.zeros(n_units), np.zeros(n_units)
        self.defrosting, self.thaws = np.zeros(n_units, np.bool_), False
        self.frost_j = body.frosted * body.frost_j
        self.defrost_due_s = body.first_defrost * body.defrost_s
        self.next_defrost_s = float(self.defrost_due_s.min())
        self.draw = body.idle.copy()
        self.pan_l, self.pan_full = np.zeros(n_units), np.zeros(n_units, np.bool_)
        self.pans = bool(body.condensate_l_s.any())
        self.flow: Flow
        # kelvins that a watt moves each mass in a step
        self.air_k_w, self.goods_k_w, self.coil_k_w = step_s / body.air_j, step_s / body.goods_j, step_s / body.coil_j

    def step(self, minute: Minute) -> None:
        self.clock_s += self.step_s
        if self.thaws or self.clock_s >= self.next_defrost_s:
            self._defrost(minute.mains)
        self._switch(minute)
        self._circulate(minute)
        self._heat(minute)
        if self.thaws:
            self._melt(minute.heat_w)
        effort = self.flow.shaft_w / self.body.shaft_w
        self._warm_lines(minute.ambient_c)
        self._warm_windings(minute.losses, effort, minute.ambient_c)
        self._electric(minute, effort)
        if self.pans:
            self._drip(minute.drains_l_s)

    def _defrost(self, mains: Bools) -> None:
        begins = (self.clock_s >= self.defrost_due_s) & mains
        self.defrost_due_s[begins] = self.clock_s + self.body.defrost_s[begins]
        last_s = self.clock_s - (self.defrost_due_s - self.body.defrost_s)
        ends = self.defrosting & ((self.coil_c > 8.0) | (last_s > DEFROST_LIMIT_S) | ~mains)
        self.ready_s[ends] = self.clock_s + DRIP_S
        self.defrosting = (self.defrosting | begins) & ~ends
        self.thaws = bool((self.defrosting | self._hot()).any())
        self.next_defrost_s = float(self.defrost_due_s.min())

    def _hot(self) -> Bools:
        """A coil that its heater made warmer than the air."""
        return self.coil_c > self.air_c + 1.0

    def _switch(self, minute: Minute) -> None:
        was = self.running
        wants = self.air_c > np.where(was, minute.stops_below_c, minute.starts_above_c)
        self.overload_open = self.winding_c > np.where(self.overload_open, CLOSES_C, OPENS_C)
        wants &= minute.mains & ~self.pan_full & ~self.overload_open
        wants &= was | (self.ready_s <= self.clock_s)
        if self.thaws:
            wants &= ~self.defrosting
        self.locked = wants & ~was & minute.stalled
        relay = was & (self.clock_s - self.on_since_s >= minute.longest_on_s)
        self.running = wants & ~self.locked & ~relay
        self.started = self.running & ~was
        self.on_since_s = np.where(was, self.on_since_s, self.clock_s)
        waits_s = np.where(self.locked, LOCKED_S, np.where(relay, RELAY_S, REST_S))
        self.ready_s = np.where((was & ~self.running) | self.locked, self.clock_s + waits_s, self.ready_s)

    def _circulate(self, minute: Minute) -> None:
        body = self.body
        self.condensing_c = self.condenser_c + 1.5 * self.running
        flow = body.circuit.run(self.coil_c, self.condensing_c, self.evaporating_c, minute.pipes)
        self.flow = flow
        self.evaporating_c = np.where(self.running, flow.evaporating_c, self.coil_c - 5.0)
        gives_w_k = minute.condenser_w_k * minute.pipes.condenser_area
        settles_c = minute.ambient_c + flow.rejected_w * self.running / gives_w_k
        self.condenser_c += (settles_c - self.condenser_c) * -np.expm1(-self.step_s * gives_w_k / body.condenser_j)

    def _heat(self, minute: Minute) -> None:
        cooling_w = self.flow.cooling_w * self.running
        rime = self.frost_j / self.body.frost_j
        coil_w = (
            minute.transfer_w * (self.air_c - self.coil_c) / (1 + 0.04 * rime + 0.5 * np.maximum(rime - 1.5, 0.0) ** 2)
        )
        if self.thaws:
            coil_w = np.where(self.defrosting | self._hot(), 0.1 * coil_w, coil_w)  # the fan waits
        goods_w = self.body.goods_w * (self.goods_c - self.air_c)
        air_w = minute.walls_w - minute.walls_w_k * self.air_c + goods_w - coil_w
        self.air_c = self.air_c + self.air_k_w * air_w
        self.goods_c = self.goods_c + self.goods_k_w * (minute.goods_w - goods_w)
        frost_w = minute.frost_w * (self.running & (self.coil_c < 0.0))
        self.frost_j += frost_w * self.step_s
        self.coil_c = self.coil_c + self.coil_k_w * (coil_w + frost_w - cooling_w)

    def _melt(self, heater_w: Floats) -> None:
        heat_w = heater_w * self.defrosting
        self.air_c = self.air_c + self.air_k_w * 0.06 * heat_w
        self.coil_c = self.coil_c + self.coil_k_w * 0.94 * heat_w
        melted_j = np.minimum(np.maximum(self.coil_c * self.body.coil_j, 0.0), self.frost_j) * self.defrosting
        self.frost_j -= melted_j
        self.coil_c -= melted_j / self.body.coil_j

    def _warm_windings(self, losses: Floats, effort: Floats, ambient_c: Floats) -> None:
        """`losses`: times a sound motor's."""
        too_warm_k = np.maximum(self.condenser_c - self.body.circuit.design.condensing_c, 0.0)
        losses = losses * effort**2 * (1 + too_warm_k / 25)
        settles_c = ambient_c + WARM_K * losses * self.running
        self.winding_c = self.winding_c + (settles_c - self.winding_c) * (self.step_s / self.body.winding_s)

    def _warm_lines(self, ambient_c: Floats) -> None:
        flow, running = self.flow, self.running
        warms = -np.expm1(-WARMS * flow.moved_kg_s / self.body.circuit.flow_kg_s) * running
        overheated_k = np.maximum(self.winding_c - ambient_c - WARM_K, 0.0)
        gas_c = ambient_c + warms * (flow.discharge_c - ambient_c) + SHELL * overheated_k
        share = np.where(running, self.step_s / LINE_S, self.step_s / STILL_LINE_S)
        self.discharge_c = self.discharge_c + (gas_c - self.discharge_c) * share
        suction_c = np.where(running, flow.evaporating_c + flow.superheat_k + 5.0, self.coil_c + 5.0)
        self.suction_c = self.suction_c + (suction_c - self.suction_c) * (self.step_s / 180)

    def _electric(self, minute: Minute, effort: Floats) -> None:
        body = self.body
        oily = OILY * np.exp((self.on_since_s - self.clock_s) / OILY_S)
        draw = body.running * (STEADY + (1 - STEADY) * effort) * (1 + WEAK_W * (minute.losses - 1)) * (1 + oily)
        draw = np.where(self.started & (minute.inrush > 0), body.starting * minute.inrush, draw)
        idle = body.idle + minute.heater * self.defrosting if self.thaws else body.idle
        draw = np.where(self.locked, LOCKED * body.running, np.where(self.running, draw, idle))
        self.draw = draw * minute.mains

    def _drip(self, drains_l_s: Floats) -> None:
        drops_l_s = self.body.condensate_l_s * self.running - drains_l_s - DRIES_L_S
        self.pan_l = np.maximum(self.pan_l + self.step_s * drops_l_s, 0.0)
        self.pan_full = self.pan_l > np.where(self.pan_full, 0.9 * PAN_L, PAN_L)


def minutes(body: Body, day: Day, strain: Strain, doors: Floats) -> Minute:
    target_c, half_k = body.set_c + day.set_shift_k - strain.read_k, body.differential_k / 2
    walls_w_k = body.ua * (strain.leak_in + body.door * doors)
    often = body.frosts_s * 0.4  # of the time between two defrosts the coil is cold
    return Minute(
        ambient_c=day.ambient_c,
        starts_above_c=np.where(strain.stuck_on, -np.inf, target_c + half_k),
        stops_below_c=np.where(strain.stuck_on, -np.inf, target_c - half_k),
        longest_on_s=strain.longest_on_s,
        stalled=day.chance < strain.stalls * (1 + 0.5 * (body.ambient_c - day.ambient_c) / STIFF_K),
        inrush=np.where(day.chance < UNSEEN, 0.0, SEEN_AT_LEAST + (1 - SEEN_AT_LEAST) * day.chance),
        mains=day.mains,
        walls_w=walls_w_k * day.ambient_c + body.ua * body.gains_k,
        walls_w_k=walls_w_k,
        goods_w=body.ua * day.warm_k,
        transfer_w=body.transfer * (body.still + (1 - body.still) * strain.evaporator_fan),
        condenser_w_k=body.condenser_w_k * strain.fins * (body.draught + (1 - body.draught) * strain.condenser_fan),
        frost_w=body.frost_j / often * strain.moisture * (1 + doors),
        heat_w=body.heat_w * strain.melting,
        heater=body.heater * strain.melting,
        losses=strain.losses,
        drains_l_s=DRAINS_L_S * strain.drain,
        pipes=body.circuit.pipes(strain.ailing, strain.evaporator_fan, day.ambient_c),
    )


def one_by_one(all_of_them: Minute, rows: slice) -> Iterator[Minute]:
    *columns, pipes = all_of_them
    each = zip(*(column[rows] for column in columns), strict=True)
    for drives, row in zip(each, zip(*(column[rows] for column in pipes), strict=True), strict=True):
        yield Minute._make((*drives, Pipes._make(row)))
