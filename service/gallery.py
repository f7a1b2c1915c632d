"""What the service searches: a model and the open generation, swapped whole when a newer one is published."""

import logging
import threading
from pathlib import Path

from indexer import Published
from indexer.generation import current, identity
from indexer.stores.faiss import FaissFile
from indexer.stores.layers import Opener
from model import Caps, Encoder, SketchseekError
from service.logging import without_paths

log = logging.getLogger("sketchseek")

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
        refused = self._published.refused
        self.problem: str | None = without_paths(refused[0].reason) if refused else None

    @property
    def published(self) -> Published:
        return self._published

    @property
    def thumbnails(self) -> Path:
        return self.index / "thumbnails"

    def refresh(self) -> bool:
        """Opens a newer generation if there is one. A broken one is reported, and the old one serves on."""
        with self._refreshing:
            try:
                if identity(current(self.index)) == self._published.identity:
                    self.problem = None
                    return False
                fresh = Published.open(
                    self.index, self.encoder.fingerprint, fall_back=False, opener=self._opener
                )
            except Exception as error:
                # Whatever is wrong with the new one, the old one is not: this must go on looking.
                if self.problem is None:
                    log.error("still serving generation %s: %s", self._published.manifest.generation, error)
                self.problem = (
                    without_paths(str(error)) if isinstance(error, SketchseekError) else _UNFORESEEN
                )
                return False
            # The old one is closed by whoever lets go of it last: searches may be running in it.
            older, self._published = self._published, fresh
            older.release()
            self.swaps += 1
            self.problem = None
            log.info("now serving generation %s with %d photos", fresh.manifest.generation, len(fresh))
            return True
