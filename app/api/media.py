"""Media by id: paths come from the database, never from a request. Byte ranges are answered."""

from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any

import plotly
from fastapi import APIRouter, Header, HTTPException, Response
from fastapi.responses import FileResponse

from app.api.values import RowId
from app.services import Studio, film
from app.services.frame_times import frame_clock
from app.services.media import media_file, thumbnail

_WIDGETS = Path(__file__).parents[1] / "widgets"
_STATIC = {".js": "text/javascript", ".css": "text/css"}
_PLOTLY = Path(plotly.__file__).parent / "package_data" / "plotly.min.js"


def routes(studio: Studio) -> APIRouter:
    """Return the routes."""
    r = APIRouter()

    @r.get("/media/{video}")
    def media(video: RowId) -> FileResponse:
        path, kind = media_file(studio, video)
        return FileResponse(path, media_type=kind)

    @r.get("/thumbs/{video}")
    def thumb(video: RowId) -> FileResponse:
        path = thumbnail(studio, video)
        if path is None:
            raise HTTPException(404)
        return FileResponse(path, media_type="image/jpeg", headers={"Cache-Control": "max-age=300"})

    @r.get("/api/videos/{video}/frames")
    def frames(video: RowId, if_none_match: Annotated[str | None, Header()] = None) -> Response:
        times = frame_clock(studio, video).astype("<f8").tobytes()
        tag = {"ETag": f'"{sha256(times).hexdigest()}"', "Cache-Control": "private, no-cache"}
        if if_none_match == tag["ETag"]:
            return Response(status_code=304, headers=tag)
        return Response(times, media_type="application/octet-stream", headers=tag)

    @r.get("/api/videos/{video}/strip")
    def strip(video: RowId) -> dict[str, Any]:
        return film.strip(studio, video)

    @r.get("/strips/{video}")
    def strip_picture(video: RowId) -> FileResponse:
        path = film.strip_file(studio, video)
        if path is None:
            raise HTTPException(404)
        return FileResponse(path, media_type="image/jpeg", headers={"Cache-Control": "no-cache"})

    @r.get("/api/videos/{video}/cuts")
    def cuts(video: RowId) -> dict[str, Any]:
        return film.cuts(studio, video)

    @r.get("/static/{name}")
    def static(name: str) -> FileResponse:
        # Only names that are there are served; a path in `name` names none of them.
        known = {path.name: path for path in _WIDGETS.iterdir() if path.suffix in _STATIC}
        if name not in known:
            raise HTTPException(404)
        path = known[name]
        return FileResponse(
            path, media_type=_STATIC[path.suffix], headers={"Cache-Control": "no-cache"}
        )

    @r.get("/vendor/plotly.min.js")
    def plotly_js() -> FileResponse:
        return FileResponse(
            _PLOTLY, media_type="text/javascript", headers={"Cache-Control": "max-age=86400"}
        )

    return r
