"""`python -m api.bench.subscriber HOST PORT CLIENT_ID QUIET_S`: subscribes with QoS 1, acknowledges at once and does
nothing else; what another broker itself can deliver."""

import json
import os
import select
import sys
import time

from api.bench.house import TENANT
from ingest.bridge.adapter_mqtt import Account, Broker, Subscription

_AT_ONCE = 512
_NAP_S = 0.002  # as the bridge's: packets by the hundred


def main(host: str, port: int, client_id: str, quiet_s: float) -> None:
    """Comes as FOREMEND_BRIDGE_USERNAME, as a bridge does. Says "ready", then one JSON line when messages came and then
    none for `quiet_s`."""
    username, password = (os.environ.get(f"FOREMEND_BRIDGE_{name}") for name in ("USERNAME", "PASSWORD"))
    account = Account(client_id=client_id, username=username, password=password)
    broker = Broker(host=host, port=port, filters=(f"fm/{TENANT}/#",), account=account)
    subscription = Subscription(broker)
    waiting = select.poll()
    waiting.register(subscription.socket, select.POLLIN)
    count, begin, end, cpu_s = 0, 0.0, 0.0, time.process_time()
    while not count or time.monotonic() - end < quiet_s:
        if waiting.poll(100):
            subscription.receive()
        granted = subscription.granted
        while taken := subscription.take(_AT_ONCE):
            subscription.acknowledge([message.packet_id for message in taken])
            end = time.monotonic()
            begin = begin or end
            count += len(taken)
        if subscription.granted and not granted:
            _say("ready")
        time.sleep(_NAP_S)
    subscription.close()
    _say(json.dumps({"messages": count, "seconds": end - begin, "cpu_s": time.process_time() - cpu_s}))


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3], float(sys.argv[4]))
