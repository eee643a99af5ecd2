"""Words of the yard: kinds of appliance as ranges of their constants, units, faults as changes of the physics.

Ranges without a source are engineering judgement around measured household refrigerators: 11 to 54 cycles a day,
on for 12 to 38 minutes, duty 0.31 to 0.44, 71 to 111 W running, one-sample inrush of 2 to 4 times that.
"""

from dataclasses import dataclass

from simulators.refrigerant import R32, R404A, R600A, Refrigerant

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
    """A fault at full strength, as changes of what a unit is made of: factors, or with `_k` and `charge` added."""

    charge: float = 0.0  # share of the filling
    volumetric: float = 1.0  # what worn valves still pump
    bore: float = 1.0  # of the capillary
    evaporator_fan: float = 1.0
    condenser_fan: float = 1.0
    fins: float = 1.0  # of the condenser: what dirt leaves of the heat that it gives off per kelvin
    leak_in: float = 1.0  # heat through walls and gasket
    moisture: float = 1.0  # that becomes frost
    melting: float = 1.0  # of the defrost heater
    read_k: float = 0.0  # what the air's sensor says too much; the thermostat believes it
    stalls: float = 0.0  # share of the starts at which the rotor stays locked
    door: float = 0.0  # share of the time for which it stands open
    longest_on_s: float = INF  # then a bad relay opens
    stuck_on: bool = False
    sensor_stuck: bool = False
    step: bool = False  # there at once, whatever the ramp
    seen_by: tuple[str, ...] = ()  # which kind of detector can see it within hours, on every unit


@dataclass(frozen=True, kw_only=True)
class Fault:
    name: str  # of FAULTS
    onset_ms: int
    ramp_s: float = 6 * 3600
    strength: float = 1.0


# A leak is invisible behind the accumulator, then its knee comes, then the collapse: with a ramp of weeks that takes
# weeks, with one of hours one sees the end of it.
FAULTS: dict[str, Effect] = {
    "refrigerant_leak": Effect(charge=-0.6, seen_by=("on_time",)),
    "condenser_fouled": Effect(fins=0.35),  # mild fouling is undetectable from energy alone
    "condenser_fan_stopped": Effect(condenser_fan=0.0, step=True, seen_by=("level",)),
    "evaporator_fan_stopped": Effect(evaporator_fan=0.0, step=True, seen_by=("level", "on_time")),
    "coil_iced": Effect(moisture=1.5, melting=0.0),
    "door_seal_leaking": Effect(leak_in=1.3, moisture=2.0),  # a slow one: no detector here promises to see it
    "door_left_open": Effect(door=1.0, step=True),
    "compressor_wear": Effect(volumetric=0.48, seen_by=("on_time",)),
    "capillary_restricted": Effect(bore=0.4, seen_by=("on_time",)),
    "overcharged": Effect(charge=0.35, step=True),
    "short_cycling": Effect(longest_on_s=120.0, step=True, seen_by=("level",)),
    "start_stiction": Effect(stalls=0.9, step=True),
    "thermostat_stuck_on": Effect(stuck_on=True, step=True, seen_by=("level", "on_time")),
    "sensor_drift": Effect(read_k=3.0),
    "sensor_stuck": Effect(sensor_stuck=True, step=True),
}


@dataclass(frozen=True, kw_only=True)
class Kind:
    """Spans that the units of a class are drawn from. `load_w` is the heat that comes in at mean ambient."""

    # a source and its noise (K, or a share of the draw), in order of the metrics
    sensors: tuple[tuple[str, float], ...]
    fluid: Refrigerant
    set_c: tuple[Span, ...]
    differential_k: Span
    ambient_c: Span
    swing_k: Span  # half of the difference between day and night
    gains_k: Span = (0.0, 0.0)  # heat made inside, as kelvins across the walls
    duty: Span
    cycles: Span  # a day
    load_w: Span
    coil_split_k: float  # air above coil while running
    approach_k: float  # coil above what boils in it
    heated_k: float  # gas in the suction line and the shell
    efficiency: Span  # of compressor and motor
    still: float  # share of a coil's heat that passes without its fan
    goods: Span  # heat capacity of goods or walls, as a multiple of the air's
    idle: Span
    draw_per_w: float = 1.0  # 1: the draw is in watts; else amperes a watt
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
        fluid=R600A,
        set_c=((3.5, 6.0),),
        differential_k=(2.4, 4.0),
        ambient_c=(20.0, 26.0),
        swing_k=(0.6, 1.8),
        duty=(0.31, 0.44),
        cycles=(16.0, 48.0),
        load_w=(42.0, 56.0),
        coil_split_k=20.0,
        approach_k=5.0,
        heated_k=28.0,
        efficiency=(0.42, 0.52),
        still=0.12,
        goods=(2.0, 4.0),
        idle=(0.8, 4.0),
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
        fluid=R32,
        set_c=((23.0, 26.0),),
        differential_k=(1.2, 2.0),
        ambient_c=(31.0, 34.0),
        swing_k=(0.8, 1.6),
        gains_k=(5.0, 8.0),
        duty=(0.32, 0.44),
        cycles=(24.0, 52.0),
        load_w=(900.0, 2200.0),
        coil_split_k=14.0,
        approach_k=4.0,
        heated_k=12.0,
        efficiency=(0.58, 0.7),
        still=0.04,
        goods=(2.0, 4.0),
        idle=(15.0, 60.0),
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
        fluid=R404A,
        set_c=((1.0, 4.0), (-20.0, -17.0)),
        differential_k=(1.8, 3.0),
        ambient_c=(20.0, 27.0),
        swing_k=(0.8, 2.2),
        duty=(0.34, 0.46),
        cycles=(24.0, 50.0),
        load_w=(1200.0, 3000.0),
        coil_split_k=9.0,
        approach_k=4.0,
        heated_k=16.0,
        efficiency=(0.52, 0.64),
        still=0.06,
        goods=(2.5, 5.0),
        idle=(0.0, 0.3),
        draw_per_w=1 / 450,  # three phases, 400 V, a small motor's power factor
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
