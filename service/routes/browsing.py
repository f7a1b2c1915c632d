"""/timeline, /photos and /facets: look at the photos without searching."""

from collections.abc import Mapping
from heapq import nlargest
from typing import Annotated

import anyio.to_thread
from fastapi import APIRouter, Depends, Request

from indexer.values import Filter
from service.asgi.openapi import in_address
from service.listings import CameraFacet, FacetsInfo, FolderFacet, Listing, MonthInfo, Timeline, YearFacet
from service.routes import OpenGallery, problems
from service.search.finding import shown
from service.search.gallery import Gallery
from service.search.parameters.browsing import Chosen, Paged
from service.search.parameters.values import once

router = APIRouter(tags=["browsing"])

_MOST_FACETS = 500


async def _chosen(request: Request) -> Chosen:
    return Chosen.read(once(request.query_params.multi_items()))


async def _paged(request: Request) -> Paged:
    return Paged.read(once(request.query_params.multi_items()))


@router.get(
    "/timeline",
    openapi_extra=in_address(Chosen),
    responses=problems("invalid_request", "index_damaged", "store_unavailable"),
)
async def timeline(gallery: OpenGallery, chosen: Annotated[Chosen, Depends(_chosen)]) -> Timeline:
    """How many photos each month has, newest first.

    A photo is of the month in which it was taken or, if its file does not say, was last changed.
    """
    return await anyio.to_thread.run_sync(_timeline, gallery, chosen)


@router.get(
    "/photos",
    openapi_extra=in_address(Paged),
    responses=problems("invalid_request", "index_damaged", "store_unavailable"),
)
async def photos(gallery: OpenGallery, paged: Annotated[Paged, Depends(_paged)]) -> Listing:
    """The photos of a month, or all photos, newest first and page by page."""
    return await anyio.to_thread.run_sync(_photos, gallery, paged)


@router.get("/facets", responses=problems("index_damaged", "store_unavailable"))
async def facets(gallery: OpenGallery) -> FacetsInfo:
    """The folders, cameras, and years that there are, and how many photos each has."""
    return await anyio.to_thread.run_sync(_facets, gallery)


def _timeline(gallery: Gallery, chosen: Chosen) -> Timeline:
    published = gallery.trusted.library
    months = published.timeline(chosen.where(gallery.marks.now()))
    return Timeline(
        total=sum(month.photos for month in months),
        generation=published.manifest.generation,
        months=[MonthInfo(month=month.month, photos=month.photos) for month in months],
    )


def _photos(gallery: Gallery, paged: Paged) -> Listing:
    published, marked = gallery.trusted.library, gallery.marks.now()
    where = paged.where(marked)
    months = published.timeline(where)
    found = published.listing(where, month=paged.month, offset=paged.offset, k=paged.k)
    return Listing(
        photos=[shown(photo, marked.favourite) for photo in found],
        total=sum(month.photos for month in months if paged.month in (None, month.month)),
        generation=published.manifest.generation,
    )


def _facets(gallery: Gallery) -> FacetsInfo:
    published, marked = gallery.trusted.library, gallery.marks.now()

    def count(where: Filter | None) -> int:
        return sum(month.photos for month in published.timeline(where))

    found = published.facets(marked.hidden)
    return FacetsInfo(
        folders=[FolderFacet(path=path, photos=photos) for path, photos in _most(found.folders)],
        cameras=[CameraFacet(name=name, photos=photos) for name, photos in _most(found.cameras)],
        years=[YearFacet(year=year, photos=photos) for year, photos in found.years.items()],
        favourites=count(marked.among(None, favourites=True)),
        hidden=count(marked.among(None, hidden=True)),
    )


def _most(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    """Those with most photos, in their order."""
    if len(counts) <= _MOST_FACETS:
        return list(counts.items())
    kept = set(nlargest(_MOST_FACETS, counts, key=lambda name: counts[name]))
    return [(name, photos) for name, photos in counts.items() if name in kept]
