"""What the service searches: a model and the open generation, swapped whole when a newer one is published."""

import logging
import threading
import time
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from indexer import Hit, Published
from indexer.generation import current, identity
from model import Caps, Encoder, SketchseekError, decode
from service.schemas import Took

log = logging.getLogger("sketchseek")

_UNFORESEEN = "a newer generation cannot be opened; the server's log says why"


@dataclass(frozen=True)
class Answer:
    """What a search found, where, and how long each stage took."""

    hits: list[Hit]
    searched: int
    generation: str
    took: Took


class Gallery:
    """Every method may be called from several threads at once."""

    def __init__(self, index: Path, encoder: Encoder, caps: Caps) -> None:
        self.index = index
        self.encoder = encoder
        self._caps = caps
        self._published = Published.open(index, encoder.fingerprint)
        self._refreshing = threading.Lock()
        refused = self._published.refused
        self.problem: str | None = refused[0].reason if refused else None

    @property
    def published(self) -> Published:
        return self._published

    def search_sketch(self, data: bytes, k: int) -> Answer:
        """Bytes of a drawing to photos; raises BadImage where they are no drawing."""
        published = self._published
        clock = [time.perf_counter()]
        image = decode(data, caps=self._caps, keep_alpha=True).image
        pixels = self.encoder.prepare_sketch(image)
        clock.append(time.perf_counter())
        query = self.encoder.encode_sketches([pixels])
        clock.append(time.perf_counter())
        hits = published.search(query, k)
        clock.append(time.perf_counter())
        stages = [round(1000 * (after - before), 2) for before, after in pairwise(clock)]
        took = Took(
            decode=stages[0],
            encode=stages[1],
            search=stages[2],
            total=round(1000 * (clock[-1] - clock[0]), 2),
        )
        return Answer(hits, len(published), published.manifest.generation, took)

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
                fresh = Published.open(self.index, self.encoder.fingerprint, fall_back=False)
            except Exception as error:
                # Whatever is wrong with the new one, the old one is not: this must go on looking.
                if self.problem is None:
                    log.error("still serving generation %s: %s", self._published.manifest.generation, error)
                self.problem = str(error) if isinstance(error, SketchseekError) else _UNFORESEEN
                return False
            # The old one is closed by whoever lets go of it last: searches may be running in it.
            self._published = fresh
            self.problem = None
            log.info("now serving generation %s with %d photos", fresh.manifest.generation, len(fresh))
            return True
