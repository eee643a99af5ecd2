"""Whatever a person is refused on a page is said in his language, with what it is about."""

import ast
import re
from pathlib import Path
from uuid import UUID

import psycopg
import pytest
from starlette.testclient import TestClient

from api import http
from api.http import excuses, problems
from api.http.photos import CrowdedError, PhotoError
from api.http.problems import Problem, problem_of
from api.texts import CATALOGUE, LANGUAGES
from devices import adjustables
from devices import errors as devices
from devices.credentials import errors as credentials
from devices.imports.model import MeanwhileError
from devices.lifecycle.transitions import ALLOWED
from devices.model import DeviceState
from devices.twin import errors as twins
from devices.twin.model import CommandState
from ingest.errors import LogError
from ledger import errors as ledger
from tests.http.conftest import a_device_body
from ticketing import errors as ticketing
from ticketing.tickets.model import TicketState

ONE = UUID(int=1)
RAISED = [
    devices.UnknownDeviceError("d1"),
    devices.UnknownClassError("toaster", ["freezer"]),
    devices.BadIdError("d 1"),
    devices.DeviceTakenError("d1", "serial"),
    devices.SerialTakenError("d1", "F-200", "S1"),
    devices.DeviceTransitionError("d1", DeviceState.RETIRED, DeviceState.CLAIMED, ALLOWED[DeviceState.RETIRED]),
    devices.DeviceTransitionError("d1", DeviceState.REPLACED, DeviceState.ACTIVE, ()),
    devices.DeviceOwnedError("d1"),
    *(devices.SuccessorError("d1", "d2", because, "it is so") for because in devices.NoSuccessor),
    *(devices.GatewayError("d1", "d2", because) for because in devices.NotBehind),
    devices.StaleError("device 'd1'", 1, 2),
    devices.UnknownCustomerError(ONE),
    devices.UnknownSiteError("S1"),
    devices.HouseholdError("not so"),
    credentials.AlreadyIssuedError("d1", 1),
    credentials.NothingToRotateError("d1"),
    credentials.UnknownCredentialError("d1", 7),
    MeanwhileError("changed"),
    ledger.IdempotencyConflictError("k"),
    ledger.IdempotencyInFlightError("k"),
    ticketing.NotFoundError("ticket", ONE),
    ticketing.StaleVersionError(1, 2),
    ticketing.IllegalTransitionError(TicketState.READY, TicketState.RESOLVED, (TicketState.CANCELLED,)),
    ticketing.AlreadyOpenError("T-1"),
    ticketing.NoEngineerError("T-1"),
    ticketing.BadAnswerError("a no needs a reason"),
    ticketing.ReportRefusedError(("EMPTY",)),
    PhotoError("no photo at all"),
    CrowdedError(),
    *(twins.SettingRefusedError("sampling_period_s", each, "it is so", adjustables.COMMON[0]) for each in twins.Unfit),
    twins.SettingRefusedError("spin", twins.Unfit.UNKNOWN, "it is so"),
    twins.StaleTwinError(1, 2),
    twins.UnknownCommandError(ONE),
    *(twins.BadCommandError(each, "it is so") for each in twins.NoCommand),
    twins.TooManyCommandsError("d1", 100),
    twins.GoneError("d1", DeviceState.RETIRED),
    twins.CommandOverError(ONE, CommandState.FAILED),
    LogError("nats: no servers available for connection"),
    psycopg.DataError("invalid byte sequence for encoding"),
    psycopg.OperationalError("connection to server lost"),
    RuntimeError("never to be seen"),
]
GENERAL = {"not-found", "not-valid", "too-many", "too-large"}  # their status says it all


def test_every_error_that_is_known_has_an_example_here() -> None:
    assert {type(error) for error in RAISED} - {RuntimeError} == set(problems.KNOWN)


@pytest.mark.parametrize("error", RAISED, ids=lambda error: type(error).__name__)
def test_no_sentence_of_the_program_stands_on_a_chinese_page(error: Exception) -> None:
    problem = problem_of(error)
    for language in LANGUAGES:
        said = f"{excuses.title(language, problem)} {excuses.sentence(language, problem)}"
        assert not re.search(r"\{|\}|None|[A-Z]{2,}_[A-Z]", said)
    assert not re.search(r"[a-z]{2,}[ ,]+[a-z]{2,}[ ,]+[a-z]{2,}", said)


def test_each_kind_of_error_has_a_sentence_of_its_own() -> None:
    slugs = {slug for _, slug in problems.KNOWN.values()} - GENERAL
    assert [slug for slug in slugs if f"problem.{slug.replace('-', '_')}.say" not in CATALOGUE["en"]] == []


def test_every_refusal_of_a_page_has_a_sentence() -> None:
    folder = Path(http.__file__).parent
    sources = [*folder.glob("staff/*.py"), *folder.glob("public/*.py"), folder / "guard.py"]
    slugs = {slug for source in sources for slug in _refused(source)}
    assert {"no-owner", "not-dead", "foreign-origin"} <= slugs
    lost = [slug for slug in slugs - GENERAL if f"problem.{slug.replace('-', '_')}.say" not in CATALOGUE["en"]]
    assert lost == []


def _refused(source: Path) -> set[str]:
    """The slugs of `refuse(status, slug, ...)` and `Problem(slug=...)`."""
    calls = [node for node in ast.walk(ast.parse(source.read_text())) if isinstance(node, ast.Call)]
    said = [each.args[1] for each in calls if getattr(each.func, "id", "") == "refuse"]
    said += [
        word.value
        for each in calls
        if getattr(each.func, "id", "") == "Problem"
        for word in each.keywords
        if word.arg == "slug"
    ]
    return {str(each.value) for each in said if isinstance(each, ast.Constant)}


@pytest.mark.parametrize("values", excuses.GROUPS, ids=lambda values: values.__name__)
def test_every_value_that_a_sentence_names_has_its_word(values: type) -> None:
    assert [each for each in values if f"{excuses.GROUPS[values]}{each}" not in CATALOGUE["en"]] == []


def test_a_refusal_says_what_it_is_about() -> None:
    moved = problem_of(
        devices.DeviceTransitionError("d1", DeviceState.RETIRED, DeviceState.CLAIMED, (DeviceState.ACTIVE,))
    )
    assert excuses.sentence("zh", moved) == "当前状态为“已停用”，不能变为“已认领”。可以变为：使用中。"
    setting = twins.SettingRefusedError("s", twins.Unfit.OUT_OF_RANGE, "", adjustables.COMMON[0])
    assert (
        excuses.sentence("en", problem_of(setting)) == "It does not take that. Sampling period: it takes 1 to 86400 s."
    )
    assert excuses.sentence("zh", Problem(status=404, slug="not-found", detail="x")).startswith("地址不完整")


def test_a_page_of_the_desk_refuses_in_the_language_of_who_reads(client: TestClient) -> None:
    client.put("/api/devices/d1", json=a_device_body())
    lost = client.get("/desk/devices/d9?lang=zh")
    assert (lost.status_code, "没有登记设备 d9" in lost.text, "no device" in lost.text) == (404, True, False)
    moved = client.post("/desk/devices/d1/move?lang=zh", data={"to": "CLAIMED", "version": 1})
    assert (moved.status_code, "Name the" in moved.text) == (422, False)
    foreign = client.post("/desk/devices/d1/move?lang=zh", headers={"origin": "http://elsewhere.example"})
    assert (foreign.status_code, "只有本服务器的页面可以这样做" in foreign.text) == (403, True)
    large = client.post("/r/nothing?lang=zh", headers={"content-length": str(2**40)})
    assert (large.status_code, "照片不超过 8 MB" in large.text) == (413, True)
