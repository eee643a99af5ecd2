"""Who dies is started again, and so is who could not start; whoever does so again and again ends the house."""

from pathlib import Path

import pytest

from api.engines.errors import EngineError, EngineStartError
from api.engines.service import Watched


class Engine(Watched):
    """Starts once, dies, and then fails to start `failures` times: its disk is full."""

    def __init__(self, failures: int) -> None:
        super().__init__("PostgreSQL", Path("postgres.log"), (0.0, 0.0, 0.0))
        self._starts = 0
        self._failures = failures

    def launch(self) -> None:
        self._starts += 1
        if 1 < self._starts <= 1 + self._failures:
            raise EngineStartError("PostgreSQL", "No space left on device")

    def exit_code(self) -> int | None:
        return -6 if self._starts == 1 else None

    def end(self) -> None:
        pass


def test_an_engine_that_cannot_start_again_yet_is_tried_again() -> None:
    engine = Engine(failures=2)
    engine.start()
    said = [engine.look() for _ in range(6)]
    assert said[0] == "the PostgreSQL died (signal 6); starting it again in 0 s"
    assert [news for news in said if news and "No space left on device" in news] == said[1:3]
    assert said[3:] == [None, None, None]


def test_an_engine_that_never_starts_again_ends_the_house() -> None:
    engine = Engine(failures=99)
    engine.start()
    with pytest.raises(EngineError, match="died 4 times in a row"):
        [engine.look() for _ in range(9)]
