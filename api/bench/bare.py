"""`python -m api.bench.bare CURSOR QUIET_S`: the worker's reader and nothing else; what the log itself can deliver."""

import json
import sys
import time

from api.settings import Settings
from ingest.adapter_log import LogReader


def main(cursor: int, quiet_s: float) -> None:
    """Says "ready", then one JSON line when messages came and then none for `quiet_s`."""
    reader = LogReader(Settings.from_environment().nats_url.get_secret_value(), cursor)
    _say("ready")
    count, begin, end, cpu_s = 0, 0.0, 0.0, time.process_time()
    while not count or time.monotonic() - end < quiet_s:
        messages = reader.fetch(0.1)
        if messages:
            end = time.monotonic()
            begin = begin or end
            count += len(messages)
    reader.close()
    _say(json.dumps({"messages": count, "seconds": end - begin, "cpu_s": time.process_time() - cpu_s}))


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]))
