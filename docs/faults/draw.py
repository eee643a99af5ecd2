"""Draws each fault of whatever cools, one refrigerator with it and the same one without: `make pictures`."""

from pathlib import Path

import matplotlib as mpl
import numpy as np

from simulators.kinds import KINDS, faults_of
from simulators.model import Fault, Unit
from simulators.run import Run
from simulators.thermal import simulate

mpl.use("Agg")
from matplotlib import pyplot as plt

HERE = Path(__file__).parent
START_MS, HOUR_MS = 1_735_689_600_000, 3_600_000
DAYS, ONSET_H, SEED = 3, 24, 4
RAMP_H = {"refrigerant_leak": 40, "coil_iced": 1}  # so that its knee, and its frost, are seen
SOUND, ILL = "#9aa5b1", "#c2410c"
CLOSE_H = {
    "sensor_spiking": (44, 56),
    "sensor_dropping_out": (44, 50),
    "sensor_stuck": (18, 30),
}  # what one sees from near alone, as it is read


def unit(name: str | None, class_id: str = "refrigerator") -> Run:
    fault = None
    if name is not None:
        onset_ms = START_MS + ONSET_H * HOUR_MS
        fault = Fault(name=name, onset_ms=onset_ms, ramp_s=RAMP_H.get(name, 6) * 3600)
    return simulate(class_id, [Unit(seed=SEED)], START_MS, START_MS + DAYS * 24 * HOUR_MS, fault=fault)


def while_running(run: Run, column: np.ndarray) -> np.ndarray:
    return np.where(run.truth.running[0], column, np.nan)


def draw(name: str, sound: Run, ill: Run, what: str = "refrigerator") -> None:
    hours = (ill.ts_ms - START_MS) / HOUR_MS
    figure, axes = plt.subplots(3, 1, figsize=(9, 6.2), sharex=True, height_ratios=(2, 2, 1.6))
    panels = (
        (
            "cabinet °C\n(dotted: as read)",
            lambda run: run.values[0, :, 0] if name in CLOSE_H and run is ill else run.truth.air_c[0],
        ),
        ("evaporates, condenses\nat °C, while running", None),
        ("power W", lambda run: run.values[0, :, 4]),
    )
    for axis, (label, of) in zip(axes, panels, strict=True):
        for run, colour in ((sound, SOUND), (ill, ILL)):
            columns = [run.truth.evaporating_c[0], run.truth.condensing_c[0]] if of is None else [of(run)]
            for column in columns:
                said = while_running(run, column) if of is None else column
                axis.plot(hours, said, color=colour, linewidth=0.8)
        axis.set_ylabel(label, fontsize=8)
        axis.axvline(ONSET_H, color="#334155", linewidth=0.8, linestyle="--")
        axis.tick_params(labelsize=8)
        axis.spines[["top", "right"]].set_visible(False)
    axes[0].plot(hours, ill.values[0, :, 0], color=ILL, linewidth=0.6, linestyle=":")
    axes[2].set_ylim(0, None if what != "refrigerator" else 520)
    axes[2].set_xlabel(f"hours; the fault begins at the dashed line; grey: the same {what} without it", fontsize=8)
    axes[0].set_xlim(CLOSE_H.get(name))
    axes[0].set_title(name.replace("_", " "), loc="left", fontsize=10)
    figure.tight_layout()
    figure.savefig(HERE / f"{name}.png", dpi=80, metadata={"Software": None})
    plt.close(figure)


def main() -> None:
    sound = unit(None)
    for name in faults_of(KINDS["refrigerator"]):
        draw(name, sound, unit(name))
    cools = "air_conditioner"  # it alone has a pan that its condensate drips into
    draw("drain_blocked", unit(None, cools), unit("drain_blocked", cools), "air conditioner")


if __name__ == "__main__":
    main()
