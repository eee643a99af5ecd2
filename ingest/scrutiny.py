"""The careful reading of one payload: slow, and it knows why. What has no fast path, or looks odd to it, ends here."""

from collections import Counter
from collections.abc import Mapping

from ingest import limits
from ingest.model import Reason
from ingest.payloads.formats import PLAIN
from ingest.payloads.model import Context, Flaw, Format, UnreadableError, Verdict
from ingest.payloads.values import printable


def scrutinise(payload: bytes, received_ms: int, declared: Mapping[str, str], form: Format = PLAIN) -> Verdict:
    """Every reading and every metric of a payload on its own. `declared`: unit of each metric of the class."""
    try:
        _check_size(payload)
        context = Context(payload=payload, received_ms=received_ms, declared=declared, say=form.encoding.say)
        return _bounded(form.read(form.encoding.parse(payload), context), payload)
    except UnreadableError as error:
        kept = payload[: limits.PAYLOAD_BYTES]
        return Verdict(flaws=[Flaw(reason=error.reason, detail=printable(error.detail), payload=kept)])


def _bounded(verdict: Verdict, payload: bytes) -> Verdict:
    """With too many flaws the payload is stored once instead of each of them; what was right in it is kept."""
    if len(verdict.flaws) <= limits.FLAWS:
        return verdict
    ((reason, _),) = Counter(flaw.reason for flaw in verdict.flaws).most_common(1)
    detail = f"{len(verdict.flaws)} refusals, most often {reason}; what was right is kept"
    return Verdict(
        readings=verdict.readings, flaws=[Flaw(reason=Reason.TOO_MANY_FLAWS, detail=detail, payload=payload)]
    )


def _check_size(payload: bytes) -> None:
    if len(payload) > limits.PAYLOAD_BYTES:
        detail = f"{len(payload)} bytes; {limits.PAYLOAD_BYTES} are allowed, and as many are kept here"
        raise UnreadableError(Reason.TOO_LARGE, detail)
    if not payload:
        raise UnreadableError(Reason.EMPTY, "no bytes")
