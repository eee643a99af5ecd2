"""The streams that decide what becomes of a message, at the log's servers and at each front: none may have a limit by
which it forgets what was acknowledged, or a setting by which nothing is acknowledged any more."""

from collections.abc import Iterator
from typing import Any

from api.engines.nats_streams import LISTENER_STREAM, LOG_STREAM, QOS_2_STREAM, UNLIMITED, spread
from api.watch.checks import SILENT_S, Check, failed, ok, warning
from ingest.adapter_log import Front, fronts_of, slots_of
from ingest.adapter_wire import Wire
from ingest.errors import LogError

_KEPT = ("subjects", "storage", "retention", *UNLIMITED, "discard")
_CLOSED = {"sealed": False, "deny_purge": False}  # NATS never opens them again
_REMEDY = "foremend migrate (at home a new start of foremend up) gives them back; docs/decisions/0002 says why."


def examine(wire: Wire, info: dict[str, Any]) -> Iterator[Check]:
    """`info`: what NATS says of the log. Raises LogError."""
    yield log(info["config"])
    yield from replicas(info.get("cluster", {}))
    yield _door(wire, [front for front in fronts_of(info) if front.silent_s is not None and front.silent_s < SILENT_S])


def log(config: dict[str, Any]) -> Check:
    wrong = _wrong(LOG_STREAM, config)
    if config.get("subject_transform") != spread(slots_of(config)):
        wrong.append("subjects are transformed otherwise")
    if wrong:
        return failed("log", f"The log loses or mislays what was acknowledged: {', '.join(wrong)}.", _REMEDY)
    return ok("log", "The log answers and has no limit of its own.")


def replicas(cluster: dict[str, Any]) -> Iterator[Check]:
    """Of a log that several servers keep."""
    others: list[dict[str, Any]] = cluster.get("replicas") or []
    behind = sorted(other["name"] for other in others if other.get("offline") or not other.get("current"))
    if behind:
        words = f"Of {len(others) + 1} servers that keep the log {', '.join(behind)} are away or behind."
        yield warning("log_replicas", words, "Start them; without more than half of them nobody is acknowledged.")
    elif others:
        yield ok("log_replicas", f"All {len(others) + 1} servers that keep the log have all of it.")


def _door(wire: Wire, fronts: list[Front]) -> Check:
    """What stands where devices are acknowledged: the listener's own streams, of fronts their logs as well."""
    wrong = [each for made in (LISTENER_STREAM, QOS_2_STREAM) for each in _wrong_at(wire, "$JS.API", made)]
    for front in fronts:
        found = [
            each for made in (LOG_STREAM, LISTENER_STREAM, QOS_2_STREAM) for each in _wrong_at(wire, front.api, made)
        ]
        wrong += [f"at {front.name} {each}" for each in found]
    if wrong:
        return failed("log_door", f"Where devices are acknowledged {', '.join(wrong)}.", _REMEDY)
    return ok("log_door", "Where devices are acknowledged nothing is kept without the log.")


def _wrong_at(wire: Wire, api: str, made: dict[str, Any]) -> list[str]:
    name = made["name"]
    try:
        config = wire.request(f"{api}.STREAM.INFO.{name}")["config"]
    except LogError as error:
        return [f"{name} cannot be looked at ({error})"]
    return [f"{each} of {name}" for each in _wrong(made, config)]


def _wrong(made: dict[str, Any], config: dict[str, Any]) -> list[str]:
    wanted = {name: made[name] for name in _KEPT if name in made} | _CLOSED
    said = {name: config.get(name, False) for name in wanted}  # NATS leaves out what is false
    return [f"{name} is {said[name]}" for name in wanted if said[name] != wanted[name]]
