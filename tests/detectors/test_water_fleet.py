"""Water heaters, washing machines, dishwashers: healthy ones are left alone, and each rule finds what it is for."""

import pytest

from detectors.engine import Engine
from detectors.model import Finding
from simulators.classes import plant
from simulators.model import Fault, Unit
from tests.detectors.builders import CATALOGUE, DAY_MS, START_MS, observe, raised_at_end
from tests.detectors.test_fleet import messages

DAYS, ONSET_D = 11, 4
HEALTHY = 12
SEEN = {  # docs/faults/water.md says the same
    "water_heater": {
        "element_scaled": "level:cutout_open",
        "element_failed": "level:outlet_temp_c",
        "thermostat_stuck_on": "level:cutout_open",
        "water_leak": "level:leak_detected",
        "sensor_stuck": "level:outlet_temp_c",
    },
    "washing_machine": {
        "heater_scaled": "level:heating_k_min",
        "heater_failed": "level:heating_k_min",
        "inlet_clogged": "level:fill_l_min",
        "drain_blocked": "level:drain_l_min",
        "water_leak": "level:leak_detected",
    },
    "dishwasher": {
        "heater_scaled": "level:heating_k_min",
        "inlet_clogged": "level:fill_l_min",
        "drain_blocked": "level:drain_l_min",
        "spray_pump_weak": "level:wash_pressure_pa",
        "water_leak": "level:leak_detected",
    },
}


@pytest.mark.parametrize("class_id", SEEN)
def test_healthy_ones_are_left_alone_and_each_fault_that_has_a_rule_is_found_by_it(class_id: str) -> None:
    onset_ms = START_MS + ONSET_D * DAY_MS
    ill = [Fault(name=name, onset_ms=onset_ms) for name in SEEN[class_id]]
    faults = [*[None] * HEALTHY, *ill, *ill]
    # the same busy household for each fault, and another one
    units = [*(Unit(seed=seed) for seed in range(HEALTHY)), *(Unit(seed=seed) for seed in (4, 12) for _ in ill)]
    fleet = plant([class_id] * len(units), units, START_MS, faults=faults)
    engine, findings = Engine(CATALOGUE), list[Finding]()
    for _ in range(DAYS):
        findings += observe(engine, messages(class_id, fleet.advance(1440)))
    assert [finding for finding in findings if finding.device_no < HEALTHY] == []
    assert min(finding.at_ms for finding in findings) > onset_ms
    rules = {(finding.device_no, finding.rule) for finding in findings}
    named = [(device, fault.name) for device, fault in enumerate(faults) if fault is not None]
    assert [each for each in named if (each[0], SEEN[class_id][each[1]]) not in rules] == []
    leaks = [device for device, name in named if name == "water_leak"]
    assert {(device, "level") for device in leaks} <= raised_at_end(findings), "a leak does not mend itself"
