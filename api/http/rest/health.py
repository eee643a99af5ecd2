"""Whether this process lives, and whether it can serve."""

from fastapi import APIRouter

from api.http.house import Home

router = APIRouter(tags=["health"])


@router.get("/livez", summary="The process answers")
def livez() -> dict[str, str]:
    return {"status": "ok"}


@router.get("/readyz", summary="The process answers and reaches the record; 503 if not")
def readyz(house: Home) -> dict[str, str]:
    with house.looking():
        return {"status": "ok"}
