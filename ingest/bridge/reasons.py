"""What a broker's codes mean: return codes of MQTT 3.1.1, reason codes of MQTT 5, in words and by what helps."""

from ingest.errors import BrokerError, BrokerRefusesError, OtherLevelError, SessionTakenError

MALFORMED = 0x81
_NO_SUCH_LEVEL = {1, 0x84}
_RETURNED = {
    1: "it does not speak MQTT 3.1.1",
    2: "it does not like the client id",
    3: "it is not available",
    4: "wrong username or password",
    5: "this user may not connect",
}
_REASONS = {
    0x00: "it says goodbye",
    0x04: "it says goodbye",
    0x80: "it does not say why",
    0x81: "it could not read what we said",
    0x82: "we broke the protocol",
    0x83: "for a reason of its own",
    0x84: "it does not speak MQTT 5",
    0x85: "it does not like the client id",
    0x86: "wrong username or password",
    0x87: "this user may not do this",
    0x88: "it is not available",
    0x89: "it is busy",
    0x8A: "this client is banned",
    0x8B: "it is shutting down",
    0x8C: "it wants another way of signing in",
    0x8D: "it has not heard from us for too long",
    0x8E: "another client with our client id has taken the session",
    0x8F: "it cannot read a topic filter",
    0x90: "it does not like a topic",
    0x91: "a packet id is in use",
    0x92: "it does not know a packet id",
    0x93: "more is under way than it takes",
    0x94: "it does not know a topic alias",
    0x95: "a packet is too large for it",
    0x96: "we send too fast",
    0x97: "a quota is used up",
    0x98: "somebody who administers it sent us away",
    0x99: "it does not like the payload's format",
    0x9A: "it keeps no retained messages",
    0x9B: "it does not have that QoS",
    0x9C: "for now we should use another server",
    0x9D: "it has moved for good",
    0x9E: "it has no shared subscriptions",
    0x9F: "we connect too often",
    0xA0: "no connection may last longer",
    0xA1: "it has no subscription ids",
    0xA2: "it has no subscriptions with wildcards",
}
_REFUSED_FOR_NOW = 3  # of the return codes
_WORTH_ANOTHER_ATTEMPT = {0x80, 0x83, 0x88, 0x89, 0x8B, 0x8D, 0x8E, 0x91, 0x93, 0x96, 0x97, 0x98, 0x9C, 0x9F, 0xA0}
_TAKEN = 0x8E


def words(code: int) -> str:
    """Of a reason code."""
    return _REASONS.get(code, f"reason code {code}")


def returned(code: int) -> BrokerError:
    """What a CONNACK of MQTT 3.1.1 refuses."""
    said = f"the broker refuses us: {_RETURNED.get(code, f'return code {code}')}"
    if code in _NO_SUCH_LEVEL:
        return OtherLevelError(said)
    return BrokerError(said) if code == _REFUSED_FOR_NOW else BrokerRefusesError(said)


def refused(code: int, more: str | None) -> BrokerError:
    """What a CONNACK of MQTT 5 refuses; `more`: what the broker says about it."""
    said = f"the broker refuses us: {words(code)}{_quoted(more)}"
    if code in _NO_SUCH_LEVEL:
        return OtherLevelError(said)
    return BrokerError(said) if code in _WORTH_ANOTHER_ATTEMPT else BrokerRefusesError(said)


def dismissed(code: int, more: str | None) -> BrokerError:
    """What a DISCONNECT of a broker means."""
    said = f"the broker sends us away: {words(code)}{_quoted(more)}"
    if code == _TAKEN:
        return SessionTakenError(said)
    return BrokerError(said) if code < 0x80 or code in _WORTH_ANOTHER_ATTEMPT else BrokerRefusesError(said)


def _quoted(more: str | None) -> str:
    return f" ({more!r})" if more else ""
