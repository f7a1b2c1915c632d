"""GET /photos: the photos and their thumbnails, by opaque id only."""

import mimetypes
from pathlib import Path
from typing import Annotated

import anyio.to_thread
from fastapi import APIRouter
from fastapi import Path as InPath
from fastapi.responses import FileResponse

from indexer import Photo
from model import BadImage
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
    path = _inside_its_root(_find(gallery, photo_id))
    kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    headers = {"cache-control": "private, no-cache"}
    return FileResponse(
        path, media_type=kind, filename=path.name, content_disposition_type="inline", headers=headers
    )


@router.get("/photos/{photo_id}/thumbnail", response_class=FileResponse, responses=_MISSING)
async def thumbnail(photo_id: PhotoId, gallery: OpenGallery) -> FileResponse:
    """The photo within 320 x 320, as WebP."""
    photo = await anyio.to_thread.run_sync(_find, gallery, photo_id)
    try:
        path = await anyio.to_thread.run_sync(gallery.thumbnail, photo)
    except (OSError, BadImage):
        raise _gone() from None
    headers = {"cache-control": "private, max-age=31536000, immutable"}
    return FileResponse(path, media_type="image/webp", headers=headers)


def _find(gallery: Gallery, photo_id: str) -> Photo:
    photo = gallery.published.photo(photo_id)
    if photo is None:
        raise ServiceError(404, "no_such_photo", "no photo has this id; take one from a search result")
    return photo


def _inside_its_root(photo: Photo) -> Path:
    """The file, if it is still an ordinary one below the folder that it was indexed from."""
    try:
        root = Path(photo.root).resolve(strict=True)
        path = photo.path.resolve(strict=True)
    except OSError:
        raise _gone() from None
    # Since it was indexed, the file or a folder above it may have become a link to somewhere else.
    if not path.is_file() or not path.is_relative_to(root):
        raise _gone()
    return path


def _gone() -> ServiceError:
    detail = "this photo was deleted, moved or replaced since it was indexed; run sketchseek index again"
    return ServiceError(410, "photo_gone", detail)
