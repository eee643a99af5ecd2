"""The bench's own promise: it measures the real road, and counts from the record."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
import psycopg
import pytest
import typer
from typer.testing import CliRunner

from api.bench import copying, mosquitto, search
from api.bench.curve import svg
from api.bench.latency import KEEP_COMMIT_TIMES, Share, Spread
from api.cli import bench
from api.engines.postgres import Postgres
from tests.conftest import Database, need

pytestmark = pytest.mark.engines


def measured(*options: str) -> dict[str, Any]:
    app = typer.Typer()
    bench.register(app)
    answer = CliRunner().invoke(app, ["bench", *options, "--json"], catch_exceptions=False)
    said: dict[str, Any] = json.loads(answer.stdout)
    return said


def kept_up(result: dict[str, Any], asked: int, seconds: float) -> bool:
    """How fast the machine is decides nothing but this."""
    return search.keeps_up(
        published_share=result["published"] / asked,
        missing=result["missing"],
        p99_s=result["publish_to_commit_ms"]["p99"] / 1000,
        backlog_s=result["backlog_s"],
        seconds=seconds,
    )


@pytest.mark.slow
def test_a_short_bench_finds_every_acknowledged_reading_in_the_record_once() -> None:
    result = measured("ingest", "--seconds", "3", "--devices", "20", "--rate", "100", "--runs", "1")
    assert result["published"] == result["acknowledged"] > 200
    assert (result["missing"], result["duplicates"], result["refused"]) == (0, 0, 0)
    assert result["points_s"] == pytest.approx(8 * result["committed_msg_s"], rel=0.01)
    assert result["ratio"] == pytest.approx(result["committed_msg_s"] / result["bare_msg_s"], abs=0.001)
    assert len(result["bare_runs_msg_s"]) == len(result["committed_runs_msg_s"]) == 1
    assert result["kept_up"] == kept_up(result, asked=300, seconds=3.0)
    assert result["copy_points_s"] > result["points_s"]
    for waited_ms in (result["publish_to_commit_ms"], result["breach_to_alert_ms"]):
        assert 0 < waited_ms["p50"] <= waited_ms["p99"]
    assert result["cpu_ms_per_1k_points"].keys() == {"broker", "database", "worker", "relay", "load"}
    assert all(spent > 0 for spent in result["cpu_ms_per_1k_points"].values())
    assert all(mib > 20 for mib in result["worker_mib"])


@pytest.mark.slow
def test_a_short_bench_of_the_bridge_finds_every_acknowledged_message_in_the_log() -> None:
    need(mosquitto.binary(), "Mosquitto is not there (Debian: apt-get install mosquitto)")
    result = measured("bridge", "--seconds", "3", "--devices", "20", "--rate", "200")
    assert result["acknowledged"] > 300
    assert result["missing"] == 0
    assert result["ratio"] == pytest.approx(result["bridged_msg_s"] / result["bare_msg_s"], abs=0.001)
    assert all(result[f"{who}_cpu_us"] > 0 for who in ("bridge", "bare", "log", "broker"))


@pytest.mark.slow
def test_a_bench_on_the_users_own_server_and_over_a_bridge_leaves_nothing_behind(
    engines_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    need(mosquitto.binary(), "Mosquitto is not there (Debian: apt-get install mosquitto)")
    monkeypatch.setattr(copying, "_BATCHES", 2)
    theirs = Postgres(engines_folder / "theirs", sync=False, settings=KEEP_COMMIT_TIMES)
    theirs.start()
    try:
        dsn = f"{theirs.dsn} user=postgres"
        asked = ["--dsn", dsn, "--source", "bridge", "--readings", "100", "--rate", "20", "--devices", "10"]
        result = measured("ingest", "--seconds", "3", "--runs", "1", *asked)
        with psycopg.connect(dsn) as conn:
            names = [name for (name,) in conn.execute("SELECT datname FROM pg_database WHERE NOT datistemplate")]
            roles = [name for (name,) in conn.execute("SELECT rolname FROM pg_roles WHERE rolname LIKE 'foremend%'")]
    finally:
        theirs.stop()
    assert (names, roles) == (["postgres"], [])
    assert result["acknowledged"] > 30
    assert (result["missing"], result["duplicates"], result["refused"]) == (0, 0, 0)
    assert result["points_s"] == pytest.approx(800 * result["committed_msg_s"], rel=0.01)
    assert {"bridge", "log", "broker", "database"} <= result["cpu_ms_per_1k_points"].keys()


@pytest.mark.slow
def test_a_fleet_is_counted_after_every_device_has_spoken(tmp_path: Path) -> None:
    picture = tmp_path / "curve.svg"
    result = measured("fleet", "--sizes", "20", "--seconds", "1", "--rate", "200", "--picture", str(picture))
    assert (result["devices"], result["missing"]) == (20, 0)
    assert result["msg_s"] > 0
    assert result["cost_us"] >= result["worker_us"] > 0
    assert ET.parse(picture).getroot().tag.endswith("svg")


def test_a_curve_ends_with_its_last_value_and_grows_upwards() -> None:
    drawn = ET.fromstring(svg("cost", [1000, 10_000, 100_000], {"worker": [7.0, 8.0, 12.5]}))
    (line,) = drawn.iterfind("{*}polyline")
    heights = [float(point.split(",")[1]) for point in line.attrib["points"].split()]
    assert heights == sorted(heights, reverse=True)
    assert "worker 12.5" in {text.text for text in drawn.iterfind("{*}text")}


def test_a_server_without_commit_times_is_told_what_to_do(new_database: Callable[[], Database]) -> None:
    app = typer.Typer()
    bench.register(app)
    answer = CliRunner().invoke(app, ["bench", "ingest", "--dsn", f"{new_database().dsn} user=postgres"])
    assert answer.exit_code == 1
    assert "ALTER SYSTEM SET track_commit_timestamp = on" in " ".join(answer.stderr.split())


@pytest.mark.parametrize("most", [24_000.0, 61_000.0, 75_000.0, 130_000.0])
def test_the_highest_paced_rate_that_keeps_up_is_found_within_a_few_percent(most: float) -> None:
    asked: list[float | None] = []

    def probe(rate: float | None) -> search.Trial:
        asked.append(rate)
        return search.Trial(msg_s=62_000.0, kept_up=rate is not None and rate <= most)

    found = search.highest(probe)
    assert most * 0.95 <= found <= most
    assert len(asked) <= search.PROBES + 1


def test_what_keeps_up_with_nothing_has_no_highest_rate() -> None:
    assert search.highest(lambda _: search.Trial(msg_s=62_000.0, kept_up=False), start=1_000.0) == 0


def test_whoever_is_behind_at_the_end_does_not_keep_up() -> None:
    well = {"published_share": 1.0, "missing": 0, "p99_s": 0.1, "backlog_s": 0.1, "seconds": 5.0}
    assert search.keeps_up(**well)
    for wrong in ({"published_share": 0.9}, {"missing": 1}, {"p99_s": 2.0}, {"backlog_s": 0.3}):
        assert not search.keeps_up(**{**well, **wrong})


def test_rate_and_flat_out_exclude_each_other() -> None:
    app = typer.Typer()
    bench.register(app)
    answer = CliRunner().invoke(app, ["bench", "ingest", "--rate", "5", "--flat-out"])
    assert answer.exit_code == 1
    assert "exclude each other" in answer.stderr


def test_where_to_begin_is_said_only_of_a_search() -> None:
    app = typer.Typer()
    bench.register(app)
    answer = CliRunner().invoke(app, ["bench", "ingest", "--rate", "5", "--near", "5"])
    assert answer.exit_code == 1
    assert "--near is for --rate max" in answer.stderr


def test_a_message_went_out_when_its_publisher_said() -> None:
    """Three devices from the fourth on; numbers 0 to 4 at one moment, from 5 on at another."""
    share = Share(
        first_device=4,
        devices=3,
        first_ts_ms=1000,
        step_ms=10,
        first=np.array([0, 5]),
        at_s=np.array([100.0, 200.0]),
    )
    at_s = share.published_s(np.array([4, 6, 5, 6]), np.array([1000, 1000, 1010, 1010]))
    assert at_s.tolist() == [100.0, 100.0, 100.0, 200.0]


def test_a_spread_is_in_milliseconds_and_nothing_has_none() -> None:
    assert Spread.of(np.arange(101) / 1000) == Spread(p50=50.0, p99=99.0)
    assert Spread.of(np.zeros(0)) is None
