"""/admin: reload the index, and update it."""

from functools import partial
from typing import Annotated, cast

import anyio.to_thread
from fastapi import APIRouter, Depends, Request

from service.ops.reindex import Reindex
from service.problems import ServiceError
from service.routes import OpenGallery, problems
from service.schemas import Indexing, Reloaded

router = APIRouter(prefix="/admin", tags=["admin"], responses=problems("admins_only"))


async def _reindex(request: Request) -> Reindex:
    return cast(Reindex, request.app.state.reindex)


Job = Annotated[Reindex, Depends(_reindex)]


@router.post("/reload")
async def reload(gallery: OpenGallery) -> Reloaded:
    """Look for a newer generation now and switch to it. If it cannot be opened, the old one keeps serving."""
    swapped = await anyio.to_thread.run_sync(partial(gallery.refresh, now=True))
    published = gallery.published
    return Reloaded(
        swapped=swapped,
        generation=published.manifest.generation,
        photos=len(published),
        problem=gallery.problem,
    )


@router.post("/reindex", status_code=202, responses=problems("already_running"))
async def start(job: Job) -> Indexing:
    """Start `sketchseek index` over the known folders, in a separate process."""
    if job.running:
        raise ServiceError("already_running", "an index job is already running; see GET /admin/reindex")
    await job.start()
    return job.state


@router.get("/reindex")
async def progress(job: Job) -> Indexing:
    """The progress of the running job, or the result of the last one."""
    return job.state
