"""Whether this process lives, and whether the house behind it is ready."""

from dataclasses import asdict

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from api.watch.checks import State, worst
from api.watch.watch import Watching

router = APIRouter(tags=["health"])


@router.get("/livez", summary="The process answers")
def livez() -> dict[str, str]:
    return {"status": "ok"}


@router.get("/readyz", summary="Record, worker, relay and log, each with a sentence; 503 if one has failed")
def readyz(watch: Watching) -> JSONResponse:
    checks = watch.checks()
    state = worst(checks)
    body = {"status": state, "checks": [asdict(check) for check in checks]}
    return JSONResponse(body, status_code=503 if state is State.FAILED else 200)
