"""Draws the faults of water heaters, washing machines and dishwashers beside the same unit without: `make pictures`."""

from pathlib import Path

import matplotlib as mpl
import numpy as np

from devices import catalogue
from simulators.classes import FAULTS, plant
from simulators.model import Fault, Unit
from simulators.run import Run

mpl.use("Agg")
from matplotlib import pyplot as plt

HERE = Path(__file__).parent
START_MS, HOUR_MS = 1_735_689_600_000, 3_600_000
ONSET_H, SEED = 24, 9
SOUND, ILL = "#9aa5b1", "#c2410c"
CLASSES = catalogue.load()
Panel = tuple[str, tuple[str, ...]]  # what stands beside it, and the metrics in it

PANELS: dict[str, tuple[Panel, ...]] = {
    "water_heater": (
        ("outlet °C\n(dotted: thermostat)", ("outlet_temp_c", "lower_temp_c")),
        ("element °C", ("element_temp_c",)),
        ("power W", ("power_w",)),
        ("flows in l/min", ("inflow_l_min",)),
    ),
    "washing_machine": (
        ("water l", ("water_level_l",)),
        ("water °C", ("water_temp_c",)),
        ("power W", ("power_w",)),
        ("drum rpm", ("drum_rpm",)),
        ("motor A", ("motor_current_a",)),
        ("vibration m/s²", ("vibration_m_s2",)),
        ("drain pump W", ("drain_pump_w",)),
    ),
    "dishwasher": (
        ("water l", ("water_level_l",)),
        ("water °C", ("water_temp_c",)),
        ("power W", ("power_w",)),
        ("spray Pa", ("spray_pressure_pa",)),
        ("drain pump W", ("drain_pump_w",)),
    ),
}


def lived(class_id: str, days: int) -> dict[str, Run]:
    """The same unit with each fault, and without one."""
    names = ("", *FAULTS[class_id])
    onset_ms = START_MS + ONSET_H * HOUR_MS
    faults = [Fault(name=name, onset_ms=onset_ms, ramp_s=6 * 3600) if name else None for name in names]
    run = plant([class_id] * len(names), [Unit(seed=SEED)] * len(names), START_MS, faults=faults).advance(days * 1440)
    return {name: Run(run.ts_ms, run.values[i : i + 1], None, run.jitter_ms[i : i + 1]) for i, name in enumerate(names)}


def curve(class_id: str, run: Run, metric: str) -> np.ndarray:
    return run.values[0, :, CLASSES[class_id].metric_names.index(metric)]


def draw(class_id: str, name: str, runs: dict[str, Run], rows: slice, along: np.ndarray, words: str) -> None:
    panels = PANELS[class_id]
    figure, axes = plt.subplots(len(panels), 1, figsize=(9, 1.5 + 1.1 * len(panels)), sharex=True)
    for axis, (label, metrics) in zip(axes, panels, strict=True):
        for who, colour in (("", SOUND), (name, ILL)):
            for metric, style in zip(metrics, ("-", ":"), strict=False):
                axis.plot(along, curve(class_id, runs[who], metric)[rows], style, color=colour, linewidth=0.9)
        axis.set_ylabel(label, fontsize=8)
        axis.tick_params(labelsize=8)
        axis.spines[["top", "right"]].set_visible(False)
        if class_id == "water_heater":
            axis.axvline(ONSET_H, color="#334155", linewidth=0.8, linestyle="--")
    axes[-1].set_xlabel(words, fontsize=8)
    axes[0].set_title(f"{CLASSES[class_id].title['en'].lower()}: {name.replace('_', ' ')}", loc="left", fontsize=10)
    figure.tight_layout()
    figure.savefig(HERE / f"{class_id}-{name}.png", dpi=80, metadata={"Software": None})
    plt.close(figure)


def heaters() -> None:
    runs = lived("water_heater", 3)
    hours = (runs[""].ts_ms - START_MS) / HOUR_MS
    words = "hours; the fault begins at the dashed line; grey: the same water heater without it"
    for name in FAULTS["water_heater"]:
        draw("water_heater", name, runs, slice(None), hours, words)


def programmes(class_id: str) -> None:
    """The first whole programme after the fault has come to its full strength."""
    runs = lived(class_id, 5)
    phase = np.nan_to_num(curve(class_id, runs[""], "phase"))
    begins = np.flatnonzero((phase[1:] > 0) & (phase[:-1] == 0)) + 1
    first = int(begins[begins > (ONSET_H + 7) * 60][0])
    leak_first = int(begins[begins > ONSET_H * 60][0])
    words = "minutes; one programme, grey: the same one without the fault"
    for name in FAULTS[class_id]:
        begin = leak_first if name == "water_leak" else first
        rows = slice(begin - 10, begin + 200)
        along = np.arange(-10, 200)
        draw(class_id, name, runs, rows, along[: len(runs[""].ts_ms[rows])], words)


if __name__ == "__main__":
    heaters()
    programmes("washing_machine")
    programmes("dishwasher")
