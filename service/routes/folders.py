"""/admin/folders: choose photo folders; /admin/library: which the library has, and what is being done with them."""

from collections.abc import Mapping
from typing import Annotated, Any, cast

import anyio
import anyio.to_thread
from fastapi import APIRouter, Body, Depends, Query, Request
from fastapi.openapi.models import Example

from service.library.keeper import Keeper, why
from service.routes import problems
from service.routes.index import last_run
from service.schemas import Indexing
from service.setup_schemas import Chosen, Count, Doing, Folder, LibraryState, Listing, State

router = APIRouter(prefix="/admin", tags=["admin"], responses=problems("admins_only", "invalid_request"))

# Longer than counting takes; a drive that does not respond takes forever.
_PATIENCE = 5.0
_SILENT = "this folder does not respond; check its drive"


async def _keeper(request: Request) -> Keeper:
    return cast(Keeper, request.app.state.keeper)


Kept = Annotated[Keeper, Depends(_keeper)]
Path = Annotated[str, Query(description="The full path of a folder.", max_length=4096)]


@router.get("/folders", responses=problems("folder_refused"))
async def folders(
    keeper: Kept,
    path: Annotated[
        str | None, Query(description="Without it, only the places to begin at.", max_length=4096)
    ] = None,
) -> Listing:
    """The folders in a folder, below your home folder, on mounted drives, and in those of the setting `places`."""
    with anyio.move_on_after(_PATIENCE):
        return await anyio.to_thread.run_sync(
            lambda: keeper.chooser().listing(path), limiter=keeper.limiter, abandon_on_cancel=True
        )
    return Listing(path=path or "", parent=None, folders=[], places=[], problem=_SILENT)


@router.get("/folders/count", responses=problems("folder_refused"))
async def count(keeper: Kept, path: Path) -> Count:
    """How many photos a folder holds, by file names, as far as two seconds reach; and why it cannot be added."""
    with anyio.move_on_after(_PATIENCE):
        return await anyio.to_thread.run_sync(
            lambda: keeper.chooser().count(path), limiter=keeper.limiter, abandon_on_cancel=True
        )
    return Count(photos=0, skipped=0, complete=False, problem=_SILENT)


@router.get("/library")
async def library(keeper: Kept) -> LibraryState:
    """The photo folders, whether a run is active and how far it has come, and what went wrong last."""
    return await _state(keeper)


_EXAMPLE: dict[str, Example] = {"a folder": {"value": {"path": "/home/me/Pictures"}}}
_CHANGE = problems("already_running", "index_unwritable")


@router.post("/library/folders", responses=_CHANGE | problems("folder_refused", "unsupported_media_type"))
async def add(keeper: Kept, chosen: Annotated[Chosen, Body(openapi_examples=_EXAMPLE)]) -> LibraryState:
    """Add a photo folder and start a run. One that is active keeps its work, and goes on with this folder as well."""
    await keeper.add(chosen.path)
    return await _state(keeper)


@router.delete("/library/folders", responses=_CHANGE | problems("folder_not_found"))
async def remove(keeper: Kept, path: Path) -> LibraryState:
    """Remove a photo folder from the library, by a run that forgets its photos. No photo is touched."""
    await keeper.remove(path)
    return await _state(keeper)


@router.post("/pause", responses=problems("index_unwritable"))
async def pause(keeper: Kept) -> LibraryState:
    """Stop the active run, which keeps its work, and start none until it is resumed, even if the service restarts."""
    await keeper.pause()
    return await _state(keeper)


@router.post("/resume", responses=_CHANGE)
async def resume(keeper: Kept) -> LibraryState:
    """End a pause: start a run, which goes on where the last one stopped."""
    await keeper.resume()
    return await _state(keeper)


async def _state(keeper: Keeper) -> LibraryState:
    return await anyio.to_thread.run_sync(_described, keeper, limiter=keeper.limiter)


def _described(keeper: Keeper) -> LibraryState:
    job, report, held = keeper.job.state, keeper.reports.last(), keeper.folders()
    published, busy = len(keeper.gallery.published), keeper.busy
    failed = not busy and (
        job.state == "failed" or (job.state == "never" and report.get("state") == "failed")
    )
    state: State = "idle"
    if busy:
        state = "running"
    elif not held and not published:
        state = "empty"
    elif keeper.paused:
        state = "paused"
    elif failed:
        state = "failed"
    return LibraryState(
        index=str(keeper.index.resolve()),
        configured=bool(held),
        watching=keeper.watching,
        state=state,
        folders=[Folder(path=str(one.path), photos=one.photos, missing=one.missing) for one in held],
        progress=_doing(job.progress) if keeper.job.running else None,
        published=published,
        problem=None if busy or state == "empty" else _problem(job, report, failed) or keeper.gallery.problem,
        last_run=last_run(report) if report else None,
    )


def _doing(progress: Mapping[str, Any] | None) -> Doing | None:
    if not progress:
        return None
    try:
        return Doing(
            what=str(progress.get("what") or "photos"),
            done=progress["done"],
            photos=progress["photos"],
            per_second=progress.get("rate"),
            seconds_left=progress.get("seconds_left"),
        )
    except (KeyError, ValueError):  # whatever a job of another version says
        return None


def _problem(job: Indexing, report: Mapping[str, Any], failed: bool) -> str | None:
    """What went wrong in the last run, in one line."""
    found = job.report if job.report is not None else report if job.state == "never" else {}
    said = found.get("error") or "; ".join(map(str, found.get("problems") or []))
    if not said and failed:
        said = job.tail[-1] if job.tail else "the last run failed; see the service's log"
    return (why(said) or said) if said else None
