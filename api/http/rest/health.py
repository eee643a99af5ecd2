"""Whether this process lives, and whether the house behind it is ready."""

from dataclasses import asdict

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from prometheus_client.exposition import choose_encoder
from starlette.responses import Response

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


@router.get("/metrics", summary="For Prometheus", response_class=Response)
def metrics(request: Request) -> Response:
    encode, kind = choose_encoder(request.headers.get("accept", ""))
    return Response(encode(request.app.state.registry), headers={"Content-Type": kind})
