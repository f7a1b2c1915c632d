"""Looking for a newer generation: one that was refused is looked at anew, and another model comes with its own."""

from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from indexer import Published, Silent, run
from indexer.generations.generation import current
from model import SKETCH_CAPS, Encoder
from model.errors import BadWeights
from service.search.gallery import Gallery
from tests.kit.jobs import Job
from tests.kit.shapes import picture
from tests.kit.standin import StandIn


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
    # Not `time.monotonic` itself: the loop of a server in this process would sleep for hours by it.
    monkeypatch.setattr("service.search.gallery.time", SimpleNamespace(monotonic=lambda: clock[0]))
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


def test_a_generation_of_another_model_is_served_with_that_model(job: Job, library: Path) -> None:
    job(library)
    other = cast(Encoder, StandIn())
    gallery = Gallery(job.index, job.encoder, SKETCH_CAPS, successor=lambda _: other)
    before = gallery.trusted
    run(job.index, [], other, Silent())
    assert gallery.refresh()
    after = gallery.trusted
    assert (after.encoder, after.library.manifest.fingerprint) == (other, other.fingerprint)
    # A search that is under way keeps both.
    assert (before.encoder, before.library.manifest.fingerprint) == (job.encoder, job.encoder.fingerprint)
    gallery.published.close()


def test_while_the_next_model_cannot_be_loaded_the_one_before_goes_on(job: Job, library: Path) -> None:
    job(library)
    broken = True

    def successor(_: Encoder) -> Encoder:
        if broken:
            raise BadWeights("tower.safetensors: cannot be read")
        return other

    other = cast(Encoder, StandIn())
    gallery = Gallery(job.index, job.encoder, SKETCH_CAPS, successor=successor)
    run(job.index, [], other, Silent())
    assert not gallery.refresh()
    assert (gallery.encoder, gallery.damaged) == (job.encoder, False)
    assert gallery.problem == "tower.safetensors: cannot be read"
    broken = False
    assert gallery.refresh(now=True)
    assert (gallery.encoder, gallery.problem) == (other, None)
    gallery.published.close()
