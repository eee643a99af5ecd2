"""Pages from templates: the language of whoever reads, the texts, the times."""

from typing import Any
from urllib.parse import quote, urlencode
from zoneinfo import ZoneInfo

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from api.http import excuses, when
from api.http.house import House
from api.http.problems import Problem
from api.texts import LANGUAGES, preferred, say

_templates = Environment(
    loader=PackageLoader("api.http", "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def language_of(request: Request, otherwise: str | None = None) -> str:
    """The switch on the page, else the language we know the reader by, else the browser's, else the house's."""
    house = request.app.state.house
    assert isinstance(house, House)
    chosen = request.query_params.get("lang")
    if chosen in LANGUAGES:
        return chosen
    return otherwise or preferred(request.headers.get("accept-language", ""), house.settings.language)


def render(
    request: Request,
    template: str,
    *,
    language: str,
    zone: ZoneInfo | None = None,
    status: int = 200,
    here: str | None = None,
    **values: Any,
) -> Response:
    """`template` with `t(key)` for texts, `at(moment)` for times, and what the frame of every page needs. `here`: the
    page's own path, where it is the answer to a form that was sent elsewhere."""
    local = zone or ZoneInfo("UTC")
    house = request.app.state.house
    frame = {
        "language": language,
        "t": lambda key, **names: say(language, key, **names),
        "at": lambda moment: when.stamp(moment, local),
        "told": lambda moment: when.told(language, moment, house.clock(), local),
        "moment": lambda moment: when.moment(language, moment, local),
        "zone_name": local.key,
        "switch": {other: _in(request, other, here) for other in LANGUAGES if other != language},
        "here": _path(request) if here is None else quote(here),
        "lang_query": f"?lang={request.query_params['lang']}" if request.query_params.get("lang") in LANGUAGES else "",
    }
    return HTMLResponse(_templates.get_template(template).render(**frame, **values), status_code=status)


def back(request: Request, path: str, part: str = "") -> str:
    """The address of a page, or of a part of it, after something was done there: in the language of who did it."""
    chosen = request.query_params.get("lang")
    language = f"?lang={chosen}" if chosen in LANGUAGES else ""
    return f"{quote(path)}{language}{f'#{part}' if part else ''}"


def _path(request: Request) -> str:
    """As an address has it: a serial may have a question mark or a percent sign in it."""
    return quote(request.scope["path"])


def _in(request: Request, language: str, here: str | None) -> str:
    kept = [(key, value) for key, value in request.query_params.multi_items() if key != "lang"]
    return f"{_path(request) if here is None else quote(here)}?{urlencode([*kept, ('lang', language)])}"


def problem_page(request: Request, problem: Problem) -> Response:
    """An error as a person should meet it: what happened, what to do; for staff also the way back."""
    language = language_of(request)
    return render(
        request,
        "problem.html",
        language=language,
        status=problem.status,
        headline=excuses.title(language, problem),
        sentence=excuses.sentence(language, problem),
        way_back=_way_back(request),
        acted=request.method not in {"GET", "HEAD"},
    )


def _way_back(request: Request) -> str | None:
    """For staff: the page on which the form stood."""
    steps = request.url.path.split("/")
    if steps[1] not in {"desk", "work"}:
        return None
    of_one = steps[1] == "work" or steps[2:3] in (["devices"], ["customers"])
    return "/desk/" if request.method == "GET" else quote("/".join(steps[: 4 if of_one else 3]))
