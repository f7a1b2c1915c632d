"""/admin: taking up a new generation now, and bringing the index up to date."""

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
    """Looks for a newer generation now, and takes it up; the old one serves on where that fails."""
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
    """Starts `sketchseek index` over the folders of earlier runs, as a process of its own."""
    if job.running:
        raise ServiceError("already_running", "an index job is running; GET /admin/reindex shows how far")
    await job.start()
    return job.state


@router.get("/reindex")
async def progress(job: Job) -> Indexing:
    """How far the job is, or what the last one did."""
    return job.state
