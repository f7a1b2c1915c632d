"""What the service searches: a model and the open generation, swapped whole when a newer one is published."""

import logging
import threading
import time
from pathlib import Path

from indexer import BrokenGeneration, Published
from indexer.generations.generation import current
from indexer.generations.manifest import identity
from indexer.stores.faiss.file import FaissFile
from indexer.stores.faiss.layers import Opener
from model import Caps, Encoder, SketchseekError
from service.ops.logging import without_paths
from service.problems import index_damaged

log = logging.getLogger("sketchseek")

_LONGEST_WAIT = 60.0
_UNFORESEEN = "a newer generation cannot be opened; the server's log says why"


class Gallery:
    """Every method may be called from several threads at once."""

    def __init__(
        self,
        index: Path,
        encoder: Encoder,
        caps: Caps,
        published: Published | None = None,
        opener: Opener = FaissFile,
    ) -> None:
        self.index = index
        self.encoder = encoder
        self.caps = caps
        self._opener = opener
        self._published = (
            Published.open(index, encoder.fingerprint, opener=opener) if published is None else published
        )
        self._refreshing = threading.Lock()
        self.swaps = 0
        self.problem: str | None = _told(self._published)
        # What is served cannot be believed; `problem` says why.
        self.damaged = False
        self._refused: tuple[object, ...] = ()
        self._patience, self._not_before = 0.0, 0.0

    @property
    def published(self) -> Published:
        return self._published

    @property
    def trusted(self) -> Published:
        """The same, to answer out of; refused while it is damaged."""
        if self.damaged:
            raise index_damaged()
        return self._published

    @property
    def thumbnails(self) -> Path:
        return self.index / "thumbnails"

    def doubt(self, error: BrokenGeneration) -> None:
        """A file was found damaged while a search was answered: nothing is, until `refresh` found an intact one."""
        if not self.damaged:
            log.error("generation %s is damaged: %s", self._published.manifest.generation, error)
        self.damaged, self.problem = True, without_paths(str(error))

    def refresh(self, *, now: bool = False) -> bool:
        """Opens a newer generation if there is one. A broken one is reported, and the old one serves on.

        Where the old one is what is damaged, an intact one takes its place: mended, or of an earlier run. What was
        refused and has not changed since is looked at again only now and then, unless somebody asks for it `now`:
        to hash a gigabyte every two seconds takes a core.
        """
        with self._refreshing:
            doubtful, sight = True, _sight(self.index)
            try:
                if self._published.let_write():
                    log.warning("somebody writes into the index that is served; it is in memory now")
                doubtful = self.damaged or self._published.touched
                if not doubtful and identity(current(self.index)) == self._published.identity:
                    self._complain(self._published.lost())
                    return False
                if sight == self._refused and not now and time.monotonic() < self._not_before:
                    return False
                fresh = Published.open(
                    self.index,
                    self.encoder.fingerprint,
                    fall_back=doubtful,
                    past_models=doubtful,
                    opener=self._opener,
                )
            except Exception as error:
                # Whatever is wrong with the new one, the old one is not: this must go on looking.
                self.damaged = self.damaged or doubtful
                self._complain(str(error) if isinstance(error, SketchseekError) else _UNFORESEEN, error)
                self._wait(sight)
                return False
            self._swap(fresh)
            return True

    def _wait(self, sight: tuple[object, ...]) -> None:
        """The longer it stays the same, the longer."""
        self._patience = min(_LONGEST_WAIT, max(1.0, 2 * self._patience)) if sight == self._refused else 0.0
        self._refused, self._not_before = sight, time.monotonic() + self._patience

    def _complain(self, problem: str | None, cause: object = None) -> None:
        """In the log once for each trouble."""
        if problem is not None and self.problem is None:
            state = "no longer" if self.damaged else "still"
            log.error(
                "%s serving generation %s: %s", state, self._published.manifest.generation, cause or problem
            )
        self.problem = problem and without_paths(problem)

    def _swap(self, fresh: Published) -> None:
        # The old one is closed by whoever lets go of it last: searches may be running in it.
        older, self._published = self._published, fresh
        older.release()
        self.swaps += 1
        self.damaged, self.problem = False, _told(fresh)
        log.info("now serving generation %s with %d photos", fresh.manifest.generation, len(fresh))


def _sight(index: Path) -> tuple[object, ...]:
    """All that is published, as far as it can be seen without reading it."""
    found: list[object] = []
    for path in (index / "CURRENT", *sorted((index / "generations").glob("*/*"))):
        try:
            described = path.stat()
        except OSError:
            continue
        found.append((str(path), described.st_ino, described.st_size, described.st_mtime_ns))
    return tuple(found)


def _told(published: Published) -> str | None:
    """Why it is not what CURRENT names, where it is not."""
    return without_paths(published.refused[0].reason) if published.refused else None
