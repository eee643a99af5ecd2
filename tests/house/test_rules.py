"""Rules of the house that a machine can keep. A rule without a machine is only advice."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BELOW_THE_ROOF = ("ledger", "devices", "ingest", "detectors", "ticketing")
ROOMS = (*BELOW_THE_ROOF, "api", "simulators")
LONGEST_FILE = 300  # lines
SOON_S = 20  # on a machine that is busy

_CLOCK_OR_ENVIRONMENT = {
    "datetime.now", "datetime.utcnow", "datetime.today", "date.today",
    "time.time", "time.time_ns", "os.environ", "os.getenv",
}  # fmt: skip
_SQL = re.compile(
    r"\b(SELECT\b.+\bFROM\b|INSERT\s+INTO\b|UPDATE\s+\w+\s+SET\b|DELETE\s+FROM\b|(CREATE|ALTER|DROP)\s+(TABLE|VIEW|INDEX)\b)",
    re.DOTALL,
)
_STATEMENT = re.compile(r"^-- name: (\w+)\n(.*)$", re.MULTILINE)
_NAMES_THAT_SAY_NOTHING = {"utils", "util", "common", "helpers", "helper", "core", "misc", "base"}


def _python(*rooms: str) -> list[Path]:
    return sorted(path for room in rooms for path in (ROOT / room).rglob("*.py"))


def _named(path: Path) -> str:
    return str(path.relative_to(ROOT))


def _dotted(node: ast.AST) -> Iterator[tuple[str, int]]:
    """`datetime.now` of every attribute access, with its line."""
    for part in ast.walk(node):
        if isinstance(part, ast.Attribute):
            owner = part.value
            last = owner.id if isinstance(owner, ast.Name) else owner.attr if isinstance(owner, ast.Attribute) else "()"
            yield f"{last}.{part.attr}", part.lineno


def _texts(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """String literals, f-strings' parts joined, docstrings left out."""
    prose = {
        id(body[0].value)
        for node in ast.walk(tree)
        if (body := getattr(node, "body", None)) and isinstance(body, list) and isinstance(body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            parts = [str(part.value) if isinstance(part, ast.Constant) else "x" for part in node.values]
            yield "".join(parts), node.lineno
        elif isinstance(node, ast.Constant) and isinstance(node.value, str | bytes) and id(node) not in prose:
            yield node.value.decode(errors="replace") if isinstance(node.value, bytes) else node.value, node.lineno


def test_below_the_roof_nobody_reads_a_clock_or_the_environment() -> None:
    found = [
        f"{_named(path)}:{line} {name}"
        for path in _python(*BELOW_THE_ROOF)
        for name, line in _dotted(ast.parse(path.read_text()))
        if name in _CLOCK_OR_ENVIRONMENT
    ]
    assert found == []


def test_below_the_roof_nobody_ends_a_transaction() -> None:
    found = [
        f"{_named(path)}:{line} {name}"
        for path in _python(*BELOW_THE_ROOF)
        for name, line in _dotted(ast.parse(path.read_text()))
        if name.rpartition(".")[2] in {"commit", "rollback"}
    ]
    assert found == []


def test_sql_lives_in_sql_files_or_is_rendered_by_layout() -> None:
    found = [
        f"{_named(path)}:{line} {text[:60]!r}"
        for path in _python(*ROOMS)
        if not _named(path).startswith("ingest/layout")
        for text, line in _texts(ast.parse(path.read_text()))
        if _SQL.search(text)
    ]
    assert found == []


def _queries() -> list[Path]:
    return sorted(path for room in ROOMS for path in (ROOT / room).rglob("sql/*.sql") if "-- name:" in path.read_text())


@pytest.mark.parametrize("file", _queries(), ids=_named)
def test_every_statement_says_what_it_is_for_and_is_used(file: Path) -> None:
    used = " ".join(path.read_text() for path in _python(*ROOMS))
    statements = _STATEMENT.findall(file.read_text())
    assert statements
    assert [name for name, comment in statements if not comment.startswith("-- ")] == []
    assert [name for name, _ in statements if not re.search(rf"\.{name}\b", used)] == []


def _hurried(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """What a busy machine breaks: a wait that is given up soon, and a time that may not be longer than this."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _name(node.func) in {"wait_for", "wait_until"}:
            bounds = [*node.args[1:2], *(each.value for each in node.keywords if each.arg in {"seconds", "timeout_s"})]
        elif isinstance(node, ast.Compare) and "monotonic()" in ast.unparse(node.left):
            bounds = [right for sign, right in zip(node.ops, node.comparators, strict=True) if isinstance(sign, ast.Lt)]
        else:
            continue
        if any(isinstance(each, ast.Constant) and each.value < SOON_S for each in bounds):
            yield ast.unparse(node), node.lineno


def _name(called: ast.expr) -> str:
    return called.attr if isinstance(called, ast.Attribute) else called.id if isinstance(called, ast.Name) else ""


def test_no_test_is_in_a_hurry() -> None:
    """A bound that is a promise has a name."""
    found = [
        f"{_named(path)}:{line} {text}"
        for path in _python("tests")
        for text, line in _hurried(ast.parse(path.read_text()))
    ]
    assert found == []


def _left_alone(tree: ast.AST) -> int:
    """Threads and timers that are started, less those that somebody waits for."""
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    started = [call for call in calls if _name(call.func) in {"Thread", "Timer"}]
    waits = [call for call in calls if _name(call.func) == "join" and not _joins_text(call)]
    return len(started) - len(waits)


def _joins_text(call: ast.Call) -> bool:
    return any(not isinstance(each, ast.Constant) and not ast.unparse(each).isupper() for each in call.args)


def test_no_test_leaves_a_thread_alone() -> None:
    """What it uses goes away with its test, and what it then raises is told of another one."""
    found = {_named(path): _left_alone(ast.parse(path.read_text())) for path in _python("tests", "benchmarks")}
    assert {name: left for name, left in found.items() if left > 0} == {}


def test_a_file_is_one_idea() -> None:
    lengths = {_named(path): len(path.read_text().splitlines()) for path in _python(*ROOMS, "tests")}
    assert {name: length for name, length in lengths.items() if length > LONGEST_FILE} == {}


def test_no_module_has_a_name_that_says_nothing() -> None:
    assert [_named(path) for path in _python(*ROOMS) if path.stem in _NAMES_THAT_SAY_NOTHING] == []


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-dev.lock"])
def test_a_lock_pins_everything_by_hash_and_names_no_host(name: str) -> None:
    text = (ROOT / name).read_text()
    assert "://" not in text
    assert "-url" not in text
    pinned = re.findall(r"^([\w.-]+)==", text, re.MULTILINE)
    hashed = re.findall(r"^([\w.-]+)==.*\\\n\s+--hash=sha256:", text, re.MULTILINE)
    assert pinned == hashed


def test_the_repository_names_no_place_where_it_was_made() -> None:
    """Neither a mirror that only its maker has nor a path of the maker's machine."""
    told = re.compile(
        "|".join(("/" + "work/(main|plan|shared)", "python" + "hosted", "registry" + r"\.npm", "/" + "root/"))
    )
    kinds = {
        ".py",
        ".sql",
        ".toml",
        ".md",
        ".html",
        ".css",
        ".js",
        ".json",
        ".lock",
        ".txt",
        ".yml",
        ".sh",
        ".conf",
        "",
    }
    folders = (*ROOMS, "tests", "docs", "benchmarks", "deploy", ".ci")
    pages = ("README.md", "README.zh-CN.md", "CHANGELOG.md", "CONTRIBUTING.md")
    tops = (*folders, *pages, "Makefile", "Dockerfile", "docker-compose.yml")
    files = (path for top in tops for path in ((ROOT / top).rglob("*") if (ROOT / top).is_dir() else [ROOT / top]))
    found = [
        f"{_named(path)}: {hit}"
        for path in files
        if path.is_file() and path.suffix in kinds and "__pycache__" not in path.parts
        for hit in [match[0] for match in told.finditer(path.read_text(errors="replace"))]
    ]
    assert found == []
