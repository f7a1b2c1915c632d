"""The two clients: they differ only in how they wait."""

import time
from collections.abc import Iterable
from typing import Self, TypeVar, Unpack

import anyio
import httpx

from service.client import calls
from service.client.calls import Call, Download, Patience, Size
from service.client.options import BrowseOptions, Picture, SearchOptions
from service.explaining.schemas import ExplanationInfo
from service.listings import Details, FacetsInfo, Group, Listing, MarkState, Timeline
from service.schemas import Indexing, Info, Ready, Reloaded, SearchResponse

T = TypeVar("T")


class Client:
    """A client for a service; if the service is busy, it retries for up to `patience` seconds.

    `timeout` applies to each step of a single request. Thread-safe.
    """

    def __init__(
        self, url: str, *, key: str | None = None, timeout: float = 30.0, patience: float = 20.0
    ) -> None:
        self._http = httpx.Client(**calls.connection(url, key, timeout))
        self._patience = patience

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

    def search(self, **options: Unpack[SearchOptions]) -> SearchResponse:
        """Find photos by a sketch, a photo, words, a known photo, or a mix of them."""
        return self._ask(calls.search(options))

    def explain(self, sketch: Picture, photo_id: str) -> ExplanationInfo:
        """Which parts of a drawing match which parts of a photo."""
        return self._ask(calls.explain(sketch, photo_id))

    def collage(self, sketch: Picture, photo_id: str) -> Download:
        """The drawing rebuilt from the photo, as a PNG."""
        return self._ask(calls.collage(sketch, photo_id))

    def photo(self, photo_id: str) -> Download:
        return self._ask(calls.photo(photo_id))

    def thumbnail(self, photo_id: str, size: Size = "small") -> Download:
        return self._ask(calls.thumbnail(photo_id, size))

    def timeline(self, **options: Unpack[BrowseOptions]) -> Timeline:
        """How many photos each month has, newest first."""
        return self._ask(calls.timeline(options))

    def photos(
        self, *, month: str | None = None, offset: int = 0, k: int = 100, **options: Unpack[BrowseOptions]
    ) -> Listing:
        """A page of the photos of a month, or of all photos, newest first."""
        return self._ask(calls.photos(options, month, offset, k))

    def facets(self) -> FacetsInfo:
        """The folders, cameras, and years that there are."""
        return self._ask(calls.facets())

    def details(self, photo_id: str) -> Details:
        """When, where, and how a photo was taken."""
        return self._ask(calls.details(photo_id))

    def group(self, photo_id: str) -> Group:
        """A photo and its near-duplicates, the original first."""
        return self._ask(calls.group(photo_id))

    def favourite(self, photo_id: str, value: bool = True) -> MarkState:
        """Mark a photo as a favourite, or remove the mark; needs an admin key."""
        return self._ask(calls.mark(photo_id, "favourite", value))

    def hide(self, photo_id: str, value: bool = True) -> MarkState:
        """Leave a photo out of searches and lists, or show it again; needs an admin key."""
        return self._ask(calls.mark(photo_id, "hidden", value))

    def download(self, photo_ids: Iterable[str]) -> Download:
        """Photos as one zip file, held in memory."""
        return self._ask(calls.download(photo_ids))

    def info(self) -> Info:
        return self._ask(calls.info())

    def ready(self) -> Ready:
        """Check whether the service can search now and, if not, why."""
        return self._ask(calls.ready())

    def reload(self) -> Reloaded:
        """Make the service look for a newer index; needs an admin key."""
        return self._ask(calls.reload())

    def reindex(self) -> Indexing:
        """Make the service update its index; needs an admin key."""
        return self._ask(calls.reindex())

    def reindex_status(self) -> Indexing:
        return self._ask(calls.reindex_status())

    def _ask(self, call: Call[T]) -> T:
        patience = Patience(self._patience)
        while True:
            try:
                answer = self._http.request(
                    call.method, call.path, params=call.params, files=call.files, data=call.data
                )
            except httpx.RequestError as error:
                raise calls.unreachable(self._http.base_url, error) from error
            wait = patience.wait(answer) if answer.status_code not in call.accepts else None
            if wait is None:
                return calls.result(call, answer)
            time.sleep(wait)


class AsyncClient:
    """`Client` for asyncio and trio: the same calls, awaited."""

    def __init__(
        self, url: str, *, key: str | None = None, timeout: float = 30.0, patience: float = 20.0
    ) -> None:
        self._http = httpx.AsyncClient(**calls.connection(url, key, timeout))
        self._patience = patience

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        await self._http.aclose()

    async def search(self, **options: Unpack[SearchOptions]) -> SearchResponse:
        # Files are read and pictures written in a thread, so that other tasks can run meanwhile.
        return await self._ask(await anyio.to_thread.run_sync(calls.search, options))

    async def explain(self, sketch: Picture, photo_id: str) -> ExplanationInfo:
        """Which parts of a drawing match which parts of a photo."""
        return await self._ask(await anyio.to_thread.run_sync(calls.explain, sketch, photo_id))

    async def collage(self, sketch: Picture, photo_id: str) -> Download:
        """The drawing rebuilt from the photo, as a PNG."""
        return await self._ask(await anyio.to_thread.run_sync(calls.collage, sketch, photo_id))

    async def photo(self, photo_id: str) -> Download:
        return await self._ask(calls.photo(photo_id))

    async def thumbnail(self, photo_id: str, size: Size = "small") -> Download:
        return await self._ask(calls.thumbnail(photo_id, size))

    async def timeline(self, **options: Unpack[BrowseOptions]) -> Timeline:
        """How many photos each month has, newest first."""
        return await self._ask(calls.timeline(options))

    async def photos(
        self, *, month: str | None = None, offset: int = 0, k: int = 100, **options: Unpack[BrowseOptions]
    ) -> Listing:
        """A page of the photos of a month, or of all photos, newest first."""
        return await self._ask(calls.photos(options, month, offset, k))

    async def facets(self) -> FacetsInfo:
        """The folders, cameras, and years that there are."""
        return await self._ask(calls.facets())

    async def details(self, photo_id: str) -> Details:
        """When, where, and how a photo was taken."""
        return await self._ask(calls.details(photo_id))

    async def group(self, photo_id: str) -> Group:
        """A photo and its near-duplicates, the original first."""
        return await self._ask(calls.group(photo_id))

    async def favourite(self, photo_id: str, value: bool = True) -> MarkState:
        """Mark a photo as a favourite, or remove the mark; needs an admin key."""
        return await self._ask(calls.mark(photo_id, "favourite", value))

    async def hide(self, photo_id: str, value: bool = True) -> MarkState:
        """Leave a photo out of searches and lists, or show it again; needs an admin key."""
        return await self._ask(calls.mark(photo_id, "hidden", value))

    async def download(self, photo_ids: Iterable[str]) -> Download:
        """Photos as one zip file, held in memory."""
        return await self._ask(calls.download(photo_ids))

    async def info(self) -> Info:
        return await self._ask(calls.info())

    async def ready(self) -> Ready:
        return await self._ask(calls.ready())

    async def reload(self) -> Reloaded:
        return await self._ask(calls.reload())

    async def reindex(self) -> Indexing:
        return await self._ask(calls.reindex())

    async def reindex_status(self) -> Indexing:
        return await self._ask(calls.reindex_status())

    async def _ask(self, call: Call[T]) -> T:
        patience = Patience(self._patience)
        while True:
            try:
                answer = await self._http.request(
                    call.method, call.path, params=call.params, files=call.files, data=call.data
                )
            except httpx.RequestError as error:
                raise calls.unreachable(self._http.base_url, error) from error
            wait = patience.wait(answer) if answer.status_code not in call.accepts else None
            if wait is None:
                return calls.result(call, answer)
            await anyio.sleep(wait)
