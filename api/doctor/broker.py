"""What a bridge would meet at another broker, looked at as a guest: the bridge's own session is not touched, a shared
subscription is asked for in a group of ours, so that nobody misses a message, and nothing is left behind."""

import ipaddress
import time
from contextlib import closing
from dataclasses import replace

from api.watch.checks import Check, failed, ok, warning
from ingest.adapter_publish import LogPublisher
from ingest.bridge.adapter_bridge import MOST_MESSAGES
from ingest.bridge.adapter_mqtt import Broker, Subscription
from ingest.bridge.packets import FOR_EVER_S
from ingest.bridge.versions import Protocol
from ingest.errors import BrokerError, LogError

_LISTEN_S = 2.0
_LONG_S = 86_400
_FEW = 500  # messages ahead: at 50 ms there and back 10,000 a second
_VERSION, _DROPPED = "$SYS/broker/version", "$SYS/broker/publish/messages/dropped"  # as Mosquitto has them
_HOW_TO = "docs/how-to/join-another-broker.md says what to set there."


def examine(broker: Broker, nats_url: str) -> list[Check]:
    guest = replace(broker.account, client_id=f"{broker.account.client_id}-check")
    asked = replace(broker, account=guest, filters=(*map(_apart, broker.filters),))
    try:
        found = [*_met(asked), queue(asked)]
    except BrokerError as error:
        remedy = "Look at --broker, at who we are there, and at its log."
        found = [failed("bridge_broker", f"At {asked.host}:{asked.port}: {error}.", remedy)]
    return [_log(nats_url), _privacy(broker), *found]


def _log(nats_url: str) -> Check:
    try:
        LogPublisher(nats_url).close()
    except LogError as error:
        return failed("bridge_log", f"The log cannot be published to: {error}.", "Start it, or set FOREMEND_NATS_URL.")
    return ok("bridge_log", "The log is there.")


def _privacy(broker: Broker) -> Check:
    if broker.tls is not None:
        return ok("bridge_tls", "The way there is encrypted, and the broker must show its certificate.")
    try:
        private = ipaddress.ip_address(broker.host).is_loopback
    except ValueError:
        private = broker.host == "localhost"
    if private:
        return ok("bridge_tls", "The broker is on this machine.")
    words = f"Whoever is on the way to {broker.host} reads our password and what devices say."
    return warning("bridge_tls", words, "mqtts:// in --broker, if it has a door with TLS.")


def _met(asked: Broker) -> list[Check]:
    """Raises BrokerError."""
    with closing(Subscription(asked, receive_maximum=MOST_MESSAGES)) as subscription:
        until = time.monotonic() + _LISTEN_S
        subscription.take(MOST_MESSAGES)
        while not subscription.granted and time.monotonic() < until:
            subscription.wait(0.1)
            subscription.take(MOST_MESSAGES)
        return [
            _version(subscription.protocol),
            _session(subscription.protocol, subscription.welcome.session_expiry_s),
            _window(subscription.protocol, subscription.welcome.receive_maximum),
            _granted(asked, granted=subscription.granted),
        ]


def _version(spoken: Protocol) -> Check:
    return ok("bridge_broker", f"The broker lets us in and speaks MQTT {spoken.value}.")


def _session(spoken: Protocol, kept_s: int) -> Check:
    if spoken is Protocol.V3:
        words = "The broker keeps our session as long as its operator says; MQTT 3.1.1 cannot tell."
        return ok("bridge_session", words)
    if kept_s == FOR_EVER_S:
        return ok("bridge_session", "The broker keeps our session, and what comes meanwhile, however long we are away.")
    words = f"Away for more than {kept_s / 3600:g} hours, we lose our session and what waits in it."
    return ok("bridge_session", words) if kept_s >= _LONG_S else warning("bridge_session", words, _HOW_TO)


def _window(spoken: Protocol, its_own: int) -> Check:
    """`its_own`: what it takes ahead itself; some give no more than that either."""
    if spoken is Protocol.V5:
        words = f"The broker has been told that it may send {MOST_MESSAGES} messages ahead"
        if its_own >= _FEW:
            return ok("bridge_window", f"{words}.")
        remedy = "EMQX gives the smaller one: max_inflight 2000. Mosquitto gives ours."
        return warning("bridge_window", f"{words}, but speaks of {its_own} itself.", remedy)
    words = "How many messages it sends ahead is the broker's setting, which MQTT 3.1.1 does not show."
    return warning("bridge_window", words, "Mosquitto: max_inflight_messages 2000; its default of 20 is slow.")


def _granted(asked: Broker, *, granted: bool) -> Check:
    filters = ", ".join(asked.filters)
    if granted:
        return ok("bridge_topics", f"It grants QoS 1 for {filters}.")
    return failed("bridge_topics", f"It does not answer when asked for {filters}.", "Look at the broker's log.")


def queue(there: Broker) -> Check:
    """By the figures that the broker shows of itself, if it does. This clean session ends the one before, too."""
    asked = replace(there, filters=(_VERSION, _DROPPED))
    said: dict[str, str] = {}
    try:
        with closing(Subscription(asked, clean=True)) as subscription:
            until = time.monotonic() + _LISTEN_S
            while _DROPPED not in said and time.monotonic() < until:
                subscription.wait(0.1)
                found = subscription.take(MOST_MESSAGES)
                said |= {each.topic.decode(errors="replace"): each.payload.decode(errors="replace") for each in found}
            subscription.leave()
    except BrokerError:  # it may refuse these topics
        said = {}
    if not said.get(_DROPPED, "").isdecimal():
        words = "The broker does not say whether its queues have overflowed."
        return ok("bridge_queue", words)
    dropped, name = int(said[_DROPPED]), said.get(_VERSION, "the broker")
    if dropped:
        words = f"{name} has dropped {dropped} messages since it began: a queue was full, ours or another's."
        return warning("bridge_queue", words, f"max_queued_messages 0 and max_queued_bytes 0 for Mosquitto; {_HOW_TO}")
    return ok("bridge_queue", f"{name} has dropped nothing since it began.")


def _apart(asked: str) -> str:
    """Not in the bridges' group, whose messages are dealt out."""
    if not asked.startswith("$share/"):
        return asked
    _, group, rest = asked.split("/", 2)
    return f"$share/{group}-check/{rest}"
