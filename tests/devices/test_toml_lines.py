"""The line of a fault is the line on which a person finds it, however a file is written."""

import tomllib
from typing import Any

import pytest

from devices.toml_lines import Path, lines, nearest

AWKWARD = '''# [metrics] in a comment
title = """
[not.a.table]
key = "not a key"  \\""" still the title """   # and a comment
literal = \'\'\'
[[neither]] \'\'\'
path = 'C:\\temp\\'  # a literal string ends at its quote
"a quoted . key" = 1
"tab\\tkey" = 2
dotted.deep . deeper = "x # y"
many = [ # a list with a comment
  "one, [two]", \'three ] # \',
  [ 1, 2,
    3 ], # inner

  { en = "a } b", zh = "c" },
]
moment = 1979-05-27 07:32:00  # a date with a space
empty = ""
quotes = """"a "" b"""""

  [ spaced . table ]  # a header with room
  indented=true
[[rows]]
name = "first"
[rows.inner]
x = 1
[[rows]]
name = "second"
[[rows.deep]]
y = 1
[[rows.deep]]
y = 2
[rows."quoted.part"]
z = { p = [ 1, { q = 2 } ], r.s = 3 }
'''

WHERE: list[tuple[Path, str]] = [
    (("title",), 'title = """'),
    (("literal",), "literal = '''"),
    (("path",), "path = "),
    (("a quoted . key",), '"a quoted'),
    (("tab\tkey",), '"tab'),
    (("dotted", "deep", "deeper"), "dotted"),
    (("many", 0), '  "one'),
    (("many", 1), '  "one'),
    (("many", 2, 2), "    3 ]"),
    (("many", 3, "zh"), "  { en"),
    (("moment",), "moment"),
    (("quotes",), "quotes"),
    (("spaced", "table"), "  [ spaced"),
    (("spaced", "table", "indented"), "  indented"),
    (("rows",), "[[rows]]"),
    (("rows", 0, "name"), 'name = "first"'),
    (("rows", 0, "inner", "x"), "x = 1"),
    (("rows", 1, "name"), 'name = "second"'),
    (("rows", 1, "deep", 0, "y"), "y = 1"),
    (("rows", 1, "deep", 1, "y"), "y = 2"),
    (("rows", 1, "quoted.part", "z", "p", 1, "q"), "z = "),
    (("rows", 1, "quoted.part", "z", "r", "s"), "z = "),
]


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize(("path", "begins"), WHERE)
def test_each_key_is_found_where_it_stands(path: Path, begins: str, newline: str) -> None:
    found = lines(AWKWARD.replace("\n", newline))
    assert AWKWARD.splitlines()[found[path] - 1].startswith(begins)


def _paths(value: Any, path: Path = ()) -> set[Path]:
    """Of all that tomllib read."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return {path} | {deeper for key, each in inner for deeper in _paths(each, (*path, key))}


def test_nothing_that_tomllib_reads_has_no_line_and_nothing_else_has_one() -> None:
    assert set(lines(AWKWARD)) == _paths(tomllib.loads(AWKWARD)) - {()}


def test_what_is_missing_is_said_at_the_table_around_it() -> None:
    found = lines("a = 1\n[b]\nc = 2\n")
    assert nearest(found, ("b", "missing", 3)) == 2
    assert nearest(found, ("missing",)) == 1
