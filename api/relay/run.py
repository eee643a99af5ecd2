"""The relay: findings become alerts and questions, timers run out, the outbox goes out, edge nodes are
asked for what is missing of them, devices are told what to be like and to do. Five jobs, five loops.

NOTIFY wakes, polling guarantees; a database that is away is waited for; any other error ends the process.
"""

import threading
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from datetime import UTC, datetime, time, timedelta
from typing import Any

import psycopg
import structlog
from psycopg import Connection

from api import classes, database
from api.mosquitto.setup import keeper_of
from api.relay.forget import Forgetting
from api.relay.meters import RelayMeters
from api.relay.post import AT_ONCE, Post
from api.relay.rebirths import ask_for_rebirths
from api.relay.twins import tell_devices
from api.settings import Settings
from api.watch import port
from api.watch.port import Turns
from api.watch.pulse import LOOPS, Pulse
from devices.model import Catalogue
from ingest.presence.serving import activate_heard
from ticketing.alerts import store as alerts
from ticketing.alerts.take import take_findings
from ticketing.questions.closing import expire_due
from ticketing.questions.look import look_due
from ticketing.questions.model import AskPolicy

POLL_S = 1.0
PATIENCE_S = 0.2  # between two looks at the outbox while letters are on the way
SERVE_EVERY = timedelta(seconds=30)  # a look at everybody who is claimed and not heard yet
AT_A_TIME = 100  # findings or alerts in one transaction
_log = structlog.get_logger("relay")

Job = Callable[[Connection[Any], threading.Event], None]


def run(settings: Settings, stop: threading.Event) -> None:
    """Until `stop` is set. Raises what killed a loop, after the other loops have ended."""
    turns, meters = Turns(*LOOPS), RelayMeters()
    with port.opened(settings, meters.registry, turns):
        _run_loops(settings, stop, turns, meters)


def _run_loops(settings: Settings, stop: threading.Event, turns: Turns, meters: RelayMeters) -> None:
    catalogue, policy = classes.of(settings), policy_of(settings)
    jobs: dict[str, Job] = {
        "findings": lambda conn, ends: take_and_ask(conn, ends, Pulse("findings", turns), catalogue, policy),
        "rebirths": lambda conn, ends: ask_for_rebirths(conn, ends, Pulse("rebirths", turns), settings),
        "timers": lambda conn, ends: keep_time(conn, ends, Pulse("timers", turns), catalogue, policy, meters),
        "deliveries": lambda conn, ends: deliver(conn, ends, Pulse("deliveries", turns), settings, catalogue),
        "twins": lambda conn, ends: tell_devices(conn, ends, Pulse("twins", turns), settings, catalogue, meters),
    }
    if (keeper := keeper_of(settings, meters.registry)) is not None:
        jobs["mosquitto"] = lambda conn, ends: keeper.run(conn, ends, Pulse("mosquitto", turns))
    with ThreadPoolExecutor(len(jobs), thread_name_prefix="relay") as threads:
        loops = [threads.submit(_keep_at_it, name, job, settings, stop, turns) for name, job in jobs.items()]
        wait(loops, return_when=FIRST_COMPLETED)
        stop.set()  # a loop that ended before the end takes the others with it
    for loop in loops:
        loop.result()


def policy_of(settings: Settings) -> AskPolicy:
    if settings.quiet_hours is None:
        return AskPolicy()
    begin, end = (time.fromisoformat(clock) for clock in settings.quiet_hours.split("-"))
    return AskPolicy(quiet=(begin, end))


def _keep_at_it(name: str, job: Job, settings: Settings, stop: threading.Event, turns: Turns) -> None:
    """The job on a connection of its own, and on another one after the database was away."""
    while not stop.is_set():
        try:
            with database.connect(settings, "foremend_relay", stop=stop, autocommit=True) as conn:
                job(conn, stop)
        except (psycopg.OperationalError, psycopg.InterfaceError) as error:
            _log.warning("database away", job=name, error=str(error).strip())
            turns.mark(name)
            stop.wait(POLL_S)


def take_and_ask(
    conn: Connection[Any], stop: threading.Event, pulse: Pulse, catalogue: Catalogue, policy: AskPolicy
) -> None:
    alerts.listen(conn)
    while not stop.is_set():
        pulse.beat(conn)
        now = datetime.now(UTC)
        with conn.transaction():
            took = take_findings(conn, catalogue, now, AT_A_TIME)
        if took:
            _log.info("findings", **{word.lower(): took.count(word) for word in set(took)})
            look(conn, catalogue, policy, now)
        if len(took) < AT_A_TIME:
            for _ in conn.notifies(timeout=POLL_S, stop_after=1):
                pass


def keep_time(
    conn: Connection[Any],
    stop: threading.Event,
    pulse: Pulse,
    catalogue: Catalogue,
    policy: AskPolicy,
    meters: RelayMeters,
) -> None:
    forgetting = Forgetting(meters.forgotten)
    served_at = datetime.min.replace(tzinfo=UTC)
    while not stop.wait(POLL_S):
        pulse.beat(conn)
        now = datetime.now(UTC)
        if now - served_at >= SERVE_EVERY:
            served_at = now
            serve(conn, now)
        look(conn, catalogue, policy, now)
        while expire(conn, now):
            _log.info("question expired")
        forgetting.now_and_then(conn)


def serve(conn: Connection[Any], now: datetime) -> None:
    """Whoever was claimed and has been heard since is in service."""
    while True:
        with conn.transaction():
            served = activate_heard(conn, now, AT_A_TIME)
        if served < AT_A_TIME:
            return


def expire(conn: Connection[Any], now: datetime) -> int:
    """One a transaction: whoever holds several alerts may meet somebody who holds them the other way round."""
    with conn.transaction():
        return expire_due(conn, now, limit=1)


def look(conn: Connection[Any], catalogue: Catalogue, policy: AskPolicy, now: datetime) -> None:
    """Whatever is due goes through the gate, a few alerts a transaction."""
    while True:
        with conn.transaction():
            verdicts = look_due(conn, catalogue=catalogue, policy=policy, now=now, limit=AT_A_TIME)
        if len(verdicts) < AT_A_TIME:
            return


def deliver(
    conn: Connection[Any], stop: threading.Event, pulse: Pulse, settings: Settings, catalogue: Catalogue
) -> None:
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="post") as hands:
        post = Post(settings=settings, catalogue=catalogue, hands=hands)
        while not stop.is_set():
            pulse.beat(conn)
            moved = post.turn(conn, PATIENCE_S)
            if not moved and not post.on_the_way:
                stop.wait(POLL_S)
        post.finish(conn)
