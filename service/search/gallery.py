"""What the service searches: a model and the open generation, replaced atomically when a newer one is published."""

import logging
import threading
import time
from collections.abc import Hashable
from pathlib import Path

from indexer.empty import EmptyLibrary, is_new
from indexer.errors import BrokenGeneration
from indexer.library import Library, Shelf, shelf
from indexer.marks import Marks
from model import Caps, Encoder, SketchseekError
from model.card import Card
from service.ops.logging import without_paths
from service.problems import index_damaged

log = logging.getLogger("sketchseek")

_LONGEST_WAIT = 60.0
_UNFORESEEN = "a newer generation cannot be opened; see the server's log"


class Gallery:
    """The model and the generation being served; thread-safe."""

    def __init__(
        self,
        index: Path,
        encoder: Encoder,
        caps: Caps,
        published: Library | None = None,
        source: Shelf | None = None,
    ) -> None:
        self.index = index
        self.marks = Marks(index)
        self.encoder = encoder
        self.caps = caps
        self._shelf = shelf(index) if source is None else source
        if published is None:
            published = opened(index, self._shelf, encoder.card)
        self._published = published
        self._refreshing = threading.Lock()
        self.swaps = 0
        self.problem: str | None = _problem(self._published)
        # The generation being served is damaged; `problem` says why.
        self.damaged = False
        self._refused: Hashable = ()
        self._patience, self._not_before = 0.0, 0.0

    @property
    def published(self) -> Library:
        return self._published

    @property
    def empty(self) -> bool:
        """Whether nothing has been published yet, so that every search finds nothing."""
        return isinstance(self._published, EmptyLibrary)

    @property
    def trusted(self) -> Library:
        """The current generation, for answering searches; refused while it is damaged."""
        if self.damaged:
            raise index_damaged()
        return self._published

    @property
    def thumbnails(self) -> Path:
        return self.index / "thumbnails"

    def doubt(self, error: BrokenGeneration) -> None:
        """Report a file found damaged during a search: refuse searches until `refresh` finds an intact generation."""
        if not self.damaged:
            log.error("generation %s is damaged: %s", self._published.manifest.generation, error)
        self.damaged, self.problem = True, without_paths(str(error))

    def refresh(self, *, now: bool = False) -> bool:
        """Open a newer generation if there is one. If it is broken, log that and keep serving the old one.

        If the old one is damaged, replace it with an intact one, repaired or from an earlier run. A generation that was
        refused and has not changed since is checked again only occasionally, unless requested `now`:
        hashing a gigabyte every two seconds takes a core.
        """
        if self.empty and is_new(self.index):
            return False
        with self._refreshing:
            doubtful, sight = True, self._shelf.glance()
            try:
                if self._published.let_write():
                    log.warning("something is writing to the index being served; serving it from memory now")
                doubtful = self.damaged or self._published.touched
                if not doubtful and self._shelf.identity() == self._published.identity:
                    self._log_once(self._published.lost())
                    return False
                if sight == self._refused and not now and time.monotonic() < self._not_before:
                    return False
                fresh = self._shelf.open(self.encoder.fingerprint, fall_back=doubtful, past_models=doubtful)
            except Exception as error:
                # Whatever is wrong with the new one, the old one still works, so keep looking for newer ones.
                damaged = self.damaged or doubtful
                said = str(error) if isinstance(error, SketchseekError) else _UNFORESEEN
                self._log_once(said, error, damaged=damaged)
                # After the reason, so that nobody is told to wait without one.
                self.damaged = damaged
                self._wait(sight)
                return False
            self._swap(fresh)
            return True

    def _wait(self, sight: Hashable) -> None:
        """How long to wait: the longer it stays unchanged, the longer."""
        self._patience = min(_LONGEST_WAIT, max(1.0, 2 * self._patience)) if sight == self._refused else 0.0
        self._refused, self._not_before = sight, time.monotonic() + self._patience

    def _log_once(self, problem: str | None, cause: object = None, *, damaged: bool = False) -> None:
        """Log each problem once."""
        if problem is not None and self.problem is None:
            state = "no longer" if damaged or self.damaged else "still"
            log.error(
                "%s serving generation %s: %s", state, self._published.manifest.generation, cause or problem
            )
        self.problem = problem and without_paths(problem)

    def _swap(self, fresh: Library) -> None:
        # The last user of the old one closes it: searches may still be running in it.
        older, self._published = self._published, fresh
        older.release()
        self.swaps += 1
        self.damaged, self.problem = False, _problem(fresh)
        log.info("now serving generation %s with %d photos", fresh.manifest.generation, len(fresh))


def opened(index: Path, source: Shelf, card: Card) -> Library:
    """The generation to serve; an empty library if there is none yet."""
    if is_new(index):
        return EmptyLibrary(card.name, card.fingerprint, card.dimension)
    return source.open(card.fingerprint)


def _problem(published: Library) -> str | None:
    """Why this is not the generation that CURRENT names, if it is not."""
    return without_paths(published.refused[0].reason) if published.refused else None
