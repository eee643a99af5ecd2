"""What a person typed into a form: held to the rules of the interface, with plain words beside each field."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, TypeVar

from fastapi import Depends, Request
from pydantic import ValidationError

from api.http.rest.devices import Body
from api.texts import say, speaks

MOST_FIELDS = 200

T = TypeVar("T", bound=Body)


@dataclass(frozen=True, kw_only=True)
class Form:
    """`typed`: what stands in the fields; `wrong`: what is said beside them."""

    typed: Mapping[str, str]
    wrong: Mapping[str, str] = field(default_factory=dict)


async def _typed(request: Request) -> dict[str, str]:
    async with request.form(max_files=0, max_fields=MOST_FIELDS) as form:
        return {key: str(value) for key, value in form.items()}


Typed = Annotated[dict[str, str], Depends(_typed)]


def check(body: type[T], typed: Mapping[str, str], language: str) -> T | Form:
    """The body, or the form as it is shown again. An empty field says nothing."""
    said = {name: text for name in body.model_fields if (text := typed.get(name, "").strip())}
    try:
        return body.model_validate(said)
    except ValidationError as error:
        wrong: dict[str, str] = {}  # in the order of the fields; a person goes to the first one
        for each in error.errors(include_url=False):
            name = str(each["loc"][0])
            wrong.setdefault(name, _words(language, name, each["type"], each.get("ctx", {})))
        return Form(typed=typed, wrong=wrong)


def wrong(language: str, typed: Mapping[str, str], name: str, code: str, **named: object) -> Form:
    return Form(typed=typed, wrong={name: say(language, f"wrong.{code}", **named)})


def version(typed: Mapping[str, str]) -> int:
    """That the page showed; -1, which nothing has, for what is none."""
    text = typed.get("version", "")
    return int(text) if text.isdecimal() and len(text) < 19 else -1


def _words(language: str, name: str, kind: str, named: Mapping[str, object]) -> str:
    """What is missing, too long or holds what cannot be seen is said alike of each field; all else by its name."""
    key = f"wrong.{kind}" if speaks(language, f"wrong.{kind}") else f"wrong.{name}"
    return say(language, key, **named)
