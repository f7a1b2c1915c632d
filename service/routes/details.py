"""/photos/{id}/details and /photos/{id}/group: what is known of a photo, and its near-duplicates."""

from pathlib import PurePosixPath

import anyio
import anyio.to_thread
from fastapi import APIRouter, Request

from indexer import Photo
from service.listings import Details, Group
from service.photos.details import Described, describe
from service.photos.files import open_original
from service.problems import ServiceError
from service.routes import OpenGallery, problems
from service.routes.photos import PhotoId, find_photo
from service.search.finding import shown
from service.search.gallery import Gallery

router = APIRouter(tags=["photos"])


@router.get(
    "/photos/{photo_id}/details",
    responses=problems(
        "photo_not_found",
        "photo_gone",
        "photo_unreadable",
        "invalid_request",
        "index_damaged",
        "store_unavailable",
    ),
)
async def details(request: Request, photo_id: PhotoId, gallery: OpenGallery) -> Details:
    """When, where, and how a photo was taken, and where its file is.

    All is read from the file as it is now, but where that has changed since it was indexed.
    """
    photo = await anyio.to_thread.run_sync(find_photo, gallery, photo_id)
    found = await anyio.to_thread.run_sync(describe, photo, limiter=request.app.state.describing)
    admin = request.app.state.access.is_admin(request.headers)
    return _details(photo, found, located=admin, favourites=gallery.marks.now().favourite)


@router.get(
    "/photos/{photo_id}/group",
    responses=problems("photo_not_found", "invalid_request", "index_damaged", "store_unavailable"),
)
async def group(request: Request, photo_id: PhotoId, gallery: OpenGallery) -> Group:
    """A photo and its near-duplicates, the original first.

    That is the one with most pixels; then one that says when it was taken; then the largest file, then the oldest.
    """
    return await anyio.to_thread.run_sync(_group, gallery, photo_id, limiter=request.app.state.reading)


def _details(photo: Photo, found: Described, *, located: bool, favourites: frozenset[str]) -> Details:
    path, said = PurePosixPath(photo.relative), found.metadata or photo
    return Details(
        photo=shown(photo, favourites),
        folder="" if path.parent == PurePosixPath() else str(path.parent),
        file=path.name,
        bytes=found.bytes,
        modified=found.modified,
        taken=said.taken,
        camera=said.camera,
        lens=found.settings.lens,
        exposure=found.settings.exposure,
        aperture=found.settings.aperture,
        iso=found.settings.iso,
        focal=found.settings.focal,
        latitude=said.latitude,
        longitude=said.longitude,
        location=str(photo.path) if located else None,
    )


def _group(gallery: Gallery, photo_id: str) -> Group:
    published, marked = gallery.trusted.library, gallery.marks.now()
    asked = find_photo(gallery, photo_id)
    found = [
        one for one in published.duplicates(asked) if one.content not in marked.hidden or one.id == asked.id
    ]
    most = max(one.width * one.height for one in found)
    sizes: dict[str, int] = {}
    for one in found:
        # Only these need to be told apart by their files.
        if one.width * one.height == most and one.content not in sizes:
            sizes[one.content] = _bytes(one)
    found.sort(
        key=lambda one: (
            *one.originality, -sizes.get(one.content, 0), one.moment or "9", one.relative, one.root
        )
    )  # fmt: skip
    return Group(photos=[shown(one, marked.favourite) for one in found])


def _bytes(photo: Photo) -> int:
    """The size of its file; 0 if that cannot be opened."""
    try:
        original = open_original(photo)
    except ServiceError:
        return 0
    with original.file:
        return original.found.st_size
