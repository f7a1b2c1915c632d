"""What the service searches: a model and the open generation, replaced together when a newer one is published."""

import logging
import threading
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass, replace
from pathlib import Path

from indexer.empty import EmptyLibrary
from indexer.errors import BrokenGeneration, StoreUnavailable
from indexer.library import Library, Shelf, shelf
from indexer.marks import Marks
from indexer.remote.away import AwayLibrary
from model import Caps, Encoder, SketchseekError
from model.card import Card
from service.ops.logging import without_paths
from service.problems import index_damaged

log = logging.getLogger("sketchseek")

_LONGEST_WAIT = 60.0
_UNFORESEEN = "a newer generation cannot be opened; see the server's log"


# Which model goes on after one: the one that made the newest generation.
Successor = Callable[[Encoder], Encoder]


@dataclass(frozen=True)
class Served:
    """The generation being served, its model, and what is wrong with it or a newer one; replaced as a whole.

    If it is `damaged`, it answers no searches, and `problem` says why; if `away`, its server does not answer now.
    """

    library: Library
    encoder: Encoder
    problem: str | None
    damaged: bool = False
    away: bool = False

    @classmethod
    def just_opened(cls, library: Library, encoder: Encoder) -> "Served":
        # Not what CURRENT names, if that was refused.
        problem = without_paths(library.refused[0].reason) if library.refused else None
        if isinstance(library, AwayLibrary):
            return cls(library, encoder, library.error, away=True)
        return cls(library, encoder, problem)


class Gallery:
    """The model and the generation being served; thread-safe."""

    def __init__(
        self,
        index: Path,
        encoder: Encoder,
        caps: Caps,
        published: Library | None = None,
        source: Shelf | None = None,
        successor: Successor | None = None,
    ) -> None:
        self.index = index
        self.marks = Marks(index)
        self.caps = caps
        self.source = shelf(index) if source is None else source
        if published is None:
            published = opened(self.source, encoder.card)
        # Only ever assigned, so that whoever reads it once sees a library with its own problems.
        self.served = Served.just_opened(published, encoder)
        self._successor = successor
        self._refreshing = threading.Lock()
        self.swaps = 0
        self._refused: Hashable = ()
        self._patience, self._not_before = 0.0, 0.0

    @property
    def published(self) -> Library:
        return self.served.library

    @property
    def encoder(self) -> Encoder:
        return self.served.encoder

    @property
    def problem(self) -> str | None:
        return self.served.problem

    @property
    def damaged(self) -> bool:
        return self.served.damaged

    @property
    def empty(self) -> bool:
        """Whether nothing has been published yet, so that every search finds nothing."""
        return type(self.published) is EmptyLibrary

    @property
    def trusted(self) -> Served:
        """What answers searches now; refused while it is damaged."""
        served = self.served
        if served.damaged:
            raise index_damaged()
        return served

    @property
    def thumbnails(self) -> Path:
        return self.index / "thumbnails"

    def doubt(self, error: BrokenGeneration) -> None:
        """Report a file found damaged during a search: refuse searches until `refresh` finds an intact generation."""
        served = self.served
        if not served.damaged:
            log.error("generation %s is damaged: %s", served.library.manifest.generation, error)
        self.served = replace(served, problem=without_paths(str(error)), damaged=True, away=False)

    def refresh(self, *, now: bool = False) -> bool:
        """Open a newer generation if there is one. If it is broken, log that and keep serving the old one.

        If the old one is damaged, replace it with an intact one, repaired or from an earlier run. A generation that was
        refused and has not changed since is checked again only occasionally, unless requested `now`:
        hashing a gigabyte every two seconds takes a core.
        """
        with self._refreshing:
            doubtful, sight = True, self.source.glance()
            try:
                if self.empty and self.source.is_new():
                    return False
                if self.published.let_write():
                    log.warning("something is writing to the index being served; serving it from memory now")
                doubtful = self.damaged or self.published.touched
                if not doubtful and self.source.identity() == self.published.identity:
                    self._note(self.published.lost())
                    return False
                if sight == self._refused and not now and time.monotonic() < self._not_before:
                    return False
                encoder = self._successor(self.encoder) if self._successor else self.encoder
                fresh = self.source.open(encoder.fingerprint, fall_back=doubtful, past_models=doubtful)
            except StoreUnavailable as error:
                self._note(str(error), error, away=True)
                return False
            except Exception as error:
                # Whatever is wrong with the new one, the old one still works, so keep looking for newer ones.
                damaged = self.damaged or doubtful
                said = str(error) if isinstance(error, SketchseekError) else _UNFORESEEN
                self._note(said, error, damaged=damaged)
                self._wait(sight)
                return False
            self._swap(fresh, encoder)
            return True

    def _wait(self, sight: Hashable) -> None:
        """How long to wait: the longer it stays unchanged, the longer."""
        self._patience = min(_LONGEST_WAIT, max(1.0, 2 * self._patience)) if sight == self._refused else 0.0
        self._refused, self._not_before = sight, time.monotonic() + self._patience

    def _note(
        self, problem: str | None, cause: object = None, *, damaged: bool = False, away: bool = False
    ) -> None:
        """Report a problem, or that there is none any more; each is logged once."""
        before = self.served
        if problem is not None and before.problem is None:
            log.error(
                "%s serving generation %s: %s",
                "no longer" if damaged or away or before.damaged else "still",
                before.library.manifest.generation,
                cause or problem,
            )
        if before.away and not away:
            log.info("serving generation %s again: its server answers", before.library.manifest.generation)
        shown = problem and without_paths(problem)
        self.served = replace(before, problem=shown, damaged=damaged, away=away)

    def _swap(self, fresh: Library, encoder: Encoder) -> None:
        # The last user of the old one closes it: searches may still be running in it.
        before, self.served = self.served, Served.just_opened(fresh, encoder)
        before.library.release()
        self.swaps += 1
        changed = "" if encoder is before.encoder else f", made with the model {encoder.card.name}"
        log.info("now serving generation %s with %d photos%s", fresh.manifest.generation, len(fresh), changed)


def opened(source: Shelf, card: Card) -> Library:
    """The generation to serve; an empty library if there is none yet, or one that waits for its server."""
    facts = card.name, card.fingerprint, card.dimension
    try:
        return EmptyLibrary(*facts) if source.is_new() else source.open(card.fingerprint)
    except StoreUnavailable as error:
        return AwayLibrary(*facts, error)
