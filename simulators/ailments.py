"""What can be wrong with an appliance that cools, as changes of what it is made of."""

from dataclasses import dataclass

from simulators.model import INF


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
    damp: float = 1.0  # vapour that comes in through walls and gasket
    melting: float = 1.0  # of the defrost heater
    read_k: float = 0.0  # what the air's sensor says too much; the thermostat believes it
    stalls: float = 0.0  # share of the starts at which the rotor stays locked
    door: float = 0.0  # share of the time for which it stands open
    longest_on_s: float = INF  # then a bad relay opens
    stuck_on: bool = False
    sensor_stuck: bool = False
    spikes: float = 0.0  # share of that sensor's samples that nothing real explains ...
    gaps: float = 0.0  # ... and of those that never come
    losses: float = 1.0  # of the motor, which its overload feels
    drain: float = 1.0  # of the condensate
    every_h: float = 0.0  # it comes and goes so often
    step: bool = False  # there at once, whatever the ramp
    serviced: bool = False  # it came with a service, for which the unit was switched off
    seen_by: tuple[str, ...] = ()  # which kind of detector can see it within hours, on every unit


# A leak is invisible behind the accumulator, then its knee comes, then the collapse: with a ramp of weeks that takes
# weeks, with one of hours one sees the end of it.
FAULTS: dict[str, Effect] = {
    "refrigerant_leak": Effect(charge=-0.6, seen_by=("on_time",)),
    "condenser_fouled": Effect(fins=0.25),  # mild fouling is undetectable from energy alone; a mat of fluff is not
    "condenser_fan_stopped": Effect(condenser_fan=0.0, step=True, seen_by=("level",)),
    "evaporator_fan_stopped": Effect(evaporator_fan=0.0, step=True, seen_by=("level", "on_time")),
    "coil_iced": Effect(moisture=1.5, melting=0.0),
    "door_seal_leaking": Effect(leak_in=1.3, moisture=1.5, damp=5.0),  # a slow one: no detector here promises to see it
    "door_left_open": Effect(door=1.0, step=True),
    "compressor_wear": Effect(volumetric=0.17, seen_by=("on_time",)),
    "capillary_restricted": Effect(bore=0.25, seen_by=("on_time",)),
    "overcharged": Effect(charge=0.35, step=True, serviced=True),
    "short_cycling": Effect(longest_on_s=120.0, step=True, seen_by=("level",)),
    "start_stiction": Effect(stalls=0.85, step=True),
    "thermostat_stuck_on": Effect(stuck_on=True, step=True, seen_by=("level", "on_time")),
    "sensor_drift": Effect(read_k=3.0),
    "sensor_stuck": Effect(sensor_stuck=True, step=True),
    "sensor_spiking": Effect(spikes=0.04, step=True),  # a loose contact; the thermostat has a sensor of its own
    "sensor_dropping_out": Effect(gaps=0.6, step=True),
    "capillary_moist": Effect(bore=0.25, every_h=7.0),  # ice in it, that thaws when nothing flows any more
    "low_voltage": Effect(losses=6.0, step=True),
    "drain_blocked": Effect(drain=0.0, step=True),
}
