"""/photos/{id}/favourite and /photos/{id}/hidden: marks that people set, and /admin/reveal."""

from functools import partial

import anyio.to_thread
from fastapi import APIRouter, Request

from indexer.marks import Mark, MarksProblem
from service.listings import MarkState, Revealed
from service.photos.files import open_original
from service.photos.reveal import reveal
from service.problems import ServiceError
from service.routes import OpenGallery, problems
from service.routes.photos import PhotoId, find_photo
from service.search.gallery import Gallery

router = APIRouter(tags=["marks"], responses=problems("admins_only", "photo_not_found", "invalid_request"))

_MARKING = problems("mark_not_stored", "index_damaged")


@router.put("/photos/{photo_id}/favourite", responses=_MARKING)
async def favour(photo_id: PhotoId, gallery: OpenGallery) -> MarkState:
    """Mark a photo as a favourite. Marks belong to the photo's content: they survive moves and new runs."""
    return await _marked(gallery, photo_id, "favourite", True)


@router.delete("/photos/{photo_id}/favourite", responses=_MARKING)
async def unfavour(photo_id: PhotoId, gallery: OpenGallery) -> MarkState:
    """Remove the mark."""
    return await _marked(gallery, photo_id, "favourite", False)


@router.put("/photos/{photo_id}/hidden", responses=_MARKING)
async def hide(photo_id: PhotoId, gallery: OpenGallery) -> MarkState:
    """Leave a photo out of searches, lists, and counts. Its file stays as it is."""
    return await _marked(gallery, photo_id, "hidden", True)


@router.delete("/photos/{photo_id}/hidden", responses=_MARKING)
async def unhide(photo_id: PhotoId, gallery: OpenGallery) -> MarkState:
    """Show a photo again."""
    return await _marked(gallery, photo_id, "hidden", False)


@router.post(
    "/admin/reveal/{photo_id}",
    tags=["admin"],
    responses=problems("no_file_manager", "photo_gone", "photo_unreadable", "index_damaged"),
)
async def show_in_folder(request: Request, photo_id: PhotoId, gallery: OpenGallery) -> Revealed:
    """Show a photo in the file manager of the machine where the service runs, if that is also the caller's."""
    photo = await anyio.to_thread.run_sync(find_photo, gallery, photo_id)
    limiter = request.app.state.reading
    opened = await anyio.to_thread.run_sync(open_original, photo, limiter=limiter)
    opened.file.close()
    local = request.app.state.access.loopback
    if not (local and await anyio.to_thread.run_sync(reveal, photo.path, limiter=limiter)):
        detail = "no file manager can be opened here; copy the photo's path instead"
        raise ServiceError("no_file_manager", detail)
    return Revealed()


async def _marked(gallery: Gallery, photo_id: str, mark: Mark, value: bool) -> MarkState:
    return await anyio.to_thread.run_sync(partial(_put, gallery, photo_id, mark, value=value))


def _put(gallery: Gallery, photo_id: str, mark: Mark, *, value: bool) -> MarkState:
    content = find_photo(gallery, photo_id).content
    try:
        marked = gallery.marks.put(content, mark, value)
    except MarksProblem:
        detail = "the mark could not be stored; check the disk of the index and its permissions"
        raise ServiceError("mark_not_stored", detail, {"retry-after": "5"}) from None
    return MarkState(favourite=content in marked.favourite, hidden=content in marked.hidden)
