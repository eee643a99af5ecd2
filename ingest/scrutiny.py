"""The careful reading of one payload: slow, and it knows why. What has no fast path, or looks odd to it, ends here."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ingest import limits
from ingest.model import Reason
from ingest.payloads.formats import PLAIN
from ingest.payloads.model import Context, Flaw, Format, UnreadableError, Verdict
from ingest.payloads.values import printable


@dataclass(slots=True)
class _Again:
    """Says refused things again, until that costs more than it is worth: a long name or unit that stands once in a
    payload may belong to each of its refusals."""

    say: Callable[[Any], bytes]
    left_bytes: int = limits.AGAIN_BYTES
    left: int = limits.FLAWS

    def __call__(self, document: Any) -> bytes:
        if self.is_too_much:
            return b""
        said = self.say(document)
        self.left_bytes -= len(said)
        self.left -= 1
        return said

    @property
    def is_too_much(self) -> bool:
        return self.left_bytes < 0 or self.left < 0


def scrutinise(payload: bytes, received_ms: int, declared: Mapping[str, str], form: Format = PLAIN) -> Verdict:
    """Every reading and every metric of a payload on its own. `declared`: unit of each metric of the class."""
    try:
        _check_size(payload)
        again = _Again(form.encoding.say)
        context = Context(payload=payload, received_ms=received_ms, declared=declared, say=again)
        verdict = form.read(form.encoding.parse(payload), context)
        return _as_one(verdict, payload) if again.is_too_much or len(verdict.flaws) > limits.FLAWS else verdict
    except UnreadableError as error:
        kept = payload[: limits.PAYLOAD_BYTES]
        return Verdict(flaws=[Flaw(reason=error.reason, detail=printable(error.detail), payload=kept)])


def _as_one(verdict: Verdict, payload: bytes) -> Verdict:
    """With too many flaws the payload is stored once instead of each of them; what was right in it is kept."""
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
