"""Looking for a newer generation: one that was refused is looked at anew when it changes, and now and then."""

from itertools import pairwise
from pathlib import Path

import pytest

from indexer import Published
from indexer.generations.generation import current
from model import SKETCH_CAPS
from service.search.gallery import Gallery
from tests.kit.jobs import Job
from tests.kit.shapes import picture


def test_what_was_refused_is_not_hashed_all_the_time(
    job: Job, library: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A large index that is damaged would keep a core busy."""
    job(library)
    gallery = Gallery(job.index, job.encoder, SKETCH_CAPS)
    picture("star", 77).save(library / "new.png")
    job(library)
    path = current(job.index) / "index.faiss"
    whole = path.read_bytes()
    path.write_bytes(whole[:-9])
    opened, clock = [], [100.0]
    original = Published.open.__func__  # type: ignore[attr-defined]

    def noted(*given: object, **named: object) -> object:
        opened.append(clock[0])
        return original(*given, **named)

    monkeypatch.setattr(Published, "open", classmethod(noted))
    monkeypatch.setattr("service.search.gallery.time.monotonic", lambda: clock[0])
    for _ in range(600):
        assert not gallery.refresh()
        clock[0] += 2.0
    assert "index.faiss" in str(gallery.problem)
    waits = [round(later - sooner) for sooner, later in pairwise(opened)]
    assert waits[:7] == [2, 2, 2, 4, 8, 16, 32]
    assert set(waits[7:]) == {60}
    seen = len(opened)
    gallery.refresh(now=True)
    assert len(opened) == seen + 1
    path.write_bytes(whole)
    assert gallery.refresh()
    assert (len(gallery.published), gallery.problem) == (16, None)
    gallery.published.close()
