"""Start a run when the photo folders change while the service runs: soon, but never in anybody's way.

Events only say when to look; whether there is something to do, a comparison with the catalogue decides. Where events
do not arrive (network drives, exhausted inotify watches, no watchfiles), it compares every few minutes.
"""

import asyncio
import logging
import os
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import anyio.to_thread

from indexer.folders.filesystems import mounts
from indexer.jobs.contents import Sight, look
from indexer.jobs.status import is_running
from service.library.keeper import Keeper
from service.problems import ServiceError

try:
    import watchfiles
except ImportError:
    watchfiles = None

log = logging.getLogger("sketchseek")
# It reports every event.
logging.getLogger("watchfiles").setLevel(logging.WARNING)

# More folders than this are compared every few minutes instead: systems limit how many one may watch.
_MOST_WATCHED = 8192
_REMOTE = frozenset({"nfs", "nfs4", "cifs", "smb3", "9p", "virtiofs", "afs", "ceph", "glusterfs"})
_POWER = Path("/sys/class/power_supply")
_LEAST_CHARGE = 30
_MOST_LOAD = 2.0


@dataclass(frozen=True)
class Pace:
    """Seconds: `quiet` after an event before looking; otherwise `again`, `later` when put off, or `blind` where no
    event can arrive although the folders are on this machine."""

    quiet: float = 5.0
    blind: float = 45.0
    again: float = 300.0
    later: float = 60.0


class Watcher:
    """Runs until it is cancelled."""

    def __init__(
        self,
        keeper: Keeper,
        pace: Pace | None = None,
        busy: Callable[[], str | None] | None = None,
    ) -> None:
        self._keeper = keeper
        self._pace = pace or Pace()
        self._busy = busy or put_off
        # What the folders looked like when a run was started last: it need not be tried again.
        self._tried = b""
        self._said: str | None = None
        # When to try again what people asked for and no run has done, and how often that was tried.
        self._retry, self._retries = 0.0, 0

    async def run(self) -> None:
        """Look now, for changes while nobody watched; then whenever something seems to change."""
        while True:
            wait = self._pace.again
            try:
                if not await self.check():
                    wait = self._pace.later
            except Exception:  # whatever is wrong now, look again later
                log.exception("watching the photo folders failed; trying again later")
            await self._until_changed(wait)

    async def check(self) -> bool:
        """Start a run if there is something to do; returns False if that had to be put off."""
        keeper = self._keeper
        if keeper.paused:
            return True
        if keeper.job.running or is_running(keeper.index):
            return False
        if keeper.pending:
            return await self._take_up()
        self._retries = 0
        sight: Sight = await anyio.to_thread.run_sync(look, keeper.index, limiter=keeper.limiter)
        if not sight.stale or sight.mark == self._tried:
            return True
        if reason := await anyio.to_thread.run_sync(self._busy):
            if reason != self._said:
                log.info("photos have changed; they are indexed later, because %s", reason)
            self._said = reason
            return False
        self._said = None
        try:
            await keeper.start(background=True)
        except ServiceError:  # somebody else was faster
            return False
        self._tried = sight.mark
        return True

    async def _take_up(self) -> bool:
        """Start what was asked for but not done, such as a folder whose run was killed; ever more rarely."""
        due = self._retries > 0 and time.monotonic() >= self._retry
        if due or not self._retries:
            self._retry = time.monotonic() + self._pace.later * 2 ** min(self._retries, 5)
            self._retries += 1
        if not due:
            return False
        try:
            await self._keeper.start()
        except ServiceError:
            return False
        return True

    async def _until_changed(self, wait: float) -> None:
        """Wait for an event and the quiet after it, for other folders to watch, or until the time is up."""
        folders = await anyio.to_thread.run_sync(self._local_folders, limiter=self._keeper.limiter)
        waiting = [
            asyncio.create_task(self._until_event(folders, wait)),
            asyncio.create_task(self._keeper.changed.wait()),
        ]
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in waiting:
                task.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)
            self._keeper.changed.clear()
        await asyncio.sleep(self._pace.quiet)

    async def _until_event(self, folders: Sequence[Path], wait: float) -> None:
        if not folders:
            await asyncio.sleep(wait)
            return
        if watchfiles is None:
            await asyncio.sleep(min(wait, self._pace.blind))
            return
        try:
            watched = await anyio.to_thread.run_sync(below, folders, limiter=self._keeper.limiter)
            async with asyncio.timeout(wait):
                async for _ in events(watched):
                    return
        except TimeoutError:
            return
        except OSError as error:
            log.info("cannot watch the photo folders (%s); comparing them every few minutes", error)
            await asyncio.sleep(wait)

    def _local_folders(self) -> list[Path]:
        kinds = mounts_by_depth()
        index = self._keeper.index.resolve()
        return [
            holding.path
            for holding in self._keeper.folders()
            # Otherwise each run would look like a change.
            if not index.is_relative_to(holding.path)
            and not is_remote(holding.path, kinds)
            and not holding.missing
        ]


def below(folders: Sequence[Path]) -> list[Path]:
    """These folders and those in them that a run would look into: not through links, nor hidden ones."""
    found: list[Path] = []
    for root in folders:
        for folder, names, _ in os.walk(root):
            found.append(Path(folder))
            names[:] = [name for name in names if not name.startswith(".")]
            if len(found) == _MOST_WATCHED:
                log.info("watching only %d folders; the others are compared every few minutes", len(found))
                return found
    return found


async def events(folders: Sequence[Path]) -> AsyncIterator[object]:
    """Yields when something in one of these folders changes."""
    # Not recursive: that would follow links, walking whatever they lead to on the event loop.
    watching = watchfiles.awatch(*folders, recursive=False, ignore_permission_denied=True, watch_filter=None)
    async for changes in watching:
        yield changes


def put_off(power: Path = _POWER, load: Callable[[], tuple[float, ...]] = os.getloadavg) -> str | None:
    """Why this is no moment for work that nobody waits for; None if it is one."""
    try:
        if load()[0] > _MOST_LOAD * (os.cpu_count() or 1):
            return "the machine is busy"
    except OSError:
        pass
    for supply in sorted(power.glob("*")):
        try:
            kind, state = ((supply / name).read_text().strip() for name in ("type", "status"))
            charge = int((supply / "capacity").read_text())
        except (OSError, ValueError):
            continue
        if (kind, state) == ("Battery", "Discharging") and charge < _LEAST_CHARGE:
            return f"the battery is at {charge} %"
    return None


def mounts_by_depth() -> list[tuple[Path, str]]:
    return sorted(((Path(point), kind) for point, kind in mounts()), key=lambda mount: len(mount[0].parts))


def is_remote(folder: Path, kinds: Sequence[tuple[Path, str]]) -> bool:
    """Whether another machine may change this folder, so that no event says so."""
    kind = ""
    for point, found in kinds:
        if folder.is_relative_to(point):
            kind = found
    return kind in _REMOTE or kind.startswith("fuse.")
