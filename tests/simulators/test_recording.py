"""A recorded file is read for what it says; what it does not say is counted."""

from pathlib import Path

import numpy as np
import pytest

from simulators.recording import Recording, RecordingError, read


def a_file(folder: Path, text: str, name: str = "fridge.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def read_text(folder: Path, text: str, columns: tuple[str, ...] = ("w",), **options: str) -> Recording:
    known = {"time": None, "tz": "UTC", "delimiter": "auto"}
    return read(a_file(folder, text), columns, **{**known, **options})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("time,w\n2024-03-01T00:00:00Z,1.5\n2024-03-01T00:01:00Z,2\n", [1.5, 2.0]),
        ("w;time\n1,5;2024-03-01 00:00\n2,25;2024-03-01 00:01\n", [1.5, 2.25]),
        ("Timestamp\tw\n1709251200\t1.5\n1709251260\t2\n", [1.5, 2.0]),
        ("ts|w\n1709251200000|1.5\n1709251260000|2\n", [1.5, 2.0]),
        ("\ufeffwhen,w\n2024-03-01 00:00:00+00:00,1.5\n2024-03-01 00:01:00+00:00,2\n", [1.5, 2.0]),
    ],
)
def test_delimiter_decimal_comma_and_time_are_found(tmp_path: Path, text: str, expected: list[float]) -> None:
    recording = read_text(tmp_path, text)
    assert recording.ts_ms.tolist() == [1_709_251_200_000, 1_709_251_260_000]
    assert recording.values[:, 0].tolist() == expected


def test_times_without_a_zone_are_of_the_named_zone(tmp_path: Path) -> None:
    recording = read_text(tmp_path, "time,w\n2024-07-01T02:00:00,1\n", tz="Europe/Berlin")
    assert recording.ts_ms.tolist() == [1_719_792_000_000]


def test_an_hour_that_the_clock_skips_or_repeats_is_counted_and_left_out(tmp_path: Path) -> None:
    text = "time,w\n2024-03-31T01:30,1\n2024-03-31T02:30,2\n2024-10-27T02:30,3\n2024-10-27T04:30,4\n"
    recording = read_text(tmp_path, text, tz="Europe/Berlin")
    assert recording.values[:, 0].tolist() == [1, 4]
    assert recording.bad_times == 2


def test_everything_that_cannot_be_used_is_counted(tmp_path: Path) -> None:
    lines = (
        "time,w,note",
        "2024-03-01T00:03:00Z,3,late",
        "2024-03-01T00:00:00Z,1,",
        "2024-03-01T00:00:00Z,9,repeats",
        "2024-03-01T00:01:00Z,off,",
        "not a time,5,",
        "2024-03-01T00:02:00Z,,",
        "2024-03-01T00:04:00Z,inf,",
        "2024-03-01T00:05:00Z,1,2,3,4",
        "2024-03-01T00:06:00Z,6,",
    )
    recording = read_text(tmp_path, "\n".join(lines) + "\n")
    assert recording.values[:, 0].tolist() == [1, 3, 6]
    assert np.all(np.diff(recording.ts_ms) > 0)
    counted = (recording.rows, recording.bad_rows, recording.bad_times, recording.bad_cells)
    assert counted == (9, 1, 1, 2)
    assert (recording.repeated, recording.empty) == (1, 3)


@pytest.mark.parametrize(
    ("text", "options", "words"),
    [
        ("time,w\n2024-03-01,1\n", {"columns": ("kw",)}, "no column 'kw'; it has: time, w."),
        ("time,w\n2024-03-01,1\n", {"time": "when"}, "no time column 'when'; the file has: time, w."),
        ("w,state\n1,on\n2,off\n", {"time": "state"}, "column 'state' cannot be read as times"),
        ("w,label\n1,0\n2,1\n", {"time": "label"}, "column 'label' cannot be read as times"),
        ("time,w\n2024-03-01,1\n", {"tz": "Mars/Olympus"}, "'Mars/Olympus' is no time zone"),
        ("", {}, "cannot be read as CSV"),
    ],
)
def test_a_file_that_does_not_fit_is_one_sentence(
    tmp_path: Path, text: str, options: dict[str, str], words: str
) -> None:
    with pytest.raises(RecordingError, match=words.replace(".", r"\.")):
        read_text(tmp_path, text, **options)


def test_a_file_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="No such file"):
        read(tmp_path / "nope.csv", ["w"], time=None, tz="UTC", delimiter="auto")
