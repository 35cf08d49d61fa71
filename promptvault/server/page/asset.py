"""The style sheet and the icon of the pages."""

from pathlib import Path

from fastapi import APIRouter
from fastapi.responses import FileResponse

router = APIRouter(prefix="/pages")

_FOLDER = Path(__file__).parent / "assets"
_HEADERS = {"Cache-Control": "public, max-age=3600"}


@router.get("/style.css")
async def stylesheet() -> FileResponse:
    """Return the style sheet."""
    return FileResponse(_FOLDER / "style.css", headers=_HEADERS)


@router.get("/icon.svg")
async def icon() -> FileResponse:
    """Return the icon."""
    return FileResponse(_FOLDER / "icon.svg", headers=_HEADERS)
