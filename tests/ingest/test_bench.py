"""The bench's own promise: it measures the real road, and counts from the record."""

import json

import pytest
import typer
from typer.testing import CliRunner

from api.cli import bench

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


def test_rate_and_flat_out_exclude_each_other() -> None:
    app = typer.Typer()
    bench.register(app)
    answer = CliRunner().invoke(app, ["bench", "ingest", "--rate", "5", "--flat-out"])
    assert answer.exit_code == 1
    assert "exclude each other" in answer.stderr
