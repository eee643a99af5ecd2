"""Fronts: servers that devices speak to, each with a log of its own, from which the house's log draws.

Each is a JetStream domain that bears its name, reached from the cores over its leaf connection
(https://docs.nats.io/running-a-nats-service/configuration/leafnodes/jetstream_leafnodes).
"""

from collections.abc import Sequence
from typing import Any

from api.engines.nats_request import NatsRequestError, request
from api.engines.nats_streams import STREAM, ensure_stream
from ingest.adapter_log import fronts_of, slots_of


def ensure_logs(
    url: str,
    fronts: Sequence[str],
    *,
    slots: int | None,
    replicas: int | None,
    first_seq: int = 1,
    issuer: str | None = None,
) -> None:
    """The house's log, which begins with `first_seq` if it is made, and those of the fronts, all with the same slots.
    Raises NatsRequestError, EngineStartError."""
    sources = [{"name": STREAM, "external": {"api": _api(front), "deliver": ""}} for front in fronts]
    drawn = sources if fronts else None
    ensure_stream(url, slots=slots, replicas=replicas, sources=drawn, first_seq=first_seq, issuer=issuer)
    there = slots_of(_info(url)["config"])
    for front in fronts:
        ensure_stream(url, slots=there, api=_api(front), issuer=issuer)


def heads(url: str, fronts: Sequence[str]) -> dict[str, int]:
    """The newest sequence of each front's log. Raises NatsRequestError."""
    return {front: int(_info(url, _api(front))["state"]["last_seq"]) for front in fronts}


def has_drawn(url: str, heads: dict[str, int]) -> bool:
    """Whether the house's log has all that the fronts' logs had at these heads. Raises NatsRequestError."""
    drawn = {front.name: front.drawn_seq for front in fronts_of(_info(url))}
    return all(drawn.get(front, 0) >= head for front, head in heads.items())


def _api(front: str) -> str:
    return f"$JS.{front}.API"


def _info(url: str, api: str = "$JS.API") -> dict[str, Any]:
    answer = request(url, f"{api}.STREAM.INFO.{STREAM}")
    if "error" in answer:
        raise NatsRequestError(answer["error"]["description"])
    return answer
