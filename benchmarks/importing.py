"""What a file of devices costs: `python benchmarks/importing.py [--devices N]`.

Through the HTTP interface of a record of its own: a dry run, the import, the same file again, a file in which every
device has another place, the export, and a page of the list for each of its filters. Memory is this process', which is
server and client at once; the file itself is held twice.
"""

import argparse
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from starlette.testclient import TestClient

sys.path.insert(0, str(Path(__file__).parents[1]))

from api import database, schema
from api.engines import account as accounts
from api.engines.postgres import Postgres
from api.http.app import staff_app
from api.http.house import House
from api.settings import Settings
from devices import catalogue

HEADER = (
    "device_id,class,model,serial,place,region,site,gateway,bought_on,latitude,longitude,datum,"
    "customer_name,customer_phone,customer_language,customer_time_zone"
)


def rows(devices: int, place: str) -> Iterator[str]:
    """One device in ten is a gateway for the nine after it, and two in a row belong to one customer."""
    yield HEADER
    for n in range(devices):
        gateway = "" if n % 10 == 0 else f"d{n - n % 10:06}"
        kind = ("refrigerator", "cold_room", "air_conditioner")[n % 3]
        yield (
            f"d{n:06},{kind},M-{n % 50},S{n:08},{n} {place},region-{n % 9},Site {n // 100},{gateway},"
            f"2026-0{n % 9 + 1}-15,31.{n % 9999:04},121.{n % 9999:04},GCJ-02,"
            f"Customer {n // 2},+49 30 {n // 2:08},zh,Asia/Shanghai"
        )


@contextmanager
def a_house() -> Iterator[TestClient]:
    with tempfile.TemporaryDirectory(prefix="foremend-bench-", dir="/tmp") as folder:
        accounts.prepare(Path(folder), accounts.choose())
        server = Postgres(Path(folder) / "record")
        server.start()
        try:
            with psycopg.connect(server.dsn, user="postgres", autocommit=True) as conn:
                schema.apply(conn, catalogue.load())
            settings = Settings(dsn=server.dsn, data=Path(folder))
            with database.pool(settings, "foremend_api", max_size=2) as pool:
                house = House(settings=settings, pool=pool, catalogue=catalogue.load())
                with TestClient(staff_app(house), base_url="http://127.0.0.1:8080") as client:
                    yield client
        finally:
            server.stop()


def told(what: str, work: Callable[[], Any]) -> Any:
    begun = time.monotonic()
    found = work()
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{what:>22}: {time.monotonic() - begun:7.2f} s, process at most {peak_mb:4.0f} MB", flush=True)
    return found


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--devices", type=int, default=100_000)
    devices = parser.parse_args().devices
    file, other = ("\n".join(rows(devices, place)).encode() for place in ("Canal Street", "Mill Lane"))
    print(f"{devices:,} devices, {len(file) / 1e6:.1f} MB")
    with a_house() as client:

        def post(body: bytes, *, dry_run: bool = False) -> dict[str, Any]:
            answer = client.post(
                "/api/imports", content=body, headers={"content-type": "text/csv"}, params={"dry_run": dry_run}
            ).json()
            counts = {name: answer[name] for name in ("created", "updated", "unchanged", "refused")}
            print(f"{'':>22}  {counts}")
            return counts

        told("dry run", lambda: post(file, dry_run=True))
        told("import", lambda: post(file))
        told("the same again", lambda: post(file))
        told("every place otherwise", lambda: post(other))
        told("export", lambda: len(client.get("/api/exports/devices.csv").content))
        for asked in ({}, {"class": "cold_room"}, {"site": "Site 7"}, {"state": "RETIRED"}, {"text": "s00099998"}):
            told(f"list {asked or ''}"[:22], lambda asked=asked: client.get("/api/devices", params=asked).json())


if __name__ == "__main__":
    main()
