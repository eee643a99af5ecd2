"""Sparkplug's edge nodes: who is there, and of whom something is missing."""

from dataclasses import asdict
from typing import Any

from fastapi import APIRouter

from api.http.house import Home
from ingest.edge import store

router = APIRouter(tags=["edge nodes"])


@router.get("/edge-nodes", summary="Edge nodes of Sparkplug, those that lack something first")
def edge_nodes(home: Home) -> dict[str, Any]:
    """At most 1000. `lacking`: a message was missing since its birth, or that itself; `rebirth_wanted_at`, by the
    log's clock, is when its births were wanted last."""
    with home.looking() as conn:
        found = store.listed(conn, limit=1000)
    return {"edge_nodes": [asdict(each) for each in found]}
