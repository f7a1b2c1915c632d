"""GET /photos: the photos and their thumbnails, by opaque id only."""

import mimetypes
from typing import Annotated

import anyio
import anyio.to_thread
from fastapi import APIRouter, Request
from fastapi import Path as InPath
from fastapi.responses import FileResponse

from indexer import Photo, has_thumbnail, thumbnail_path
from service import files
from service.errors import ServiceError
from service.gallery import Gallery
from service.routes import OpenGallery, problems

router = APIRouter(tags=["photos"])

PhotoId = Annotated[str, InPath(description="The `id` of a search result.", max_length=16)]
_MISSING = problems(
    _404="No photo has this id.", _410="The photo was deleted, moved or replaced since it was indexed."
)


@router.get("/photos/{photo_id}", response_class=FileResponse, responses=_MISSING)
def original(photo_id: PhotoId, gallery: OpenGallery) -> FileResponse:
    """The photo's own file."""
    try:
        path = files.original(_find(gallery, photo_id))
    except files.PhotoGone:
        raise _gone() from None
    kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    headers = {"cache-control": "private, no-cache"}
    return FileResponse(
        path, media_type=kind, filename=path.name, content_disposition_type="inline", headers=headers
    )


@router.get("/photos/{photo_id}/thumbnail", response_class=FileResponse, responses=_MISSING)
async def thumbnail(request: Request, photo_id: PhotoId, gallery: OpenGallery) -> FileResponse:
    """The photo within 320 x 320, as WebP."""
    photo = await anyio.to_thread.run_sync(_find, gallery, photo_id)
    path = thumbnail_path(gallery.thumbnails, photo.content)
    if not await anyio.to_thread.run_sync(has_thumbnail, gallery.thumbnails, photo.content):
        # One after the other: a page that lost all of its thumbnails must not decode forty photos at once.
        one: anyio.CapacityLimiter = request.app.state.remaking
        try:
            path = await anyio.to_thread.run_sync(
                files.remake_thumbnail, gallery.thumbnails, photo, limiter=one
            )
        except files.PhotoGone:
            raise _gone() from None
    headers = {"cache-control": "private, max-age=31536000, immutable"}
    return FileResponse(path, media_type="image/webp", headers=headers)


def _find(gallery: Gallery, photo_id: str) -> Photo:
    photo = gallery.published.photo(photo_id)
    if photo is None:
        raise ServiceError(404, "no_such_photo", "no photo has this id; take one from a search result")
    return photo


def _gone() -> ServiceError:
    detail = "this photo was deleted, moved or replaced since it was indexed; run sketchseek index again"
    return ServiceError(410, "photo_gone", detail)
