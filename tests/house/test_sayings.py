"""A command that a page names is one that there is: a reader who types it is not told that it does not exist."""

import pkgutil
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.main import get_command

from api import cli

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "benchmarks").rglob("*.md")])
PASSED_ON = {  # what these take is read by a program of the yard
    "fleet run": "simulators/fleet.py",
    "fleet generate": "simulators/generate.py",
    "replay": "simulators/replay_request.py",
}

_SAID = re.compile(r"(?:(?<=`)|^|(?<=\.venv/bin/)|(?<=\| )|(?<=sudo ))foremend +([a-z][^`\n#]*)", re.MULTILINE)
_TARGET = re.compile(r"(?:(?<=`)|^)make +([a-z][a-z-]*)", re.MULTILINE)
_WORDS = re.compile(r"^[a-z|-]+$")
_OPTION = re.compile(r"(?<!\S)--[a-z][a-z-]*")


def _named(path: Path) -> str:
    return str(path.relative_to(ROOT))


def _commands() -> dict[str, set[str]]:
    """Each command with its options."""
    app = typer.Typer()
    app.callback()(lambda: None)
    for module in pkgutil.iter_modules(cli.__path__):
        if not module.name.startswith("_"):
            import_module(f"{cli.__name__}.{module.name}").register(app)
    found = dict(_walk(get_command(app)))
    for name, program in PASSED_ON.items():
        found[name] = set(re.findall(r'"(--[a-z][a-z-]*)"', (ROOT / program).read_text()))
    return found | {"label": found["label one"]}  # `one` may be left out


def _walk(command: Any, before: str = "") -> Iterator[tuple[str, set[str]]]:
    for name, each in command.commands.items():
        path = f"{before} {name}".strip()
        if hasattr(each, "commands"):
            yield path, set()
            yield from _walk(each, path)
        else:
            yield path, {option for param in each.params for option in (*param.opts, *param.secondary_opts)}


COMMANDS = _commands()


def _wrong(said: str) -> list[str]:
    first, *rest = said.split()
    if first not in COMMANDS:
        return [f"foremend {first}"]
    several = [f"{first} {each}" for each in rest[0].split("|")] if rest and _WORDS.match(rest[0]) else []
    if any(name.startswith(f"{first} ") for name in COMMANDS) and first != "label":
        gone = [f"foremend {name}" for name in several if name not in COMMANDS]
        if gone or not several:
            return gone
    name = several[0] if several and several[0] in COMMANDS else first
    told = _OPTION.findall(re.split(r" && |[;|>]", said)[0])
    return [f"foremend {name} {option}" for option in told if option not in {*COMMANDS[name], "--help"}]


def test_a_command_that_is_not_there_would_be_found() -> None:
    assert _wrong("devices list --model X") == []
    assert _wrong("fleet run --ledger FILE") == []
    assert _wrong("devices register|amend") == []
    assert _wrong("devices register|amnd") == ["foremend devices amnd"]
    assert _wrong("devices lits --limit 3") == ["foremend devices lits"]
    assert _wrong("devices list --limt 3") == ["foremend devices list --limt"]
    assert _wrong("brew") == ["foremend brew"]
    assert _wrong("up --http-prt 8081") == ["foremend up --http-prt"]


@pytest.mark.parametrize("page", PAGES, ids=_named)
def test_every_command_that_a_page_names_is_there_with_its_options(page: Path) -> None:
    text = re.sub(r"\\\n *", " ", page.read_text())
    assert [wrong for said in _SAID.findall(text) for wrong in _wrong(said)] == []
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert [f"make {target}" for target in _TARGET.findall(text) if target not in targets] == []
