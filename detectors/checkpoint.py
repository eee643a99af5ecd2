"""An engine's whole memory as one blob, and back: numpy's own container, nothing in it is ever executed."""

from io import BytesIO
from zipfile import BadZipFile

import numpy as np

from detectors.engine import Engine
from detectors.errors import CheckpointError


def write(engine: Engine) -> bytes:
    held = BytesIO()
    np.savez(held, allow_pickle=False, **engine.freeze())
    return held.getvalue()


def read(blob: bytes, engine: Engine) -> None:
    """Into an engine that has observed nothing. Raises CheckpointError; the engine is worth nothing then."""
    try:
        with np.load(BytesIO(blob), allow_pickle=False) as arrays:
            engine.thaw(arrays)
    except (BadZipFile, EOFError, KeyError, OSError, ValueError) as error:
        raise CheckpointError(f"{type(error).__name__}: {error}") from error
