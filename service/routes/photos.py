"""GET /photos: photos and their thumbnails, by opaque id only."""

from typing import Annotated, Any, cast

import anyio
import anyio.to_thread
from fastapi import APIRouter, Query, Request, Response
from fastapi import Path as InPath

from indexer import Photo
from indexer.decoding.thumbnails import LONGEST, Size
from service.asgi.connected import while_connected
from service.photos.files import open_original
from service.photos.sending import send_original, unchanged
from service.photos.thumbnails import Thumbnails
from service.problems import ServiceError
from service.routes import OpenGallery, problems
from service.search.gallery import Gallery

router = APIRouter(tags=["photos"])

PhotoId = Annotated[str, InPath(description="The `id` of a search result.", max_length=16)]
_MISSING = (
    "photo_not_found",
    "photo_gone",
    "invalid_request",
    "photo_unreadable",
    "index_damaged",
    "store_unavailable",
    "busy",
)
_FILE = {"schema": {"type": "string", "format": "binary"}}
_SENT: dict[int | str, dict[str, Any]] = {200: {"description": "The file.", "content": {"*/*": _FILE}}}
_PART: dict[int | str, dict[str, Any]] = {206: {"description": "The part.", "content": {"*/*": _FILE}}}
_SHOWN: dict[int | str, dict[str, Any]] = {
    200: {"description": "The picture.", "content": {"image/webp": _FILE}}
}
_UNCHANGED: dict[int | str, dict[str, Any]] = {304: {"description": "The client has it already."}}


@router.get(
    "/photos/{photo_id}",
    response_class=Response,
    responses=problems(*_MISSING, "range_not_satisfiable") | _SENT | _UNCHANGED | _PART,
)
async def original(request: Request, photo_id: PhotoId, gallery: OpenGallery) -> Response:
    """The original file as it is now, whole or in part (`Range`).

    Formats that browsers cannot show (HEIC, TIFF, raw) are sent as downloads; use their thumbnails to show them.
    """
    # A drive that does not respond blocks other photos, but nothing else.
    reading: anyio.CapacityLimiter = request.app.state.reading
    photo = await anyio.to_thread.run_sync(find_photo, gallery, photo_id)
    opened = await anyio.to_thread.run_sync(open_original, photo, limiter=reading)
    return send_original(request, opened, photo.path.name, reading)


@router.get(
    "/photos/{photo_id}/thumbnail",
    response_class=Response,
    responses=problems(*_MISSING, "photo_changed", "photo_unshowable", "internal_error")
    | _SHOWN
    | _UNCHANGED,
)
async def thumbnail(
    request: Request,
    photo_id: PhotoId,
    gallery: OpenGallery,
    size: Annotated[Size, Query(description="Within 320, 640, or 1280 pixels a side.")] = "small",
    v: Annotated[str, Query(description="Content hash, as in a result's `thumbnail_url`.")] = "",
) -> Response:
    """The photo as a WebP thumbnail, whatever its format."""
    thumbnails = cast(Thumbnails, request.app.state.thumbnails)
    photo, data = await anyio.to_thread.run_sync(_look_up, gallery, thumbnails, photo_id, size)
    # A URL with the content hash never shows anything else.
    kept = "max-age=31536000, immutable" if v and photo.content.startswith(v) else "no-cache"
    headers = {"etag": f'"{photo.content}-{LONGEST[size]}"', "cache-control": f"private, {kept}"}
    if unchanged(request.headers, headers["etag"]):
        return Response(status_code=304, headers=headers)
    if data is None:
        data = await while_connected(request, thumbnails.made(photo, size))
    return Response(data, headers=headers, media_type="image/webp")


def _look_up(
    gallery: Gallery, thumbnails: Thumbnails, photo_id: str, size: Size
) -> tuple[Photo, bytes | None]:
    photo = find_photo(gallery, photo_id)
    return photo, thumbnails.stored(photo, size)


def find_photo(gallery: Gallery, photo_id: str) -> Photo:
    photo = gallery.trusted.library.photo(photo_id)
    if photo is None:
        raise ServiceError("photo_not_found", "no photo has this id; use one from a search result")
    return photo
