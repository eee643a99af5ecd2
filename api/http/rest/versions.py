"""ETag and If-Match: a change names the version that it saw."""

from api.http.problems import refuse

MISSING = "Say which version you saw: If-Match with its ETag, or `version`."


def etag(version: int) -> str:
    return f'"{version}"'


def expected(if_match: str | None, version: int | None = None) -> int:
    """Raises RefusedError (428) when neither says it."""
    found = if_any(if_match, version)
    if found is None:
        raise refuse(428, "version-missing", MISSING)
    return found


def if_any(if_match: str | None, version: int | None = None) -> int | None:
    tag = (if_match or "").strip().removeprefix("W/").strip('"')
    return int(tag) if tag.isdecimal() and len(tag) < 10 else version
