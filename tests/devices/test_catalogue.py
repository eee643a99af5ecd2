"""A row of the catalogue that cannot be used is refused at start, with file, place and reason."""

from importlib import resources
from pathlib import Path

import pytest

from devices import catalogue
from devices.errors import CatalogueError
from devices.model import Limits

GOOD = (resources.files("devices") / "classes" / "refrigerator.toml").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("good", "bad", "says"),
    [
        ('{ en = "Power", zh = "功率" }', '{ en = "Power" }', "power_w.*needs a title in en and zh"),
        ('{ en = "compressor", zh = "压缩机" }', '"compressor"', "compressor.*each of its parts needs a name"),
        ("hold_s = 21600", "hold_s = 0", "on_time:power_w.*needs a hold above zero"),
        ('family = "compressor"', 'family = "motor"', "no fault family 'motor'"),
        ('name = "power_w"', 'name = "ts"', "ts.*is a column of every class table"),
        ("low = 0.0\nhigh = 3000.0", "low = 3000.0\nhigh = 0.0", "power_w.*low is not below high"),
        ('severity = "major"', 'severity = "major"\ncolour = "red"', r"families\[0\].*colour"),
        ("cadence_s = 60", "cadence_s =", "not TOML"),
        ("cadence_s = 60", "cadence_s = 0", "cadence_s.*1 or more, here 0"),
        ("cadence_s = 60", "cadence_s = 60\nlimits = 5", "limits.*is no table, here 5"),
        ("[[on_times]]", "[limits]\nmessages = 5\n[[on_times]]", "limits.*messages"),
        ("[[on_times]]", "[limits]\nmessages_per_s = 0.01\n[[on_times]]", "limits.messages_per_s.*0.0166667 and"),
        ("[[on_times]]", "[limits]\npoints_per_s = true\n[[on_times]]", "limits.points_per_s.*here True"),
        ("[[on_times]]", "[limits]\nbytes_per_s = nan\n[[on_times]]", "limits.bytes_per_s.*here nan"),
        ("[[on_times]]", "[limits]\nburst_s = inf\n[[on_times]]", "limits.burst_s.*here inf"),
        ("[[on_times]]", "[limits]\nbackfill_times = 0.5\n[[on_times]]", "limits.backfill_times.*between 1 and"),
        ("cadence_s = 60", "cadence_s = 60\nretention_days = 7", "retention_days.*8 or more, here 7"),
        ("cadence_s = 60", 'cadence_s = 60\nretention_days = "400"', "retention_days.*8 or more, here '400'"),
    ],
)
def test_a_bad_row_is_refused_where_it_is_wrong(tmp_path: Path, good: str, bad: str, says: str) -> None:
    file = tmp_path / "refrigerator.toml"
    assert good in GOOD
    file.write_text(GOOD.replace(good, bad, 1), encoding="utf-8")
    with pytest.raises(CatalogueError, match=f"(?s)refrigerator.toml.*{says}"):
        catalogue.load([file])


def test_limits_are_a_table_of_which_every_line_may_be_left_out(tmp_path: Path) -> None:
    file = tmp_path / "refrigerator.toml"
    file.write_text(GOOD + "\n[limits]\nmessages_per_s = 0.5\nbackfill_times = 3\n", encoding="utf-8")
    limits = catalogue.load([file])["refrigerator"].limits
    assert limits == Limits(messages_per_s=0.5, backfill_times=3)
