"""What the sensors of a unit make of what is so."""

from collections.abc import Sequence

import numpy as np

from simulators.days import Floats
from simulators.model import Kind

SOURCES = ("air", "coil", "discharge", "ambient", "draw", "door", "suction", "condenser")


def sensed(kinds: Sequence[Kind], signals: Floats, noise: Floats) -> Floats:
    """What the sensors make of the signals: (units, n, metrics); NaN in the columns that a kind has not."""
    n_units, n_steps = len(kinds), signals.shape[1]
    values = np.full((n_units, n_steps, max(len(kind.sensors) for kind in kinds)), np.nan)
    for kind in {id(kind): kind for kind in kinds}.values():
        members = [i for i, other in enumerate(kinds) if other is kind]
        sources = dict(zip(SOURCES, signals[:, :, members], strict=True))
        # some air passes between the fins
        sources["supply"] = sources["air"] + 0.75 * (sources["coil"] - sources["air"])
        for column, sensor in enumerate(kind.sensors):
            values[members, :, column] = _said(kind, sensor, sources, noise[:, members, column]).T
    return values


def _said(kind: Kind, sensor: tuple[str, float], sources: dict[str, Floats], noise: Floats) -> Floats:
    source, sigma = sensor
    if source == "door":
        return np.where(np.isnan(noise), np.nan, sources["door"] > 0)
    if source == "draw":
        return np.maximum(np.round(sources["draw"] * (1 + sigma * noise), kind.draw_digits), 0.0)
    return np.round(sources[source] + sigma * noise, 1)
