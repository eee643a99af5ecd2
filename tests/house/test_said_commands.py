"""Whatever command a page shows is there, with the options that it is shown with."""

import pkgutil
import re
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.main import get_command

from api import cli

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "benchmarks").rglob("*.md")])
HISTORY = ROOT / "CHANGELOG.md"  # says several in one breath
_BLOCK = re.compile(r"^```\w*\n(.*?)^```", re.MULTILINE | re.DOTALL)
_SPAN = re.compile(r"`([^`\n]+)`")
_SAID = re.compile(r"(?:^|[ /])foremend ((?!\.)[a-z].*)")
_TARGET = re.compile(r"(?:(?<=`)|^)make +([a-z][a-z-]*)", re.MULTILINE)
_IN_A_CONTAINER = re.compile(r"docker compose (?:\S+ \S+ )?run --rm \w+ (.*)")
_OF_THE_YARD = {"replay": "replay_request", "fleet run": "fleet", "fleet generate": "generate"}  # pass their words on
_ENDS = {"|", "&&", ">", ";"}


@cache
def _app() -> Any:
    app = typer.Typer()
    app.callback()(lambda: None)
    for module in pkgutil.iter_modules(cli.__path__):
        if not module.name.startswith("_"):
            import_module(f"{cli.__name__}.{module.name}").register(app)
    return get_command(app)


def _said(text: str) -> Iterator[str]:
    for block in _BLOCK.findall(text):
        for line in block.replace("\\\n", " ").splitlines():
            found = _SAID.search(line.partition(" #")[0]) or _IN_A_CONTAINER.search(line)
            if found:
                yield found[1]
    for span in _SPAN.findall(_BLOCK.sub("", text)):
        if found := _SAID.search(span):
            yield found[1]


def _wrong(said: str) -> str | None:
    command, words = _app(), said.split()
    while words and hasattr(command, "commands"):
        if words[0] not in command.commands:
            return f"no command {words[0]}: {said}" if re.fullmatch(r"[a-z][a-z-]*", words[0]) else None
        command = command.commands[words.pop(0)]
    known = {option for each in command.params for option in each.opts + each.secondary_opts} | {"--help"}
    known |= _passed_on(said)
    for word in words:
        if word in _ENDS:
            break
        option = word.partition("=")[0].strip("[],.")
        if option.startswith("--") and option not in known:
            return f"no option {option}: {said}"
    return None


def _passed_on(said: str) -> set[str]:
    module = next((module for begin, module in _OF_THE_YARD.items() if said.startswith(begin)), None)
    source = (ROOT / "simulators" / f"{module}.py").read_text(encoding="utf-8") if module else ""
    return set(re.findall(r'"(--[a-z-]+)"', source))


def test_what_is_looked_at_is_found() -> None:
    page = "```\n.venv/bin/foremend doctor --data X  # is it?\nsudo foremend nothing\n```\nand `x foremend up --lan`"
    assert list(_said(page)) == ["doctor --data X ", "nothing", "up --lan"]
    assert [_wrong(each) is None for each in ("doctor --data X", "nothing", "up --lan", "up --wan")] == [
        True,
        False,
        True,
        False,
    ]


@pytest.mark.parametrize("page", [page for page in PAGES if page != HISTORY], ids=lambda page: page.name)
def test_every_command_of_a_page_is_there_with_its_options(page: Path) -> None:
    assert [wrong for said in _said(page.read_text(encoding="utf-8")) if (wrong := _wrong(said))] == []


def test_every_target_that_a_page_names_is_there() -> None:
    there = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    said = {target for page in PAGES for target in _TARGET.findall(page.read_text(encoding="utf-8"))}
    assert {"up", "test"} <= said
    assert said - there == set()
