"""Whoever dies on many machines, under load: what a front acknowledged is in the record or among the refusals, once."""

import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import SecretStr

from api.doctor import streams
from api.engines import fronts, nats_streams
from api.engines.nats_request import request
from api.relay.twins import login_of
from api.watch import checks
from api.watch.checks import State
from api.worker.forget import Forgetting
from devices import catalogue
from ingest.adapter_doors import Address, Doors, Kept
from ingest.adapter_wire import Wire
from ingest.errors import LogError
from ingest.twin.model import Down
from simulators.obedient import Obedient
from tests import appliance
from tests.cluster.conftest import K, Trial
from tests.faults.crew import looks_again, now_of
from tests.processes import wait_for

pytestmark = [pytest.mark.cluster, pytest.mark.engines, pytest.mark.timeout(900)]


def test_the_ledger_balances_whoever_dies_or_sleeps(trial: Trial) -> None:
    cluster = trial.cluster
    for _ in range(K + 1):
        trial.hire()
    trial.speak(120)
    wait_for(lambda: all(owner for _, _, owner in trial.rows().values()))

    leader = cluster.leader()
    leader.kill()
    time.sleep(2)
    leader.start()

    worker = next(each for each in trial.crew if trial.owned_by(each) is not None)
    worker.kill()
    trial.crew.remove(worker)
    wait_for(lambda: worker.pid not in {owner for _, _, owner in trial.rows().values()})
    trial.hire()

    _sleep_past_a_successor(trial)

    front = cluster.fronts[0]
    front.kill()
    time.sleep(3)
    front.start()

    leader = cluster.leader()
    leader.kill()
    leader.start()

    trial.spoken()
    trial.caught_up()
    found = trial.balance()
    assert found.balanced, found
    assert found.acknowledged > 30_000
    assert found.refused > 0
    assert cluster.head().messages >= found.acknowledged
    _forget_at_the_fronts(trial)


def _forget_at_the_fronts(trial: Trial) -> None:
    """What was drawn an hour ago goes, but for the last one; nothing is drawn again."""
    head = trial.cluster.head()
    settings = trial.database.settings(nats_url=SecretStr(trial.cluster.url))
    Forgetting(settings, catalogue.load()).forget(0, datetime.now(UTC) + timedelta(hours=2))
    logs = [request(trial.cluster.url, f"$JS.{name}.API.STREAM.INFO.LOG") for name in trial.cluster.names]
    assert [log["state"]["messages"] for log in logs] == [1, 1]
    for door in trial.cluster.doors:
        with appliance.let_in(appliance.a_client("last"), door) as device:
            appliance.publish(device, [("fm/demo/last/up/telemetry", b"{}")])
    wait_for(lambda: fronts.has_drawn(trial.cluster.url, _heads(trial)))
    assert trial.cluster.head().last_seq == head.last_seq + len(trial.cluster.doors)


def _sleep_past_a_successor(trial: Trial) -> None:
    trial.calm()
    sleeper = next(each for each in trial.crew if trial.owned_by(each) is not None)
    place = trial.owned_by(sleeper)
    assert place is not None
    sleeper.pause()
    epoch = trial.rows()[place][0]
    wait_for(lambda: trial.rows()[place][0] == epoch + 1)
    moved = trial.rows()[place][1]
    wait_for(lambda: trial.rows()[place][1] > moved)
    woken = now_of(trial.database)
    sleeper.wake()
    wait_for(lambda: looks_again(trial.database, woken))
    assert trial.rows()[place][0] == epoch + 1, "it has written as the owner that it no longer is"
    assert trial.owned_by(sleeper) is None


def test_what_a_dead_front_withholds_is_said_and_comes_with_its_disk(trial: Trial) -> None:
    cluster = trial.cluster
    for _ in range(K):
        trial.hire()
    for core in cluster.cores[:2]:
        core.kill()  # nobody is left to draw; the fronts acknowledge all the same
    trial.speak(8)
    trial.spoken()
    held = cluster.fronts[0]
    held.kill()
    for core in cluster.cores[:2]:
        core.start()
    cluster.leader()
    wait_for(lambda: fronts.has_drawn(cluster.url, fronts.heads(cluster.url, cluster.names[1:])), 180, 0.2)
    wait_for(lambda: checks.fronts(cluster.head().fronts).state is State.WARNING, 180, 0.5)
    assert held.name in checks.fronts(cluster.head().fronts).sentence
    wait_for(lambda: len({cursor for _, cursor, _ in trial.rows().values()}) == 1, 180, 0.2)
    without = trial.balance()
    assert without.missing > 0
    assert without.duplicates == 0

    held.start()
    wait_for(lambda: fronts.has_drawn(cluster.url, _heads(trial)), 180, 0.2)
    trial.caught_up()
    assert trial.balance().balanced
    assert checks.fronts(cluster.head().fronts).state is State.OK


def _heads(trial: Trial) -> dict[str, int]:
    try:
        return fronts.heads(trial.cluster.url, trial.cluster.names)
    except Exception:  # noqa: BLE001
        return dict.fromkeys(trial.cluster.names, 1 << 60)


def test_migrate_finds_nothing_to_do_a_second_time(trial: Trial, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def heard(url: str, subject: str, *rest: Any, **more: Any) -> Any:
        asked.append(subject)
        return request(url, subject, *rest, **more)

    monkeypatch.setattr(nats_streams, "request", heard)
    fronts.ensure_logs(trial.cluster.url, trial.cluster.names, slots=None, replicas=None)
    assert len(asked) == 3 * (1 + len(trial.cluster.names))
    assert [subject for subject in asked if ".INFO." not in subject] == []


def test_the_doctor_finds_a_limit_at_a_front_and_a_server_that_keeps_the_log_no_more(trial: Trial) -> None:
    cluster = trial.cluster

    def found() -> dict[str, tuple[State, str]]:
        try:
            with closing(Wire(cluster.url)) as wire:
                looked = streams.examine(wire, wire.request(f"$JS.API.STREAM.INFO.{nats_streams.STREAM}"))
                return {check.name: (check.state, check.sentence) for check in looked}
        except LogError:  # whom it asked was just killed
            return {}

    def states() -> dict[str, State]:
        return {name: state for name, (state, _) in found().items()}

    wait_for(lambda: states() == dict.fromkeys(("log", "log_replicas", "log_door"), State.OK), 180, 0.2)
    front = cluster.names[1]
    api = f"$JS.{front}.API.STREAM"
    config = request(cluster.url, f"{api}.INFO.{nats_streams.STREAM}")["config"]
    request(cluster.url, f"{api}.UPDATE.{nats_streams.STREAM}", {**config, "max_msgs_per_subject": 1})
    wait_for(lambda: f"at {front} max_msgs_per_subject" in str(found().get("log_door")), 180, 0.2)
    fronts.ensure_logs(cluster.url, cluster.names, slots=None, replicas=None)
    wait_for(lambda: states().get("log_door") is State.OK, 180, 0.2)

    leader = cluster.leader()
    other = next(core for core in cluster.cores if core is not leader)
    other.kill()
    wait_for(lambda: other.name in str(found().get("log_replicas")), 180, 0.2)
    other.start()
    wait_for(lambda: states().get("log_replicas") is State.OK, 180, 0.2)


def test_what_is_desired_lies_at_every_front_and_a_command_reaches_a_device_of_any(trial: Trial) -> None:
    url = trial.cluster.url
    login = login_of(trial.database.settings(nats_url=url))
    wish = Down("fm.demo.told.down.desired", b'{"version": 1, "state": {}}')
    with closing(Doors([Address("127.0.0.1", door) for door in trial.cluster.doors], *login, lambda: None)) as doors:
        assert doors.retain([wish]) == Kept(2, None)
    heard = {door: Obedient("fm/demo/told", f"told-{door}") for door in trial.cluster.doors}
    for door, device in heard.items():
        device.connect("127.0.0.1", door, *login)
        assert device.subscribed.wait(60)
    command = b'{"id": "1", "name": "ping", "arguments": {}, "expires_at": 0}'
    with closing(Wire(url)) as wire:
        wait_for(lambda: all(device.heard for device in heard.values()))
        wire.tell("fm.demo.told.down.command", command)
        wire.settle()
        wait_for(lambda: all("1" in device.memory.done for device in heard.values()))
    for device in heard.values():
        assert [kind for kind, _ in device.heard] == ["desired", "command"]
        device.close()
