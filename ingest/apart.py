"""A class's rows put apart by variant: which of them are watched otherwise than their class."""

from collections.abc import Iterator, Mapping

import numpy as np

from ingest.model import Bools, Ints


def apart(class_id: str, device_no: Ints, variants: Mapping[int, str]) -> Iterator[tuple[str, Bools | None]]:
    """Names with masks (n,) over `device_no` (n,); None where all of them are of one. In order of the names."""
    if not variants:
        yield class_id, None
        return
    numbers, owner = np.unique(device_no, return_inverse=True)
    names = [variants.get(number, class_id) for number in numbers.tolist()]
    different = sorted(set(names))
    if len(different) <= 1:
        yield different[0] if different else class_id, None
        return
    which = np.array([different.index(name) for name in names])[owner]
    for n, name in enumerate(different):
        yield name, which == n
