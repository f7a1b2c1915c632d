"""What the service searches: a model and the open generation, swapped whole when a newer one is published."""

import logging
import threading
import time
from collections.abc import Hashable
from pathlib import Path

from indexer.errors import BrokenGeneration
from indexer.library import Library, Shelf, shelf
from model import Caps, Encoder, SketchseekError
from service.ops.logging import without_paths
from service.problems import index_damaged

log = logging.getLogger("sketchseek")

_LONGEST_WAIT = 60.0
_UNFORESEEN = "a newer generation cannot be opened; see the server's log"


class Gallery:
    """Every method may be called from several threads at once."""

    def __init__(
        self,
        index: Path,
        encoder: Encoder,
        caps: Caps,
        published: Library | None = None,
        source: Shelf | None = None,
    ) -> None:
        self.index = index
        self.encoder = encoder
        self.caps = caps
        self._shelf = shelf(index) if source is None else source
        self._published = self._shelf.open(encoder.fingerprint) if published is None else published
        self._refreshing = threading.Lock()
        self.swaps = 0
        self.problem: str | None = _told(self._published)
        # What is served cannot be believed; `problem` says why.
        self.damaged = False
        self._refused: Hashable = ()
        self._patience, self._not_before = 0.0, 0.0

    @property
    def published(self) -> Library:
        return self._published

    @property
    def trusted(self) -> Library:
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
            doubtful, sight = True, self._shelf.glance()
            try:
                if self._published.let_write():
                    log.warning("something is writing to the index being served; serving it from memory now")
                doubtful = self.damaged or self._published.touched
                if not doubtful and self._shelf.identity() == self._published.identity:
                    self._complain(self._published.lost())
                    return False
                if sight == self._refused and not now and time.monotonic() < self._not_before:
                    return False
                fresh = self._shelf.open(self.encoder.fingerprint, fall_back=doubtful, past_models=doubtful)
            except Exception as error:
                # Whatever is wrong with the new one, the old one is not: this must go on looking.
                self.damaged = self.damaged or doubtful
                self._complain(str(error) if isinstance(error, SketchseekError) else _UNFORESEEN, error)
                self._wait(sight)
                return False
            self._swap(fresh)
            return True

    def _wait(self, sight: Hashable) -> None:
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

    def _swap(self, fresh: Library) -> None:
        # The old one is closed by whoever lets go of it last: searches may be running in it.
        older, self._published = self._published, fresh
        older.release()
        self.swaps += 1
        self.damaged, self.problem = False, _told(fresh)
        log.info("now serving generation %s with %d photos", fresh.manifest.generation, len(fresh))


def _told(published: Library) -> str | None:
    """Why it is not what CURRENT names, where it is not."""
    return without_paths(published.refused[0].reason) if published.refused else None
