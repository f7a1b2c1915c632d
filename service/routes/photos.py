"""GET /photos: the photos and pictures of them, by opaque id only."""

from typing import Annotated, cast

import anyio
import anyio.to_thread
from fastapi import APIRouter, Query, Request, Response
from fastapi import Path as InPath
from fastapi.responses import FileResponse

from indexer import Photo
from indexer.thumbnails import Size
from service.errors import ServiceError
from service.files import open_original
from service.gallery import Gallery
from service.routes import OpenGallery, problems
from service.searching import while_connected
from service.sending import send_original, unchanged
from service.thumbnails import Thumbnails

router = APIRouter(tags=["photos"])

PhotoId = Annotated[str, InPath(description="The `id` of a search result.", max_length=16)]
_MISSING = problems(
    _404="No photo has this id.",
    _410="The photo was deleted or moved since it was indexed, or changed: `code` says which.",
    _503="The photo cannot be read now: its drive or its permissions.",
)


@router.get("/photos/{photo_id}", response_class=FileResponse, responses=_MISSING)
async def original(request: Request, photo_id: PhotoId, gallery: OpenGallery) -> Response:
    """The photo's own file as it is now, whole or in part (`Range`).

    Formats that browsers do not show (HEIC, TIFF, raw) are sent for saving; their thumbnail shows them.
    """
    # A drive that does not answer holds up other photos, and nothing else.
    reading: anyio.CapacityLimiter = request.app.state.reading
    photo = await anyio.to_thread.run_sync(_find, gallery, photo_id)
    opened = await anyio.to_thread.run_sync(open_original, photo, limiter=reading)
    return send_original(request, opened, photo.path.name, reading)


@router.get("/photos/{photo_id}/thumbnail", response_class=FileResponse, responses=_MISSING)
async def thumbnail(
    request: Request,
    photo_id: PhotoId,
    gallery: OpenGallery,
    size: Annotated[Size, Query(description="Within 320 x 320, or within 1024 x 1024.")] = "small",
    v: Annotated[str, Query(description="The content that is meant, as in a result's `thumbnail_url`.")] = "",
) -> Response:
    """The photo as WebP, whatever its own format is."""
    thumbnails = cast(Thumbnails, request.app.state.thumbnails)
    photo = await anyio.to_thread.run_sync(_find, gallery, photo_id)
    # An address that names the content never shows anything else.
    kept = "max-age=31536000, immutable" if v and photo.content.startswith(v) else "no-cache"
    headers = {"etag": f'"{photo.content}-{size}"', "cache-control": f"private, {kept}"}
    if unchanged(request.headers, headers["etag"]):
        return Response(status_code=304, headers=headers)
    data = await anyio.to_thread.run_sync(thumbnails.stored, photo, size)
    if data is None:
        data = await while_connected(request, thumbnails.made(photo, size))
    return Response(data, headers=headers, media_type="image/webp")


def _find(gallery: Gallery, photo_id: str) -> Photo:
    photo = gallery.published.photo(photo_id)
    if photo is None:
        raise ServiceError(404, "no_such_photo", "no photo has this id; take one from a search result")
    return photo
