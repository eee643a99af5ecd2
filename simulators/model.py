"""Words of the yard: kinds of appliance as ranges of their constants, units, faults as changes of the physics.

Ranges without a source are engineering judgement around measured household refrigerators: 11 to 54 cycles a day,
on for 12 to 38 minutes, duty 0.31 to 0.44, 71 to 111 W running, one-sample inrush of 2 to 4 times that.
"""

from dataclasses import dataclass

Span = tuple[float, float]

INF = float("inf")
NEVER_H = 1e9


@dataclass(frozen=True, kw_only=True)
class Unit:
    """One appliance: everything about it but its fault follows from `seed`."""

    seed: int
    utc_offset_h: float = 0.0  # meals and weekends are local


@dataclass(frozen=True, kw_only=True)
class Effect:
    """A fault at full strength, as factors on a healthy unit's constants (K: added)."""

    capacity: float = 1.0  # heat that the refrigerant carries
    draw: float = 1.0  # power or current while running
    transfer: float = 1.0  # between coil and air
    condenser: float = 1.0  # kelvins of the condenser above ambient
    leak_in: float = 1.0  # heat through walls and gasket
    discharge_k: float = 0.0
    superheat_k: float = 0.0
    longest_on_s: float = INF  # then its overload trips
    stuck_on: bool = False
    seen_by: tuple[str, ...] = ()  # which kind of detector can see it within hours, on every unit


@dataclass(frozen=True, kw_only=True)
class Fault:
    name: str  # of FAULTS
    onset_ms: int
    ramp_s: float = 6 * 3600
    strength: float = 1.0


# The late part of each: a leak is invisible for weeks behind the accumulator, then collapses within a day.
FAULTS: dict[str, Effect] = {
    "compressor_wear": Effect(capacity=0.62, draw=0.82, discharge_k=-12.0, superheat_k=4.0, seen_by=("on_time",)),
    "refrigerant_leak": Effect(capacity=0.55, draw=0.75, discharge_k=10.0, superheat_k=9.0, seen_by=("on_time",)),
    "condenser_fouled": Effect(capacity=0.66, draw=1.22, condenser=2.0, discharge_k=6.0, seen_by=("on_time",)),
    "evaporator_fan_stopped": Effect(transfer=0.03, draw=0.94, superheat_k=-4.0, seen_by=("level", "on_time")),
    "short_cycling": Effect(longest_on_s=120.0, seen_by=("level",)),
    "condenser_fan_stopped": Effect(
        capacity=0.55, draw=1.3, condenser=2.6, discharge_k=15.0, longest_on_s=240.0, seen_by=("level",)
    ),
    "thermostat_stuck_on": Effect(stuck_on=True, seen_by=("level", "on_time")),
    "door_seal_leaking": Effect(leak_in=1.3),  # a slow one: no detector here promises to see it
}


@dataclass(frozen=True, kw_only=True)
class Kind:
    """Spans that the units of a class are drawn from. `load_w` is the heat that comes in at mean ambient."""

    sensors: tuple[
        tuple[str, float], ...
    ]  # a source and its noise (K, or a share of the draw), in order of the metrics
    set_c: tuple[Span, ...]
    differential_k: Span
    ambient_c: Span
    swing_k: Span  # half of the difference between day and night
    gains_k: Span = (0.0, 0.0)  # heat made inside, as kelvins across the walls
    duty: Span
    cycles: Span  # a day
    load_w: Span
    coil_split_k: float  # air above coil while running
    goods: Span  # heat capacity of goods or walls, as a multiple of the air's
    idle: Span
    running: Span
    inrush: Span  # times running, in one sample
    draw_digits: int
    heater: Span = (0.0, 0.0)  # what a defrost adds to the draw
    defrost_h: Span = (NEVER_H, NEVER_H)
    defrost_heat: float = 0.0  # as a share of the cooling capacity
    doors: Span  # openings a day
    door: float  # heat through an open door, as a multiple of the walls'
    weekend: float = 1.4
    warm_loads: float = 0.4  # a day
    set_changes: float = 0.0  # a day
    quick_freezes: float = 0.0  # a day


KINDS: dict[str, Kind] = {
    "refrigerator": Kind(
        sensors=(("air", 0.06), ("coil", 0.1), ("discharge", 0.2), ("ambient", 0.06), ("draw", 0.012), ("door", 0.0)),
        set_c=((3.5, 6.0),),
        differential_k=(2.4, 4.0),
        ambient_c=(20.0, 26.0),
        swing_k=(0.6, 1.8),
        duty=(0.30, 0.44),
        cycles=(16.0, 48.0),
        load_w=(22.0, 38.0),
        coil_split_k=20.0,
        goods=(2.0, 4.0),
        idle=(0.8, 4.0),
        running=(65.0, 140.0),
        inrush=(2.0, 3.8),
        draw_digits=1,
        heater=(150.0, 250.0),
        defrost_h=(9.0, 24.0),
        defrost_heat=2.0,
        doors=(12.0, 40.0),
        door=7.0,
        set_changes=1 / 30,
        quick_freezes=1 / 25,
    ),
    "air_conditioner": Kind(
        sensors=(("air", 0.06), ("supply", 0.15), ("discharge", 0.3), ("ambient", 0.1), ("draw", 0.012)),
        set_c=((23.0, 26.0),),
        differential_k=(1.2, 2.0),
        ambient_c=(31.0, 34.0),
        swing_k=(0.8, 1.6),
        gains_k=(5.0, 8.0),
        duty=(0.32, 0.44),
        cycles=(24.0, 52.0),
        load_w=(900.0, 2200.0),
        coil_split_k=14.0,
        goods=(2.0, 4.0),
        idle=(15.0, 60.0),
        running=(600.0, 1500.0),
        inrush=(1.6, 2.6),
        draw_digits=0,
        doors=(20.0, 60.0),
        door=1.5,
        weekend=1.1,
        warm_loads=0.0,
        set_changes=1 / 12,
    ),
    "cold_room": Kind(
        sensors=(
            ("air", 0.06),
            ("coil", 0.1),
            ("discharge", 0.3),
            ("ambient", 0.06),
            ("draw", 0.015),
            ("door", 0.0),
            ("suction", 0.2),
            ("condenser", 0.2),
        ),
        set_c=((1.0, 4.0), (-20.0, -17.0)),
        differential_k=(1.8, 3.0),
        ambient_c=(20.0, 27.0),
        swing_k=(0.8, 2.2),
        duty=(0.34, 0.46),
        cycles=(24.0, 50.0),
        load_w=(1200.0, 3000.0),
        coil_split_k=9.0,
        goods=(2.5, 5.0),
        idle=(0.0, 0.3),
        running=(4.0, 11.0),
        inrush=(2.5, 4.5),
        draw_digits=2,
        defrost_h=(8.0, 12.0),
        defrost_heat=2.0,
        doors=(30.0, 80.0),
        door=3.0,
        weekend=1.2,
        set_changes=1 / 40,
    ),
}
