"""What people type, made fit to be kept: no NUL (PostgreSQL refuses it), no lone surrogates (UTF-8 has none)."""


def clean(text: str, limit: int) -> str:
    """At most `limit` characters."""
    return text.encode("utf-8", "replace").decode("utf-8").replace("\x00", "").strip()[:limit]
