"""Style sheet, the few lines of script, and uPlot from its wheel."""

from importlib import resources

from fastapi import FastAPI
from starlette.responses import Response

_KINDS = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
_FROM = {
    "uPlot.iife.js": ("uplot", "static"),
    "uPlot.min.css": ("uplot", "static"),
    "style.css": ("api.http", "static"),
    "look_again.js": ("api.http", "static"),
    "series.js": ("api.http", "static"),
    "icon.svg": ("api.http", "static"),
}


def mount(app: FastAPI) -> None:
    files = {name: (resources.files(package) / folder / name).read_bytes() for name, (package, folder) in _FROM.items()}

    @app.get("/static/{name}", include_in_schema=False)
    def static(name: str) -> Response:
        if name not in files:
            return Response(status_code=404)
        kind = _KINDS[name.rpartition(".")[2]]
        return Response(files[name], media_type=kind, headers={"Cache-Control": "public, max-age=300"})
