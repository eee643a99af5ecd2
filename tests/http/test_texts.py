"""Every text that a person reads is in the catalogue, in both languages, and nothing else is."""

import re
import string
from datetime import UTC, datetime
from pathlib import Path

import pytest

from api import http
from api.texts import CATALOGUE, LANGUAGES, preferred, say
from devices import catalogue
from devices.credentials.denials import Kind
from devices.credentials.model import State
from devices.credentials.verify import Verdict
from devices.imports.model import Code as Fault
from devices.model import Device, DeviceState, Regime
from devices.people.roles import Role
from devices.twin.model import CommandState
from devices.warranty.model import Standing, Start
from ingest.clock import ClockState
from ingest.model import Reason, Replayed
from ledger.model import DeliveryState
from ticketing.alerts.model import Condition, Engagement, Review
from ticketing.dispatch.model import LeftOutReason
from ticketing.intake import gate
from ticketing.intake.model import Outcome, Photo, Report
from ticketing.model import Severity
from ticketing.notify.model import Trouble
from ticketing.questions.model import Code, NoReason, QuestionState
from ticketing.tickets.model import Note, Source, TicketState

TEMPLATES = Path(http.__file__).parent / "templates"
ROOF = Path(http.__file__).parents[1]

NAMED = {  # what is looked up by a value: every value has its word
    "state": TicketState,
    "condition": Condition,
    "engagement": Engagement,
    "review": Review,
    "question_state": QuestionState,
    "question.reason": NoReason,
    "severity": Severity,
    "regime": Regime,
    "source": Source,
    "delivery": DeliveryState,
    "undelivered": Trouble,
    "left_out": LeftOutReason,
    "refusal": Reason,
    "command": CommandState,
    "replayed": Replayed,
    "clock": ClockState,
    "event": Note,
    "waits": Code,
    "verdict": Verdict,
    "denial": Kind,
    "credential.state": State,
    "import.fault": Fault,
    "life.is": DeviceState,
    "life.role": Role,
    "warranty": Standing,
    "warranty.start": Start,
}


def fields(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_both_languages_have_the_same_keys_and_fill_in_the_same_names() -> None:
    english, chinese = (CATALOGUE[language] for language in LANGUAGES)
    assert english.keys() == chinese.keys()
    assert {key: fields(text) for key, text in english.items()} == {key: fields(text) for key, text in chinese.items()}


def test_nothing_is_left_in_the_other_language() -> None:
    han = re.compile("[\u4e00-\u9fff]")
    assert [key for key, text in CATALOGUE["en"].items() if han.search(text)] == []
    alike = {"product", "curve.level", "pair", "comma"}
    assert [key for key, text in CATALOGUE["zh"].items() if not han.search(text) and key not in alike] == []


@pytest.mark.parametrize("template", sorted(TEMPLATES.glob("*.html")), ids=lambda path: path.name)
def test_every_key_that_a_template_names_exists(template: Path) -> None:
    text = template.read_text(encoding="utf-8")
    whole = re.findall(r"""\bt\(\s*["']([a-z_.0-9A-Z]+)["']\s*[,)]""", text)
    begun = re.findall(r"""\bt\(\s*["']([a-z_.0-9A-Z]+\.)["']\s*~""", text)
    assert [key for key in whole if key not in CATALOGUE["en"]] == []
    assert [start for start in begun if not any(key.startswith(start) for key in CATALOGUE["en"])] == []


def test_every_key_is_said_somewhere() -> None:
    """By its whole name, or by how it begins and a value: `"state." ~ ticket.state`, `f"state.{ticket.state}"`."""
    source = "\n".join(path.read_text() for kind in ("py", "html") for path in ROOF.rglob(f"*.{kind}"))
    whole = set(re.findall(r"""["']([a-zA-Z_.0-9]+)["']""", source))
    begun = tuple(set(re.findall(r"""["']([a-zA-Z_.0-9]+\.)["'{]""", source)))
    assert [key for key in CATALOGUE["en"] if key not in whole and not key.startswith(begun)] == []


@pytest.mark.parametrize(("group", "values"), NAMED.items(), ids=NAMED)
def test_every_value_that_is_shown_has_its_word(group: str, values: type) -> None:
    assert [value for value in values if f"{group}.{value}" not in CATALOGUE["en"]] == []


def test_every_class_speaks_both_languages() -> None:
    for row in catalogue.load().values():
        assert set(row.title) == set(LANGUAGES)


def test_every_warning_of_the_gate_has_its_word() -> None:
    facts = dict.fromkeys(
        ("device_id", "tenant_id", "class_id", "model", "serial", "place", "region", "label_token"), ""
    )
    device = Device(device_no=1, customer_id=None, registered_at=datetime.now(UTC), **facts)
    photo = Photo(sha256="", media_type="image/jpeg", size_bytes=1)
    reports = [
        Report(device=device, words=words, serial="other", photo=photo, channel="api", actor="")
        for words in ("", "it hums")
    ]
    said = [step for each in reports for warranty in Standing for step in gate.steps(each, lately=0, warranty=warranty)]
    said.append(gate.duplicates(ticket_open=True, answers=False))
    codes = {step.code for step in said if step.outcome is Outcome.WARN}
    assert len(codes) == 5
    assert [code for code in codes if f"warning.{code}" not in CATALOGUE["en"]] == []


def test_a_missing_name_is_an_error_not_a_hole() -> None:
    with pytest.raises(KeyError):
        say("en", "follow.number")


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh"),
        ("de,en;q=0.8,zh;q=0.9", "zh"),
        ("fr-FR", "en"),
        ("", "en"),
        ("zh;q=0,en;q=x", "en"),
    ],
)
def test_the_browser_is_heard(header: str, language: str) -> None:
    assert preferred(header, "en") == language
