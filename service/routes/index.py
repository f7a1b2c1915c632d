"""/index: what is being searched, what the last run did, and which files it skipped."""

from collections.abc import Iterable, Mapping
from pathlib import Path, PurePath
from typing import Annotated, Any

import anyio.to_thread
from fastapi import APIRouter, Query, Request

from indexer.jobs.status import is_running
from indexer.reports.report import skipped_files, skipped_total
from service.health import HealthWatch, public
from service.ops.logging import without_paths
from service.ops.reports import Reports
from service.routes import OpenGallery, problems
from service.schemas import IndexState, LastRun, SkippedFile
from service.search.gallery import Gallery

router = APIRouter(tags=["index"])

_COUNTS = ("added", "changed", "moved", "removed", "unchanged")


@router.get("/index", responses=problems("invalid_request", "index_damaged"))
async def index(
    request: Request,
    gallery: OpenGallery,
    k: Annotated[int, Query(ge=0, le=1000, description="How many skipped files to list.")] = 100,
    offset: Annotated[int, Query(ge=0, le=10_000_000, description="How many of them to skip first.")] = 0,
) -> IndexState:
    """The number of photos, whether all is well, what the last run did, and which files it skipped and why."""
    reports: Reports = request.app.state.reports
    watch: HealthWatch = request.app.state.health
    return await anyio.to_thread.run_sync(_state, gallery, reports, watch, k, offset, limiter=reports.limiter)


def _state(gallery: Gallery, reports: Reports, watch: HealthWatch, k: int, offset: int) -> IndexState:
    served = gallery.served
    published, (health, lines) = served.library, public(watch.now(served))
    report, roots = reports.last(), published.roots()
    return IndexState(
        photos=len(published),
        generation=published.manifest.generation,
        published=published.manifest.created,
        running=is_running(gallery.index),
        last_run=last_run(report) if report else None,
        skipped=[_skipped(entry, roots) for entry in skipped_files(gallery.index, report, offset, k)],
        skipped_total=skipped_total(report),
        problem=served.problem,
        health=health,
        problems=lines,
    )


def last_run(report: Mapping[str, Any]) -> LastRun:
    """Convert a report, which any version of the indexer may have written."""
    counts = {name: value for name in _COUNTS if isinstance(value := report.get(name), int)}
    seconds = report.get("seconds")
    return LastRun(
        state=str(report.get("state", "unknown")),
        started=str(report["started"]) if report.get("started") else None,
        seconds=seconds if isinstance(seconds, int | float) else None,
        problems=[without_paths(str(problem)) for problem in _listed(report.get("problems"))],
        **counts,
    )


def _skipped(entry: object, roots: Iterable[Path]) -> SkippedFile:
    fields = entry if isinstance(entry, dict) else {}
    path = PurePath(str(fields.get("path", "")))
    # Outside the served folders, show only the file name: clients should not learn other paths.
    inside = [path.relative_to(root) for root in roots if path.is_relative_to(root)]
    shortest = min(inside, key=lambda found: len(found.parts), default=PurePath(path.name))
    return SkippedFile(path=_text(str(shortest)), reason=_text(without_paths(str(fields.get("reason", "")))))


def _text(name: str) -> str:
    """Escape names that are not valid text."""
    return name.encode("utf-8", "backslashreplace").decode()


def _listed(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
