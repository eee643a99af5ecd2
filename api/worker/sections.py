"""All that a worker remembers as one blob, and back: named sections of arrays in numpy's own container.

Nothing in it is ever executed."""

from collections.abc import Mapping
from io import BytesIO
from typing import Any, Protocol
from zipfile import BadZipFile

import numpy as np


class CheckpointError(Exception):
    """It cannot be read; the record teaches the same, more slowly."""


class Section(Protocol):
    """One part of what is remembered, a fold over the log."""

    def dump(self) -> dict[str, Any]:
        """Its arrays by names of its own; nothing else is needed to go on from here."""

    def load(self, arrays: Mapping[str, Any]) -> None:
        """What `dump` gave, into a blank one. Raises KeyError, ValueError where it is another one's."""


def pack(sections: Mapping[str, Section]) -> bytes:
    held = BytesIO()
    arrays = {f"{name}/{own}": array for name, section in sections.items() for own, array in section.dump().items()}
    np.savez(held, allow_pickle=False, **arrays)
    return held.getvalue()


def unpack(blob: bytes, sections: Mapping[str, Section]) -> None:
    """Into blank sections. Raises CheckpointError; all of them are worth nothing then."""
    try:
        with np.load(BytesIO(blob), allow_pickle=False) as arrays:
            for name, section in sections.items():
                begin = f"{name}/"
                section.load({key.removeprefix(begin): arrays[key] for key in arrays if key.startswith(begin)})
    except (BadZipFile, EOFError, KeyError, OSError, ValueError) as error:
        raise CheckpointError(f"{type(error).__name__}: {error}") from error
