"""Dishwashers: what they wash, how often, and what breaks.

Ranges are engineering judgement around energy labels of 12 to 14 place settings: 9 to 12 litres and 0.6 to 1.1 kWh a
programme, one to four hours, five programmes a week, most of them in the evening.
"""

from simulators.programmes import Effect, TubKind
from simulators.sensors import Reads
from simulators.tub import Phase

FAULTS: dict[str, Effect] = {
    "heater_scaled": Effect(heater=0.45),
    "heater_failed": Effect(heater=0.0, step=True),
    "inlet_clogged": Effect(inlet=0.2),
    "drain_blocked": Effect(pump=0.15, pump_w=0.85),
    "spray_pump_weak": Effect(spray=0.6),
    "level_drift": Effect(level=1.35),
    "water_leak": Effect(leak_l_min=0.04),
}


def _programme(warm_c: float, wash_min: float, rinse_c: float) -> tuple[tuple[Phase, float], ...]:
    first = ((Phase.FILL, 3.0), (Phase.WASH, 12.0), (Phase.DRAIN, 0.0))
    main = ((Phase.FILL, 3.2), (Phase.HEAT, warm_c), (Phase.WASH, wash_min), (Phase.DRAIN, 0.0))
    last = ((Phase.FILL, 3.2), (Phase.HEAT, rinse_c), (Phase.WASH, 8.0), (Phase.DRAIN, 0.0), (Phase.DRY, 35.0))
    return (*first, *main, *last)


DISHWASHER = TubKind(
    ambient_c=(18.0, 25.0),
    swing_k=(0.5, 1.5),
    weekend=1.2,
    faults=FAULTS,
    programmes=(
        (0.7, _programme(50.0, 70.0, 56.0)),
        (0.2, _programme(65.0, 50.0, 62.0)),
        (0.1, _programme(45.0, 15.0, 50.0)),
    ),
    metrics=(
        ("phase", Reads("state")),
        ("power_w", Reads("share", 0.01, 1)),
        ("temp_c", Reads("temperature", 0.1)),
        ("level_l", Reads("plain", 0.03, 1)),
        ("inflow_l_min", Reads("share", 0.01, 2)),
        ("motor_a", Reads("share", 0.02, 2)),
        ("spray_pa", Reads("share", 0.02)),
        ("pump_w", Reads("share", 0.02, 1)),
        ("door", Reads("state")),
        ("leak", Reads("state")),
        ("fill_l_min", Reads("plain", 0.0, 2)),
        ("heating_k_min", Reads("plain", 0.0, 2)),
        ("drain_l_min", Reads("plain", 0.0, 2)),
        ("wash_pa", Reads("plain", 0.0, 0)),
    ),
    a_week=(3.5, 7.0),
    hours=((20.3, 1.2), (13.5, 1.0), (21.0, 1.0)),
    weekend_hours=((14.0, 1.2), (20.5, 1.3)),
    heater_w=(1700.0, 2100.0),
    mains_l_min=(2.6, 4.0),
    pump_l_min=(8.0, 13.0),
    pump_w=(22.0, 30.0),
    motor_a=(0.28, 0.4),
    wash_rpm=(2700.0, 2900.0),
    loss_w_k=(3.0, 5.0),
    spray_pa=(22_000.0, 34_000.0),
    heat_j_k=(11_000.0, 17_000.0),
)
