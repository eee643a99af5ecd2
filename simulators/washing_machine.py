"""Front-loading washing machines: what they wash, how often, and what breaks.

Ranges are engineering judgement around energy labels of 7 to 9 kg: 40 to 60 litres and 0.4 to 1.2 kWh a programme,
one to three hours, four programmes a week.
"""

from simulators.programmes import Effect, TubKind
from simulators.sensors import Reads
from simulators.tub import Phase

FAULTS: dict[str, Effect] = {
    "heater_scaled": Effect(heater=0.45),  # its fuse lets it cool down again and again
    "heater_failed": Effect(heater=0.0, step=True),
    "inlet_clogged": Effect(inlet=0.2),
    "drain_blocked": Effect(pump=0.2, pump_w=0.85),
    "bearing_worn": Effect(bearing=4.0),
    "unbalanced": Effect(unbalance=5.0),  # dampers that do not damp
    "brushes_worn": Effect(brushes=1.0),
    "level_drift": Effect(level=1.35),
    "water_leak": Effect(leak_l_min=0.08),
}

_RINSE = ((Phase.FILL, 14.0), (Phase.WASH, 7.0), (Phase.DRAIN, 0.0))


def _programme(warm_c: float, wash_min: float, rpm: float) -> tuple[tuple[Phase, float], ...]:
    first = ((Phase.FILL, 15.0), (Phase.HEAT, warm_c), (Phase.WASH, wash_min), (Phase.DRAIN, 0.0), (Phase.SPIN, 500.0))
    return (*first, *_RINSE, *_RINSE, (Phase.SPIN, rpm))


WASHING_MACHINE = TubKind(
    ambient_c=(16.0, 24.0),
    swing_k=(0.5, 1.5),
    weekend=1.8,
    faults=FAULTS,
    programmes=(
        (0.5, _programme(40.0, 55.0, 1200.0)),
        (0.2, _programme(60.0, 70.0, 1200.0)),
        (0.3, _programme(30.0, 20.0, 1000.0)),
    ),
    metrics=(
        ("phase", Reads("state")),
        ("power_w", Reads("share", 0.01, 1)),
        ("temp_c", Reads("temperature", 0.1)),
        ("level_l", Reads("plain", 0.05, 1)),
        ("inflow_l_min", Reads("share", 0.01, 2)),
        ("rpm", Reads("share", 0.004)),
        ("motor_a", Reads("share", 0.02, 2)),
        ("vibration_m_s2", Reads("share", 0.05, 2)),
        ("pump_w", Reads("share", 0.02, 1)),
        ("locked", Reads("state")),
        ("leak", Reads("state")),
        ("fill_l_min", Reads("plain", 0.0, 2)),
        ("heating_k_min", Reads("plain", 0.0, 2)),
        ("drain_l_min", Reads("plain", 0.0, 2)),
        ("spin_m_s2", Reads("plain", 0.0, 2)),
    ),
    a_week=(2.5, 6.0),
    hours=((8.0, 1.2), (18.5, 1.5)),
    weekend_hours=((10.0, 1.8), (14.5, 2.0)),
    heater_w=(1800.0, 2200.0),
    mains_l_min=(7.0, 11.0),
    pump_l_min=(14.0, 20.0),
    pump_w=(26.0, 34.0),
    motor_a=(0.7, 1.1),
    spin_a=(1.0, 1.5),
    wash_rpm=(42.0, 54.0),
    loss_w_k=(4.0, 7.0),
    bearing_m_s2=(0.4, 0.8),
    heat_j_k=(9_000.0, 22_000.0),
    unbalance_kg=0.14,
)
