"""Half-open TCP: one end is there, the way is not, and nobody is told."""

import time
from urllib.parse import urlsplit

from psycopg.conninfo import conninfo_to_dict, make_conninfo

from benchmarks.faults.hands import Worker
from benchmarks.faults.trial import NOT_OURS_S, Door, Row, Trial, an_order, environment
from benchmarks.faults.way import Way, to_port, to_socket

_LOG_SILENCE_S = 9.0  # five heartbeats, and what is under way


def to_database(trial: Trial, *, dead_s: float, patience_s: float, rate: float, lease_s: float | None = None) -> Row:
    known = conninfo_to_dict(trial.ours.postgres.dsn)
    with Way(to_socket(f"{known['host']}/.s.PGSQL.{known['port']}")) as way:
        dsn = make_conninfo("", host="127.0.0.1", port=way.port, dbname=known["dbname"])
        told = {"dsn": dsn, "db_patience_s": str(patience_s)}
        return _with_a_dead_way(trial, way, told, dead_s, patience_s + NOT_OURS_S, rate, lease_s)


def to_log(trial: Trial, *, dead_s: float, rate: float) -> Row:
    at = urlsplit(trial.ours.nats.url)
    with Way(to_port(trial.ours.nats.port)) as way:
        url = at._replace(netloc=f"{at.username}:{at.password}@127.0.0.1:{way.port}").geturl()
        return _with_a_dead_way(trial, way, {"nats_url": url}, dead_s, _LOG_SILENCE_S + NOT_OURS_S, rate)


def _with_a_dead_way(
    trial: Trial,
    way: Way,
    told: dict[str, str],
    dead_s: float,
    notices_s: float,
    rate: float,
    lease_s: float | None = None,
) -> Row:
    ours, here = trial.ours, Door()
    trial.begin()
    running = Worker(environment(ours, metrics_port=str(here.port), **told), lease_s=lease_s)
    with trial.working(running):
        load = trial.load(an_order(dead_s + 2.0, rate))
        way.go_dead()
        trial.say(f"way dead for {dead_s:g} s")
        noticed_s = _noticed(trial, way, here, dead_s, notices_s)
        trial.catch_up()
        did = f"dead for {dead_s:g} s at {rate:,.0f} messages/s, noticed after {noticed_s:.1f} s"
        return trial.settle(did, ours.sent(load))


def _noticed(trial: Trial, way: Way, here: Door, dead_s: float, notices_s: float) -> float:
    """After how long. Returns when that is so and new connections can get through again, whichever is later."""
    begun, noticed_s = time.monotonic(), 0.0
    while (passed_s := time.monotonic() - begun) < dead_s or not noticed_s:
        if passed_s >= dead_s:
            way.revive()
        if not noticed_s and here.waits():
            noticed_s = passed_s
        if passed_s > max(dead_s, notices_s):
            break
        time.sleep(0.02)
    way.revive()
    trial.promise(0 < noticed_s <= notices_s, f"the worker notices that the way is dead within {notices_s:g} s")
    return noticed_s


def from_devices(trial: Trial, *, dead_s: float, rate: float, keep_alive_s: int) -> Row:
    """Devices vanish without a word; the broker drops them by their keep-alive, and they come back and send again what
    was not acknowledged."""
    ours = trial.ours
    trial.begin()
    running = Worker(environment(ours))
    with trial.working(running), Way(to_port(ours.nats.mqtt_port)) as way:
        keep_alive = ("--keep-alive", str(keep_alive_s), "--publishers", "1")  # who waits to connect again waits alone
        load = trial.load(an_order(dead_s + 2.5 * keep_alive_s + 2.0, rate, port=way.port, more=keep_alive))
        way.go_dead()
        trial.say(f"devices gone for {dead_s:g} s")
        trial.wait(way.dropped, 3 * keep_alive_s + NOT_OURS_S, "the broker drops whoever is silent")
        time.sleep(dead_s)
        way.revive()
        sent = ours.sent(load)
        trial.catch_up()
        return trial.settle(f"gone for {dead_s:g} s at {rate:,.0f} messages/s", sent)
