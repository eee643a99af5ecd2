"""mq-bridge as `rival.py` runs it, in its own environment: from Mosquitto into PostgreSQL by configuration alone.

Its MQTT input hands no topic on, so the device stands in the payload; the readings are lifted out of it, and rows are
written 512 at once by one multi-row INSERT, which needs every value to be a plain placeholder. The queue is as long as
it may get, and what fails is tried again.
"""

import json
import os
import signal
import sys

import mq_bridge


def route(told: dict) -> dict:
    columns = ["ts", "device", *told["metrics"]]
    values = ", ".join(f"${{payload:{column}}}" for column in columns)
    lifted = {"ts": "$.ts", "device": "$.dev", **{metric: f"$.m.{metric}" for metric in told["metrics"]}}
    insert = f"INSERT INTO {told['table']} ({', '.join(columns)}) VALUES ({values}) ON CONFLICT DO NOTHING"  # noqa: S608  names of the catalogue
    return {
        "input": {
            "mqtt": {
                "url": f"tcp://127.0.0.1:{told['port']}",
                "topic": "fm/#",
                "client_id": "rival",
                "qos": 1,
                "clean_session": False,
                "session_expiry_interval": 3600,
                "max_inflight": 1000,
                "queue_capacity": 10_000,
            }
        },
        "output": {
            "middlewares": [
                {"transform": {"mapping": lifted}},
                {"retry": {"max_attempts": 1000, "initial_interval_ms": 100, "max_interval_ms": 1000}},
            ],
            "sqlx": {"url": told["url"], "table": told["table"], "insert_query": insert},
        },
        "batch_size": 512,
        "reconnect_interval_ms": 1000,
        "startup_timeout_ms": 60_000,
        "required_delivery": "at_least_once",
    }


def main() -> None:
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    mq_bridge.init_logging("warn")
    mq_bridge.Route.from_config(route(json.loads(sys.argv[1])), "rival").run()


if __name__ == "__main__":
    main()
