"""The bench's own promise: it measures the real road, and counts from the record."""

import json

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from api.bench import mosquitto
from api.bench.latency import Share, Spread
from api.cli import bench
from tests.conftest import need

pytestmark = pytest.mark.engines


def test_a_short_bench_finds_every_acknowledged_reading_in_the_record_once() -> None:
    app = typer.Typer()
    bench.register(app)
    options = ["bench", "ingest", "--seconds", "1", "--devices", "20", "--rate", "300", "--json"]
    answer = CliRunner().invoke(app, options, catch_exceptions=False)
    result = json.loads(answer.stdout)
    assert result["published"] == result["acknowledged"] > 200
    assert (result["missing"], result["duplicates"], result["refused"]) == (0, 0, 0)
    assert result["points_s"] == pytest.approx(8 * result["committed_msg_s"], rel=0.01)
    assert result["ratio"] > 0.4
    assert len(result["bare_runs_msg_s"]) == 2
    for waited_ms in (result["publish_to_commit_ms"], result["breach_to_alert_ms"]):
        assert 0 < waited_ms["p50"] <= waited_ms["p99"] < 10_000
    assert result["cpu_ms_per_1k_points"].keys() == {"broker", "database", "worker", "relay", "load"}
    assert all(spent > 0 for spent in result["cpu_ms_per_1k_points"].values())
    assert all(mib > 20 for mib in result["worker_mib"])


def test_a_short_bench_of_the_bridge_finds_every_acknowledged_message_in_the_log() -> None:
    need(mosquitto.binary(), "Mosquitto is not there (Debian: apt-get install mosquitto)")
    app = typer.Typer()
    bench.register(app)
    options = ["bench", "bridge", "--seconds", "1", "--devices", "20", "--rate", "500", "--json"]
    answer = CliRunner().invoke(app, options, catch_exceptions=False)
    result = json.loads(answer.stdout)
    assert result["acknowledged"] > 300
    assert result["missing"] == 0
    assert result["ratio"] == pytest.approx(result["bridged_msg_s"] / result["bare_msg_s"], abs=0.001)
    assert result["ratio"] > 0.6
    assert all(result[f"{who}_cpu_us"] > 0 for who in ("bridge", "bare", "log", "broker"))


def test_rate_and_flat_out_exclude_each_other() -> None:
    app = typer.Typer()
    bench.register(app)
    answer = CliRunner().invoke(app, ["bench", "ingest", "--rate", "5", "--flat-out"])
    assert answer.exit_code == 1
    assert "exclude each other" in answer.stderr


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
