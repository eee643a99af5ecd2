"""NATS' log, read strictly: what a stranger can write into it makes no line of its own, and none is counted twice."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from api.door.tail import Tail
from api.door.violations import Violation, read
from devices.credentials.guessing import Guesses

AT = "2026/11/25 22:30:12.206230"
Follow = Callable[..., Tail]
HEAD = f"[6178] {AT} [ERR] 127.0.0.1:53701 - mid:7 - "
PUBLISH = HEAD + '"demo:f1" - Publish Violation - Subject "fm.demo.f2.up.telemetry"'


def a_line(topic: str = "f2", at: str = AT) -> bytes:
    return PUBLISH.replace("f2", topic).replace(AT, at).encode()


@pytest.mark.parametrize(
    ("line", "topic", "published"),
    [
        (PUBLISH, "fm/demo/f2/up/telemetry", True),
        (HEAD + '"demo:f1" - Publish Violation - Subject "fm.demo.f//2.up.x"', "fm/demo/f.2/up/x", True),
        (HEAD + r'"demo:f1" - Publish Violation - Subject "fm.\"2\".up"', r"fm/\"2\"/up", True),
        (HEAD + '"demo:f1" - Subscription Violation - Subject "fm.*.>", SID fm.*.>', "fm/+/#", False),
    ],
)
def test_what_was_denied_is_read_as_the_device_wrote_it(line: str, topic: str, *, published: bool) -> None:
    at = datetime(2026, 11, 25, 22, 30, 12, 206230, tzinfo=UTC)
    said = Violation(at=at, tenant_id="demo", device_id="f1", published=published, topic=topic)
    assert read(line.encode()) == said


@pytest.mark.parametrize(
    "line",
    [
        "",
        "[6178] 2026/11/25 22:30:08.508519 [INF] Server is ready",
        HEAD.replace("ERR", "INF") + '"demo:f1" - Publish Violation - Subject "a"',
        HEAD + '"demo" - Publish Violation - Subject "a"',
        HEAD + r'"demo:f1\"\n" - authentication error - User "demo.f1.1"',
        HEAD + f'"demo:x" - authentication error - User "{PUBLISH}"',
        PUBLISH + " and more",
        "x" + PUBLISH,
    ],
)
def test_no_other_line_is_a_violation(line: str) -> None:
    assert read(line.encode()) is None


def topics(tail: Tail) -> list[str]:
    return [violation.topic.split("/")[2] for violation in tail.look()]


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "nats.log"


@pytest.fixture
def follow() -> Iterator[Follow]:
    tails: list[Tail] = []

    def begin(path: Path, since: datetime | None = None) -> Tail:
        tails.append(Tail(path, since))
        return tails[-1]

    yield begin
    for tail in tails:
        tail.close()


def test_a_log_is_followed_through_its_renaming_and_half_a_line_waits(log: Path, follow: Follow) -> None:
    tail = follow(log)
    with pytest.raises(FileNotFoundError):
        topics(tail)
    with log.open("ab") as file:
        file.write(a_line("one") + b"\n" + a_line("two")[:40])
    assert topics(tail) == ["one"]
    with log.open("ab") as file:
        file.write(a_line("two")[40:] + b"\n")
        file.flush()
        log.rename(log.with_name("nats.log.2026.11.25.22.30.13.bak"))
        file.write(a_line("three") + b"\n")
    log.write_bytes(a_line("four") + b"\n")
    assert topics(tail) == ["two", "three", "four"]
    assert topics(tail) == []


def test_a_log_that_is_just_being_renamed_is_not_counted_twice(log: Path, follow: Follow) -> None:
    log.write_bytes(a_line("one", "2026/11/25 22:30:01.000000") + b"\n")
    tail = follow(log)
    assert topics(tail) == ["one"]
    log.rename(log.with_name("nats.log.2026.11.25.22.30.13.bak"))
    assert topics(tail) == [], "the new one is not there yet"
    log.write_bytes(a_line("two", "2026/11/25 22:30:02.000000") + b"\n")
    assert topics(tail) == ["two"]
    log.unlink()
    log.write_bytes(a_line("three", "2026/11/25 22:30:03.000000") + b"\n")
    assert topics(tail) == ["three"]


def test_who_begins_again_goes_on_where_it_stopped_also_in_a_log_that_was_renamed(log: Path, follow: Follow) -> None:
    def stamp(second: int) -> str:
        return f"2026/11/25 22:30:{second:02}.000000"

    renamed = b"".join(a_line(name, stamp(second)) + b"\n" for name, second in (("a", 1), ("b", 2)))
    log.with_name("nats.log.2026.11.25.22.30.02.bak").write_bytes(renamed)
    log.write_bytes(a_line("c", stamp(3)) + b"\n")
    first = follow(log, datetime(2026, 11, 25, 22, 30, 1, tzinfo=UTC))
    assert topics(first) == ["b", "c"]
    assert topics(follow(log, first.read_to)) == []


def test_guesses_are_limited_for_a_name_and_an_address_and_come_back_with_time() -> None:
    guesses = Guesses(at_once=3, every_s=10, most=2)
    for _ in range(3):
        assert not guesses.limited("d", "here", 0)
        guesses.wrong("d", "here", 0)
    assert guesses.limited("d", "here", 0)
    assert not guesses.limited("d", "there", 0)
    assert not guesses.limited("other", "here", 0)
    assert guesses.limited("d", "here", 9)
    assert not guesses.limited("d", "here", 10)
    for name in "xyz":
        guesses.wrong(name, "here", 11)
    assert len(guesses) == 2
