"""What is decided about twins and commands, by values alone."""

from datetime import timedelta
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices import catalogue
from devices.model import Address
from devices.twin import accepts, lifecycle, merge
from devices.twin.errors import CommandOverError, SettingRefusedError, StaleTwinError
from devices.twin.model import CommandState, Report, Result
from ingest.admit import admit
from ingest.allowance import Allowance
from ingest.model import Message, Reason
from ingest.payloads.model import Flaw
from ingest.topics import found, read
from ingest.twin import answers, down
from tests.twin.builders import ID, NOW, a_class, a_command, a_twin

KNOWN = frozenset({"set_point_c", "firmware"})
BY = {"by": "staff:desk", "now": NOW}


def test_a_wish_is_a_new_version_and_must_be_said() -> None:
    wished = merge.desire(a_twin(), {"set_point_c": 4}, 0, **BY)
    assert (wished.version, wished.desired, wished.say_at, wished.desired_by) == (
        1,
        {"set_point_c": 4},
        NOW,
        "staff:desk",
    )
    gone = merge.desire(wished, {"set_point_c": None, "eco": True}, 1, **BY)
    assert (gone.version, gone.desired) == (2, {"eco": True})


def test_what_is_desired_already_is_no_new_version() -> None:
    twin = merge.desire(a_twin(), {"set_point_c": 4}, 0, **BY)
    assert merge.desire(twin, {"set_point_c": 4}, 1, **BY) is twin
    assert merge.desire(twin, {"eco": None}, 1, **BY) is twin


def test_whoever_saw_another_version_is_refused() -> None:
    with pytest.raises(StaleTwinError, match=r"you saw version 3 .* there is 0"):
        merge.desire(a_twin(), {"set_point_c": 4}, 3, **BY)


def test_a_version_is_newer_than_all_that_the_device_ever_said() -> None:
    """A record that was restored from a backup would else wish what the device takes for old."""
    assert merge.desire(a_twin(version=2, reported_version=7), {"set_point_c": 4}, 2, **BY).version == 8


def test_a_device_that_is_ahead_of_us_is_told_with_a_newer_version() -> None:
    """It took what another house said, or what we said before our record was restored."""
    twin = merge.desire(a_twin(), {"set_point_c": 4}, 0, **BY)
    after = merge.report(twin, Report(version=7, state={"set_point_c": 5}), KNOWN, NOW).twin
    assert (after.version, after.lag, after.say_at, after.says) == (8, 1, NOW, 0)
    assert merge.report(a_twin(), Report(version=7, state={}), KNOWN, NOW).twin.say_at is None


def test_a_partial_report_merges_and_a_full_one_leaves_nothing_to_say() -> None:
    twin = merge.desire(a_twin(reported={"set_point_c": 5, "mode": "eco"}), {"set_point_c": 4}, 0, **BY)
    assert [(each.name, each.desired, each.reported) for each in merge.differences(twin)] == [("set_point_c", 4, 5)]
    told = merge.report(twin, Report(version=1, state={"set_point_c": 4}), KNOWN, NOW)
    assert told.twin.reported == {"set_point_c": 4, "mode": "eco"}
    assert (told.twin.lag, told.twin.say_at, merge.differences(told.twin)) == (0, None, [])
    assert told.changed == {"set_point_c": 4, "version": 1}
    assert not merge.report(told.twin, Report(version=1, state={"set_point_c": 4}), KNOWN, NOW).is_news


def test_a_device_that_takes_a_version_otherwise_shows_the_difference() -> None:
    twin = merge.desire(a_twin(), {"set_point_c": 4}, 0, **BY)
    after = merge.report(twin, Report(version=1, state={"set_point_c": 5}), KNOWN, NOW).twin
    assert (after.lag, [each.reported for each in merge.differences(after)]) == (0, [5])


def test_a_report_that_was_overtaken_changes_nothing() -> None:
    twin = a_twin(version=3, reported_version=3, reported={"set_point_c": 4})
    assert merge.report(twin, Report(version=2, state={"set_point_c": 7}), KNOWN, NOW).twin is twin


def test_a_report_without_a_version_takes_none() -> None:
    twin = merge.desire(a_twin(), {"set_point_c": 4}, 0, **BY)
    after = merge.report(twin, Report(version=None, state={"set_point_c": 5}), KNOWN, NOW).twin
    assert (after.reported, after.lag, after.say_at) == ({"set_point_c": 5}, 1, NOW)


def test_a_firmware_has_a_since() -> None:
    first = merge.report(a_twin(), Report(version=None, state={"firmware": "1"}), KNOWN, NOW).twin
    later = NOW + timedelta(hours=1)
    same = merge.report(first, Report(version=None, state={"firmware": "1"}), KNOWN, later).twin
    other = merge.report(same, Report(version=None, state={"firmware": "2"}), KNOWN, later).twin
    assert [(twin.firmware, twin.firmware_at) for twin in (same, other)] == [("1", NOW), ("2", later)]


@given(st.lists(st.dictionaries(st.text(min_size=1, max_size=4), st.integers() | st.none(), max_size=64), max_size=5))
def test_what_a_device_invents_has_a_bound_and_what_its_class_knows_always_room(said: list[dict[str, Any]]) -> None:
    twin = a_twin()
    for state in said:
        twin = merge.report(twin, Report(version=None, state=state), KNOWN, NOW).twin
    twin = merge.report(twin, Report(version=None, state={"set_point_c": 4}), KNOWN, NOW).twin
    assert len(set(twin.reported) - KNOWN) <= accepts.MOST_SETTINGS
    assert twin.reported["set_point_c"] == 4


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("set_point_c", 9, "9 is not between 2 and 8 °C"),
        ("set_point_c", float("nan"), "is a number"),
        ("set_point_c", float("inf"), "is a number"),
        ("set_point_c", 10**400, "is a number"),
        ("set_point_c", 10**40, "is too large"),
        ("set_point_c", True, "is a number"),
        ("set_point_c", "4", "is a number"),
        ("sampling_period_s", 1.5, "whole"),
        ("sampling_period_s", 0, "between 1 and 86400 s"),
        ("eco", 1, "true or false"),
        ("firmware", "", "text"),
        ("firmware", "a\0b", "text"),
        ("spin_rpm", 800, "a refrigerator has: set_point_c, eco, sampling_period_s, firmware"),
    ],
)
def test_what_a_class_cannot_take_is_refused_with_what_it_can(name: str, value: Any, why: str) -> None:
    with pytest.raises(SettingRefusedError, match=why):
        accepts.check(a_class(), {name: value})


def test_what_a_class_can_take_is_taken() -> None:
    wishes = {"set_point_c": 4.5, "eco": False, "sampling_period_s": 30, "firmware": "1.5"}
    accepts.check(a_class(), wishes)
    accepts.check(a_class(), dict.fromkeys(wishes))


def test_no_command_leaves_a_state_in_which_it_is_over() -> None:
    for before, after in product(CommandState, CommandState):
        command = a_command(state=before)
        if after in lifecycle.ALLOWED[before]:
            moved = lifecycle.move(command, after, NOW)
            assert (moved.state, moved.over_at is None) == (after, after in lifecycle.OPEN)
        else:
            with pytest.raises(CommandOverError):
                lifecycle.move(command, after, NOW)
    assert {CommandState.QUEUED, CommandState.SENT} == set(lifecycle.OPEN)


def test_the_first_result_counts_and_a_late_one_is_noted_as_such() -> None:
    yes, no = Result(command_id=ID, ok=True, result=1), Result(command_id=ID, ok=False, error="stuck")
    done = lifecycle.answered(a_command(state=CommandState.SENT), yes, NOW)
    assert (done.state, done.result, done.over_at) == (CommandState.SUCCEEDED, 1, NOW)
    assert lifecycle.answered(done, no, NOW) is done
    assert lifecycle.answered(a_command(), no, NOW).state is CommandState.FAILED  # told, and not noted yet
    over = a_command(state=CommandState.EXPIRED, over_at=NOW)
    late = lifecycle.answered(over, yes, NOW)
    assert (late.state, late.late) == (
        CommandState.EXPIRED,
        {"ok": True, "result": 1, "error": None, "at": NOW.isoformat()},
    )
    assert lifecycle.answered(late, no, NOW) is late


def _said(kind: str, payload: bytes) -> Any:
    subject = f"log.0.demo.d1.up.{kind}"
    source = found(read(subject), Address(1, "refrigerator"), frozenset({"refrigerator"}))
    return answers.read(Message(1, 1_764_000_000_000, subject, payload), source)


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"[]",
        b"{}",
        b'{"state": 1}',
        b'{"state": {"a": {}}}',
        b'{"state": {"a": [1]}}',
        b'{"state": {"": 1}}',
        b'{"state": {"a": "%b"}}' % (b"x" * 257),
        b'{"state": {"a": "\\u0000"}}',
        b'{"state": {"a\\u0000": 1}}',
        b'{"state": {}, "extra": 1}',
        b'{"version": true, "state": {}}',
        b'{"version": -1, "state": {}}',
        b'{"version": 1.0, "state": {}}',
        b'{"version": 9007199254740993, "state": {}}',
        b'{"firmware": 7}',
        b'{"state": {%b}}' % b",".join(b'"k%d": 1' % i for i in range(65)),
        b'{"state": {"a": "%b"}}' % (b"x" * 9000),
        b'{"state": {"a": NaN}}',
    ],
)
def test_what_is_no_reported_state_is_refused(payload: bytes) -> None:
    flaw = _said("reported", payload)
    assert isinstance(flaw, Flaw)
    assert (flaw.reason, bool(flaw.detail)) == (Reason.NOT_REPORTED, True)


@pytest.mark.parametrize(
    "payload",
    [
        b"[]",
        b'{"id": "x", "ok": true}',
        b'{"id": 7, "ok": true}',
        b'{"ok": true}',
        b'{"id": "%b", "ok": 1}' % str(ID).encode(),
        b'{"id": "%b", "ok": true, "error": "x"}' % str(ID).encode(),
        b'{"id": "%b", "ok": false, "result": 1}' % str(ID).encode(),
        b'{"id": "%b", "ok": false, "error": 1}' % str(ID).encode(),
        b'{"id": "%b", "ok": true, "result": [[[[[[[[[[]]]]]]]]]]}' % str(ID).encode(),
        b'{"id": "%b", "ok": true, "result": "%b"}' % (str(ID).encode(), b"x" * 5000),
    ],
)
def test_what_is_no_result_is_refused(payload: bytes) -> None:
    flaw = _said("result", payload)
    assert isinstance(flaw, Flaw)
    assert flaw.reason is Reason.NOT_A_RESULT


def test_what_a_device_answers_has_the_same_limits_as_what_it_measures() -> None:
    """A minute's worth at once: 100 a second, readings and answers together."""
    classes = catalogue.load()
    subjects = {kind: f"log.0.demo.d1.up.{kind}" for kind in ("reported", "telemetry")}
    sources = {
        kind: found(read(subject), Address(1, "refrigerator"), frozenset(classes)) for kind, subject in subjects.items()
    }
    now_ms = 1_764_000_000_000
    kinds = ["reported", "telemetry"] * 3_500
    said = [
        Message(
            n,
            now_ms,
            subjects[kind],
            b'{"version": 1}' if kind == "reported" else b'{"ts": %d, "power_w": 1}' % (now_ms - n),
        )
        for n, kind in enumerate(kinds, 1)
    ]
    admitted = admit(said, [sources[kind] for kind in kinds], classes, Allowance(classes))
    refused = {refusal.seq for refusal in admitted.decoded.refusals}
    assert {refusal.reason for refusal in admitted.decoded.refusals} == {Reason.OVER_LIMIT}
    assert refused == set(range(6_001, 7_001))
    assert len(admitted.decoded.answers) == 3_000


@pytest.mark.parametrize("payload", [b'{"version": 3}', b'{"state": {"a": null}}', b'{"firmware": "1.4.2"}'])
def test_a_report_says_as_much_as_there_is_to_say(payload: bytes) -> None:
    assert not isinstance(_said("reported", payload), Flaw)


def test_what_goes_down_has_the_devices_topic() -> None:
    assert down.desired("demo", "d1", 3, {"a": 1}) == ("fm.demo.d1.down.desired", b'{"version":3,"state":{"a":1}}')
    said = down.command("demo", "d1", ID, "ping", {}, NOW)
    assert said.topic == "fm/demo/d1/down/command"
    assert said.payload == b'{"id":"%b","name":"ping","arguments":{},"expires_at":1795165200000}' % str(ID).encode()
