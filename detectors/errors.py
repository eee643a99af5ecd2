"""Errors of the detectors."""


class DetectorsError(Exception):
    """Root of the room's errors."""


class CheckpointError(DetectorsError):
    """A checkpoint cannot be read; the record teaches the same, more slowly."""
