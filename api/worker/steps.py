"""Where the worker's time goes: what has passed since the last step belongs to the one that ends now."""

from time import perf_counter

STEPS = ("upkeep", "read", "look_up", "decode", "keep", "observe", "commit", "early")


class Steps:
    """A batch looks seven times at the clock, some 50 ns each."""

    def __init__(self) -> None:
        self.seconds = dict.fromkeys(STEPS, 0.0)
        self.begin()

    def begin(self) -> None:
        """What passed before belongs to none."""
        self._since = perf_counter()

    def end(self, step: str) -> None:
        now = perf_counter()
        self.seconds[step] += now - self._since
        self._since = now
