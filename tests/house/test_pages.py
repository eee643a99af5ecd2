"""What the pages point at is there: a reader who follows one finds the code, the test, the other page."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "benchmarks").rglob("*.md")])
HOUSE = ROOT / "docs" / "architecture.md"
DECISIONS = sorted((ROOT / "docs" / "decisions").glob("0*.md"))

_LINK = re.compile(r"\]\(([^)\s]+)\)")
_PICTURE = re.compile(r'src="([^"]+)"')
_MENTION = re.compile(r"\bdocs/[\w/-]+\.md\b")
_IN_CODE = re.compile(r"`([^`]+)`")
_PATH = re.compile(r"^[\w.*/-]+$")
_HEADING = re.compile(r"^#+ +(.*)$", re.MULTILINE)


def _named(path: Path) -> str:
    return str(path.relative_to(ROOT))


def _anchor(heading: str) -> str:
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


def _leads_nowhere(page: Path, target: str) -> bool:
    name, _, anchor = target.partition("#")
    there = page.parent / name if name else page
    if not there.exists():
        return True
    return bool(anchor) and anchor not in {_anchor(heading) for heading in _HEADING.findall(there.read_text())}


@pytest.mark.parametrize("page", PAGES, ids=_named)
def test_every_link_leads_somewhere(page: Path) -> None:
    text = page.read_text()
    inside = [link for link in _LINK.findall(text) if "://" not in link] + _PICTURE.findall(text)
    assert [link for link in inside if _leads_nowhere(page, link)] == []
    assert [name for name in _MENTION.findall(text) if not (ROOT / name).exists()] == []


def _paths(text: str) -> Iterator[str]:
    """Paths that stand as code; one without a folder lies in the folder of the one before it."""
    folder = ""
    for said in _IN_CODE.findall(text):
        if not _PATH.match(said):
            continue
        if "/" in said:
            folder = said.rpartition("/")[0]
            yield said
        elif folder and said.endswith(".py"):
            yield f"{folder}/{said}"


@pytest.mark.parametrize("room", ["devices", "ingest", "ticketing", "api"])
def test_every_room_within_a_room_is_on_the_map(room: str) -> None:
    row = next(row for row in HOUSE.read_text().splitlines() if row.startswith(f"| `{room}/` |"))
    within = {path.parent.name for path in (ROOT / room).rglob("__init__.py")} - {room}
    assert within - set(_IN_CODE.findall(row)) == set()


def test_every_recipe_names_files_that_are_there() -> None:
    recipes = (ROOT / "CONTRIBUTING.md").read_text().partition("## To add")[2]
    assert [path for path in _paths(recipes) if not any(ROOT.glob(path))] == []


@cache
def _names_of_tests() -> frozenset[str]:
    tests = (path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))
    return frozenset(name for text in tests for name in re.findall(r"^def (test_\w+)", text, re.MULTILINE))


def test_every_promise_has_code_and_a_proof_that_are_there() -> None:
    section = HOUSE.read_text().partition("## Where the promises live")[2].partition("\n## ")[0]
    promises = [row.split("|")[1:-1] for row in section.splitlines() if re.match(r"\| (?!promise )", row)]
    assert promises
    assert [row for row in promises if len(row) != 3 or not all(_IN_CODE.findall(cell) for cell in row[1:])] == []
    paths = [path for _, code, proof in promises for path in (*_paths(code), *_paths(proof))]
    assert [path for path in paths if not any(ROOT.glob(path))] == []


@pytest.mark.parametrize("decision", DECISIONS, ids=_named)
def test_every_decision_says_what_enforces_it_and_that_is_there(decision: Path) -> None:
    said = decision.read_text().partition("**Enforced by**")[2]
    paths = list(_paths(said))
    names = [code for code in _IN_CODE.findall(said) if re.fullmatch(r"test_\w+", code)]
    assert paths or names
    assert [path for path in paths if not any(ROOT.glob(path))] == []
    assert [name for name in names if name not in _names_of_tests()] == []


def test_every_decision_is_listed_once_under_its_own_title() -> None:
    listed = re.findall(
        r"^\| \[(\d{4})\]\(([^)]+)\) \| (.*) \|$", (DECISIONS[0].parent / "README.md").read_text(), re.MULTILINE
    )
    titles = [
        (path.name[:4], path.name, path.read_text().partition("\n")[0].removeprefix(f"# {path.name[:4]} "))
        for path in DECISIONS
    ]
    assert listed == titles


def test_every_word_stands_once_with_its_chinese_word() -> None:
    text = (ROOT / "docs" / "words.md").read_text()
    rows = [row.split("|")[1:-1] for row in text.splitlines() if row.startswith("| ") and not row.startswith("| word ")]
    words = [word.strip() for said, *_ in rows for word in said.split(",")]
    assert sorted(words) == sorted(set(words))
    assert [row for row in rows if len(row) != 3 or not re.search("[\u4e00-\u9fff]", row[1])] == []
