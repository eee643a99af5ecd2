"""The doctor at the broker's streams: a limit by which what was acknowledged is lost is found, and does not stay."""

from contextlib import closing
from typing import Any

import pytest

from api.doctor import streams
from api.engines.nats_request import request
from api.engines.nats_streams import LISTENER_STREAM, LOG_STREAM, QOS_2_STREAM, STREAM, ensure_stream
from api.watch.checks import Check, State
from ingest.adapter_wire import Wire
from tests.conftest import NatsServer

pytestmark = pytest.mark.engines


@pytest.mark.parametrize(
    "change",
    [
        {"max_age": 10},
        {"max_bytes": 1000},
        {"storage": "memory"},
        {"discard": "old"},
        {"subjects": ["fm.>"]},
        {"subject_transform": {"dest": "log.1"}},
        {"sealed": True},
        {"deny_purge": True},
    ],
)
def test_a_stream_that_forgets_by_itself_is_found(change: dict[str, Any]) -> None:
    assert streams.log(LOG_STREAM).state is State.OK
    assert streams.log({**LOG_STREAM, **change}).state is State.FAILED


@pytest.mark.parametrize(
    ("made", "change", "check"),
    [
        (LOG_STREAM, {"max_msgs_per_subject": 1}, "log"),
        (LOG_STREAM, {"max_msg_size": 1000}, "log"),
        (LOG_STREAM, {"max_consumers": 1}, "log"),
        (LOG_STREAM, {"max_bytes": 10**6}, "log"),
        (LOG_STREAM, {"discard": "old"}, "log"),
        (LOG_STREAM, {"no_ack": True}, "log"),
        (LISTENER_STREAM, {"subjects": ["$MQTT.msgs.other"]}, "log_door"),
        (LISTENER_STREAM, {"max_msgs": 1}, "log_door"),
        (QOS_2_STREAM, {"max_msgs": -1}, "log_door"),
    ],
    ids=lambda each: each.get("name", next(iter(each))) if isinstance(each, dict) else each,
)
def test_a_limit_that_somebody_set_is_found_and_is_gone_after_the_next_start(
    nats_server: NatsServer, made: dict[str, Any], change: dict[str, Any], check: str
) -> None:
    """At the server itself, whose names for them are its own."""
    url, name = nats_server.url, made["name"]

    def found() -> Check:
        with closing(Wire(url)) as wire:
            return next(
                one for one in streams.examine(wire, wire.request(f"$JS.API.STREAM.INFO.{STREAM}")) if one.name == check
            )

    config = request(url, f"$JS.API.STREAM.INFO.{name}")["config"]
    try:
        assert found().state is State.OK
        assert "error" not in request(url, f"$JS.API.STREAM.UPDATE.{name}", {**config, **change})
        wrong = found()
        assert (wrong.state, next(iter(change)) in wrong.sentence) == (State.FAILED, True)
        ensure_stream(url)
        assert found().state is State.OK
    finally:
        request(url, f"$JS.API.STREAM.UPDATE.{name}", config)


def test_a_server_that_does_not_keep_the_log_any_more_is_named() -> None:
    def said(**second: Any) -> list[Check]:
        others = [{"name": "nats-2", "current": True}, {"name": "nats-3", "current": True, **second}]
        return list(streams.replicas({"leader": "nats-1", "replicas": others}))

    assert list(streams.replicas({"leader": "nats-1"})) == []
    assert [check.state for check in said()] == [State.OK]
    for wrong in ({"current": False}, {"offline": True}):
        (check,) = said(**wrong)
        assert (check.state, "nats-3" in check.sentence, "nats-2" in check.sentence) == (State.WARNING, True, False)
