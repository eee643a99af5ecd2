"""Kinds of appliance that cool, as ranges of their constants.

Ranges without a source are engineering judgement around measured household refrigerators: 11 to 54 cycles a day,
on for 12 to 38 minutes, duty 0.31 to 0.44, 71 to 111 W running, one-sample inrush of 2 to 4 times that.
"""

from dataclasses import dataclass

from simulators.ailments import FAULTS
from simulators.model import NEVER_H, Everyday, Span
from simulators.refrigerant import R32, R404A, R600A, Refrigerant


@dataclass(frozen=True, kw_only=True)
class Humid:
    """Where the air's vapour comes from and goes to: rates against those of the goods (or of walls and furniture)."""

    goods_s: float  # in which the goods alone would make the air as moist as they are
    wet: float  # the relative humidity that they would hold it at
    brought: float  # by the air that comes in, of what the goods give
    dries: float  # of the coil, with its fan
    door: float  # times as much comes in while the door is open: cold air falls out, the kitchen's follows


@dataclass(frozen=True, kw_only=True)
class Kind(Everyday):
    """Spans that the units of a class are drawn from. `load_w` is the heat that comes in at mean ambient."""

    # a source and its noise (K, or a share of the draw), in order of the metrics
    sensors: tuple[tuple[str, float], ...]
    fluid: Refrigerant
    set_c: tuple[Span, ...]
    differential_k: Span
    gains_k: Span = (0.0, 0.0)  # heat made inside, as kelvins across the walls
    duty: Span
    cycles: Span  # a day
    load_w: Span
    coil_split_k: float  # air above coil while running
    approach_k: float  # coil above what boils in it
    heated_k: float  # gas in the suction line and the shell
    efficiency: Span  # of compressor and motor
    still: float  # share of the coil's heat that passes without its fan ...
    draught: float = 0.1  # ... and of the condenser's, which is tens of kelvins warmer than the room then
    winding_s: float  # in which the motor follows its losses: the heavier, the longer
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
    warm_loads: float = 0.4
    manual: float = 0.0  # share of the units that only their owner defrosts
    fan_rpm: Span = (0.0, 0.0)  # of the evaporator's fan; none: a static coil
    condensate_l_h: Span = (0.0, 0.0)  # while it runs, into a pan whose float stops it
    humid: Humid
    spared: tuple[str, ...] = ()  # faults that it cannot have


_CABINET = (("air", 0.06), ("coil", 0.1), ("discharge", 0.2), ("ambient", 0.06), ("draw", 0.012), ("door", 0.0))
_NO_PAN = ("drain_blocked",)
_LINES = (("suction", 0.2), ("condenser", 0.2))

KINDS: dict[str, Kind] = {
    "refrigerator": Kind(
        sensors=(*_CABINET, *_LINES, ("humidity", 1.0), ("fan", 0.004), ("defrost", 0.0), ("set", 0.0)),
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
        winding_s=800.0,
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
        fan_rpm=(2000.0, 2600.0),
        spared=_NO_PAN,
        humid=Humid(goods_s=900.0, wet=0.7, brought=0.4, dries=1.8, door=200.0),
    ),
    # Coil in walls or shelves, condenser in the skin: no fans. Labels say 150 to 300 kWh a year, 17 to 34 W.
    "freezer": Kind(
        sensors=(*_CABINET, *_LINES, ("humidity", 1.0), ("defrost", 0.0), ("set", 0.0)),
        fluid=R600A,
        set_c=((-22.0, -17.5),),
        differential_k=(3.0, 5.0),
        ambient_c=(17.0, 25.0),
        swing_k=(0.6, 2.0),
        duty=(0.34, 0.48),
        cycles=(14.0, 36.0),
        load_w=(24.0, 40.0),
        coil_split_k=9.0,
        approach_k=4.0,
        heated_k=36.0,
        efficiency=(0.46, 0.56),
        still=1.0,
        draught=1.0,
        winding_s=800.0,
        goods=(3.0, 6.0),
        idle=(0.5, 2.5),
        inrush=(2.0, 3.8),
        draw_digits=1,
        heater=(120.0, 220.0),
        defrost_h=(36.0, 96.0),
        defrost_heat=2.0,
        doors=(3.0, 10.0),
        door=4.0,
        warm_loads=0.2,
        set_changes=1 / 40,
        quick_freezes=1 / 20,
        manual=0.6,
        humid=Humid(goods_s=1200.0, wet=0.65, brought=0.5, dries=1.2, door=100.0),
        spared=("condenser_fan_stopped", "evaporator_fan_stopped", "coil_iced", *_NO_PAN),
    ),
    "air_conditioner": Kind(
        sensors=(
            *(("air", 0.06), ("supply", 0.15), ("discharge", 0.3), ("ambient", 0.1), ("draw", 0.012)),
            *(*_LINES, ("humidity", 1.0), ("fan", 0.004), ("set", 0.0), ("float", 0.0)),
        ),
        fluid=R32,
        set_c=((23.0, 26.0),),
        differential_k=(1.2, 2.0),
        ambient_c=(31.0, 34.0),
        swing_k=(0.8, 1.6),
        outdoors=True,
        heated_c=13.5,  # and people, lamps and the sun make 20 of it
        gains_k=(5.0, 8.0),
        duty=(0.32, 0.44),
        cycles=(24.0, 52.0),
        load_w=(900.0, 2200.0),
        coil_split_k=14.0,
        approach_k=4.0,
        heated_k=12.0,
        efficiency=(0.58, 0.7),
        still=0.04,
        draught=0.05,
        winding_s=850.0,
        goods=(2.0, 4.0),
        idle=(15.0, 60.0),
        inrush=(1.6, 2.6),
        draw_digits=0,
        doors=(20.0, 60.0),
        door=1.5,
        weekend=1.1,
        warm_loads=0.0,
        set_changes=1 / 12,
        fan_rpm=(900.0, 1200.0),
        condensate_l_h=(0.8, 1.6),
        spared=("coil_iced",),  # its coil is too warm to freeze, and it has no heater
        humid=Humid(goods_s=14_400.0, wet=0.6, brought=3.4, dries=11.0, door=3.0),
    ),
    "cold_room": Kind(
        sensors=(
            ("air", 0.06),
            ("coil", 0.1),
            ("discharge", 0.3),
            ("ambient", 0.06),
            ("draw", 0.015),
            ("door", 0.0),
            *_LINES,
            *(("humidity", 1.0), ("fan", 0.004), ("defrost", 0.0), ("set", 0.0)),
            *(("low", 1_000.0), ("high", 4_000.0)),
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
        draught=0.09,
        winding_s=900.0,
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
        fan_rpm=(1250.0, 1450.0),
        spared=_NO_PAN,
        humid=Humid(goods_s=1200.0, wet=0.8, brought=0.24, dries=0.63, door=60.0),
    ),
}


def faults_of(kind: Kind) -> tuple[str, ...]:
    """Those that it can have."""
    return tuple(name for name in FAULTS if name not in kind.spared)
