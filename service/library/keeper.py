"""What becomes of the library while the service runs: folders added and removed, runs paused and continued."""

import asyncio
import contextlib
import errno
import os
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import anyio
import anyio.to_thread

from indexer.errors import IndexBusy, IndexProblem
from indexer.jobs.contents import Holding, holdings
from indexer.jobs.status import is_running
from service.library import intent
from service.library.choosing import Chooser
from service.library.intent import Intent
from service.library.places import Places
from service.library.reindex import Asked, Reindex
from service.ops.reports import Reports
from service.problems import ServiceError
from service.search.gallery import Gallery
from service.settings import Settings, listed

_THREADS = 4
_AGAIN_SECONDS = 1.0
_T = TypeVar("_T")


class Keeper:
    """Call the coroutines from the event loop's thread. Whatever they change is written before a run starts."""

    def __init__(self, gallery: Gallery, job: Reindex, reports: Reports, settings: Settings) -> None:
        self.gallery, self.job, self.reports = gallery, job, reports
        self.watching = settings.watching
        self.places = Places(listed(settings.places))
        # A drive that does not respond blocks nothing else.
        self.limiter = anyio.CapacityLimiter(_THREADS)
        # Set whenever there may be other folders to watch, or a run has ended; the watcher clears it.
        self.changed = asyncio.Event()
        self._resume = settings.resume
        self._changing = asyncio.Lock()
        self._intent = intent.read(gallery.index)
        self._beginning: asyncio.Task[None] | None = None

    @property
    def index(self) -> Path:
        return self.gallery.index

    @property
    def paused(self) -> bool:
        return self._intent.paused

    @property
    def intent(self) -> Intent:
        return self._intent

    @property
    def pending(self) -> bool:
        """Whether there are folders to add or to forget that no run has dealt with yet."""
        return bool(self._intent.add or self._intent.forget)

    @property
    def _unfinished(self) -> bool:
        return not self.paused and (self._intent.running or self.pending)

    @property
    def busy(self) -> bool:
        """Whether a run is active, here or elsewhere."""
        return self.job.running or is_running(self.index)

    def folders(self) -> list[Holding]:
        """The photo folders, with those that the next run adds, and without those that it forgets. Blocks."""
        held = holdings(self.index)
        if not held and (roots := self.gallery.published.roots()):
            held = [Holding(root, 0) for root in roots]
        known = {holding.path for holding in held}
        held += [Holding(path, 0) for path in map(Path, self._intent.add) if path not in known]
        return [holding for holding in held if str(holding.path) not in self._intent.forget]

    def chooser(self) -> Chooser:
        return Chooser(self.places, self.index, [holding.path for holding in self.folders()])

    async def begin(self) -> None:
        """At startup: go on with a run that the last stop interrupted, once its process has ended."""
        if not (self._resume and self._unfinished):
            return
        if self.busy:
            self._beginning = asyncio.create_task(self._go_on())
        else:
            await self._start()

    async def close(self) -> None:
        """Stop the run, which goes on at the next start."""
        if self._beginning is not None:
            self._beginning.cancel()
            await asyncio.gather(self._beginning, return_exceptions=True)
        await self.job.stop()

    async def _go_on(self) -> None:
        while self._unfinished and not self.job.running:
            async with self._changing:
                if not self.busy:
                    await self._start()
                    return
            await asyncio.sleep(_AGAIN_SECONDS)

    async def add(self, text: str) -> None:
        """Add a folder and start a run; one that is active is stopped, which keeps its work, and goes on with both."""
        async with self._changing:
            self._refuse_elsewhere()
            if not self.job.running and text in self._intent.add:
                # A run was to add it, but never did.
                await self._want(paused=False, running=True)
                await self._restart()
                return
            chooser = await self._in_thread(self.chooser)
            if self.job.running and chooser.holds(text):
                raise _already()
            path = await self._in_thread(partial(chooser.checked, text))
            known = self._intent
            await self._want(
                add=_with(known.add, path), forget=_without(known.forget, path), paused=False, running=True
            )
            await self._restart()

    async def remove(self, text: str) -> None:
        """Remove a folder from the library with a run that forgets it. The folder itself is left alone."""
        async with self._changing:
            path = Path(text)
            if path not in [holding.path for holding in await self._in_thread(self.folders)]:
                raise ServiceError(
                    "folder_not_found", "this folder is not in the library; GET /admin/library"
                )
            self._refuse_elsewhere()
            recorded = path in [
                holding.path for holding in await self._in_thread(partial(holdings, self.index))
            ]
            forget = _with(self._intent.forget, path) if recorded else self._intent.forget
            add = _without(self._intent.add, path)
            anything = bool(forget or add or recorded)
            await self._want(add=add, forget=forget, paused=False, running=anything)
            if anything:
                await self._restart()
            else:
                await self.job.stop()

    async def pause(self) -> None:
        """Stop the run, which keeps its work, and start none until `resume`, not even after a restart."""
        async with self._changing:
            try:
                await self._want(paused=True)
            finally:
                # A full disk must not keep it going.
                self._intent = replace(self._intent, paused=True)
                await self.job.stop()

    async def resume(self) -> None:
        """End a pause and go on."""
        async with self._changing:
            if self.busy:
                raise _already()
            anything = bool(await self._in_thread(self.folders)) or bool(self._intent.forget)
            await self._want(paused=False, running=anything)
            if anything:
                await self._start()

    async def start(self, *, background: bool = False) -> None:
        """Start a run over all folders, which ends a pause; raises `already_running`."""
        async with self._changing:
            if self.busy:
                raise _already()
            # A service that cannot write the index says so by the job's own error.
            with contextlib.suppress(ServiceError):
                await self._want(paused=False, running=True)
            await self._start(background=background)

    async def ended(self) -> None:
        """A run has ended by itself: forget what it has done."""
        roots = {str(holding.path) for holding in await self._in_thread(partial(holdings, self.index))}
        add = tuple(path for path in self._intent.add if path not in roots)
        forget = tuple(path for path in self._intent.forget if path in roots)
        left = Intent(paused=self._intent.paused, running=bool(add or forget), add=add, forget=forget)
        if left != self._intent:
            with contextlib.suppress(ServiceError):
                await self._write(left)
        self.changed.set()
        await anyio.to_thread.run_sync(partial(self.gallery.refresh, now=True))

    async def _restart(self) -> None:
        await self.job.stop()
        await self._start()

    async def _start(self, *, background: bool = False) -> None:
        wanted, add = self._intent, []
        if wanted.add:
            # Named folders are all that a run updates, so name all.
            add = [holding.path for holding in await self._in_thread(self.folders)]
        held = {str(holding.path) for holding in await self._in_thread(partial(holdings, self.index))}
        forget = [Path(path) for path in wanted.forget if path in held]
        await self.job.start(Asked(tuple(add), tuple(forget), background))

    def _refuse_elsewhere(self) -> None:
        if not self.job.running and is_running(self.index):
            raise _already()

    async def _want(self, **changes: Any) -> None:
        wanted = replace(self._intent, **changes)
        if wanted != self._intent:
            await self._write(wanted)

    async def _write(self, wanted: Intent) -> None:
        try:
            await anyio.to_thread.run_sync(intent.write, self.index, wanted, limiter=self.limiter)
        except IndexBusy:
            raise _already() from None
        except (OSError, IndexProblem) as error:
            raise ServiceError("index_unwritable", why(str(error)) or str(error)) from None
        self._intent = wanted
        self.changed.set()

    async def _in_thread(self, work: Callable[[], _T]) -> _T:
        return await anyio.to_thread.run_sync(work, limiter=self.limiter)


def why(error: str) -> str | None:
    """A frequent cause of a failure in plain words."""
    if os.strerror(errno.ENOSPC) in error or "disk is full" in error:
        return "the disk that holds the index is full: free some space, then start again"
    if os.strerror(errno.EROFS) in error:
        return "the disk that holds the index is read-only: start the service with another index folder"
    return None


def _already() -> ServiceError:
    return ServiceError("already_running", "an index job is already running; see GET /admin/reindex")


def _with(paths: Iterable[str], path: Path) -> tuple[str, ...]:
    return tuple(dict.fromkeys([*paths, str(path)]))


def _without(paths: Iterable[str], path: Path) -> tuple[str, ...]:
    return tuple(one for one in paths if one != str(path))
