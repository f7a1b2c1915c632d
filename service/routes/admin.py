"""/admin: reload the index, and update it."""

from functools import partial

import anyio.to_thread
from fastapi import APIRouter

from service.routes import OpenGallery, problems
from service.routes.folders import Kept
from service.schemas import Indexing, Reloaded

router = APIRouter(prefix="/admin", tags=["admin"], responses=problems("admins_only"))


@router.post("/reload")
async def reload(gallery: OpenGallery) -> Reloaded:
    """Look for a newer generation now and switch to it. If it cannot be opened, the old one keeps serving."""
    swapped = await anyio.to_thread.run_sync(partial(gallery.refresh, now=True))
    served = gallery.served
    published = served.library
    return Reloaded(
        swapped=swapped,
        generation=published.manifest.generation,
        photos=len(published),
        problem=served.problem,
    )


@router.post("/reindex", status_code=202, responses=problems("already_running"))
async def start(keeper: Kept) -> Indexing:
    """Start `sketchseek index` over the known folders, in a separate process. Ends a pause."""
    await keeper.start()
    return keeper.job.state


@router.get("/reindex")
async def progress(keeper: Kept) -> Indexing:
    """The progress of the running job, or the result of the last one."""
    return keeper.job.state
