"""What twins cost: `python benchmarks/twins.py`. What a report costs the worker's decoding; how long it takes until
10,000 devices' desired states lie at the broker; a look of the relay at 10,000 devices that are away, each with a wish
and a command; and how many answers it takes a second."""

import time
from typing import Any

import psycopg
from pydantic import SecretStr

from api.bench.house import House, house
from api.relay.meters import RelayMeters
from api.relay.twins import Telling
from api.settings import Settings
from devices import catalogue
from devices.model import Address
from ingest.decode import decode
from ingest.model import Message
from ingest.topics import found, read

DEVICES = 10_000
REPORT = b'{"version": 3, "state": {"set_point_c": 4, "sampling_period_s": 30, "mode": "eco"}, "firmware": "1.4.2"}'
_DEVICES = """
INSERT INTO tenant VALUES ('bench', 'bench') ON CONFLICT DO NOTHING;
INSERT INTO device (tenant_id, device_id, class_id, model, serial, label_token, registered_at)
SELECT 'bench', 'd' || n, 'refrigerator', 'm', 's' || n, md5(n::text), now() FROM generate_series(1, {devices}) n;
INSERT INTO twin (device_no, tenant_id, desired, version, desired_at, say_at)
SELECT device_no, tenant_id, '{{"set_point_c": 4}}', 1, now(), now() FROM device;
"""
_AWAY = """
INSERT INTO presence (device_no, tenant_id, state, since, cause)
SELECT device_no, tenant_id, 'OFFLINE', now(), 'SILENCE' FROM device;
INSERT INTO command
    (command_id, device_no, tenant_id, name, arguments, state, queued_at, queued_by, expires_at, send_at)
SELECT gen_random_uuid(), device_no, tenant_id, 'ping', '{}', 'QUEUED', now(), 'bench', now() + interval '1 day', now()
FROM device;
"""
_ANSWERS = """
INSERT INTO device_answer (tenant_id, device_no, seq, received_at, about, body)
SELECT tenant_id, device_no, device_no, now(), 'reported', '{"version": 1, "state": {"set_point_c": 4}}' FROM device
WHERE device_no <= 2000;
"""


def report_us() -> float:
    classes = catalogue.load()
    source = found(read("log.0.demo.d1.up.reported"), Address(1, "refrigerator"), frozenset(classes))
    messages = [Message(n, 1_764_000_000_000 + n, "log.0.demo.d1.up.reported", REPORT) for n in range(4_000)]
    begin = time.process_time()
    decode(messages, [source] * len(messages), classes)
    return (time.process_time() - begin) / len(messages) * 1e6


def until_done(turn: Any, conn: psycopg.Connection[Any]) -> tuple[int, float]:
    begin, done = time.perf_counter(), 0
    while some := turn(conn):
        done += some
    return done, time.perf_counter() - begin


def run(made: House) -> None:
    settings = Settings(dsn=made.record.dsn, nats_url=SecretStr(made.nats.url), mqtt_port=made.nats.mqtt_port)
    telling = Telling(settings, catalogue.load(), RelayMeters())
    with (
        psycopg.connect(made.record.dsn, user="postgres", autocommit=True) as owner,
        psycopg.connect(made.record.dsn, user="foremend_relay", autocommit=True) as conn,
    ):
        owner.execute(_DEVICES.format(devices=DEVICES).encode())
        owner.execute(b"ANALYZE")
        done, spent_s = until_done(telling.say_desired, conn)
        print(f"{done:,} desired states at the broker in {spent_s:.1f} s: {done / spent_s:,.0f} a second")
        owner.execute(_AWAY.encode())
        owner.execute(b"ANALYZE")
        for name, turn in (("wishes", telling.say_desired), ("commands", telling.send_commands)):
            begin = time.perf_counter()
            assert turn(conn) == 0
            print(
                f"a look at {DEVICES:,} {name} of devices that are away: {(time.perf_counter() - begin) * 1000:.1f} ms"
            )
        owner.execute(_ANSWERS.encode())
        done, spent_s = until_done(telling.take, conn)
        print(f"{done:,} reports taken in {spent_s:.1f} s: {done / spent_s:,.0f} a second")
    telling.close()


def main() -> None:
    print(f"a report: {report_us():.1f} us of decoding")
    with house() as made:
        run(made)


if __name__ == "__main__":
    main()
