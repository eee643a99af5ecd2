"""Every metric that a page names is one that a process shows."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = (ROOT / "docs/reference/operations.md", *sorted((ROOT / "docs/how-to").glob("*.md")))
_PARTS = ("bridge_", "mosquitto_", "relay_", "door_", "log_", "")  # of names that are put together
_ROLES = {"foremend_owner", "foremend_api", "foremend_worker", "foremend_relay", "foremend_house", "foremend_nats"}


def _is_shown(name: str, source: str) -> bool:
    tail = name.removeprefix("foremend_").removesuffix("_total")
    return any(f'"{tail.removeprefix(part)}"' in source or f'"foremend_{tail}"' in source for part in _PARTS)


def test_every_metric_of_a_page_is_shown_by_a_process() -> None:
    source = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "api").rglob("*.py"))
    assert not _is_shown("foremend_messages_imagined_total", source)
    for page in PAGES:
        named = set(re.findall(r"\bforemend_[a-z_]+[a-z]\b", page.read_text(encoding="utf-8"))) - _ROLES
        assert sorted(name for name in named if not _is_shown(name, source)) == [], page.name
