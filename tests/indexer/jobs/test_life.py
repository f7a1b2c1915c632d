"""Random changes to a photo library: after every run the index holds what a plain dict predicts."""

import itertools
import shutil
import tempfile
from pathlib import Path
from typing import cast

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from indexer import Published
from indexer.catalogue.database import Catalogue
from model import Encoder, decode
from model.pictures.preprocess import photo_pixels
from tests.kit.jobs import Job
from tests.kit.standin import DIMENSION, SIZE, InThread, StandIn, write_photo

pytestmark = pytest.mark.slow

FOLDERS = ("", "a/", "a/b/", "c d/")
ROOTS = ("one", "two")
Place = tuple[str, str]


class Life(RuleBasedStateMachine):
    """`files`: what is on disk now, by root and path; `indexed`: what was there when the last run ended."""

    @initialize()
    def begin(self) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.patch = pytest.MonkeyPatch()
        self.patch.setattr("indexer.jobs.pipeline.Workers", InThread)
        self.job = Job(self.folder / "index", cast(Encoder, StandIn()))
        self.number = itertools.count(1)
        self.files: dict[Place, int] = {}
        self.indexed: dict[Place, int] = {}
        self.ids: dict[Place, int] = {}
        self.mounted = True
        for root in ROOTS:
            for _ in range(2):
                self.write((root, f"{next(self.number)}.png"))
        self.run()

    def path(self, place: Place) -> Path:
        return self.folder.joinpath(*place)

    def write(self, place: Place) -> None:
        seed = next(self.number)
        write_photo(self.path(place), seed)
        self.files[place] = seed

    def pick(self, data: st.DataObject) -> Place:
        there = sorted(place for place in self.files if self.mounted or place[0] == ROOTS[0])
        return data.draw(st.sampled_from(there))

    def fresh(self, data: st.DataObject) -> Place:
        root = data.draw(st.sampled_from(ROOTS if self.mounted else ROOTS[:1]))
        return root, f"{data.draw(st.sampled_from(FOLDERS))}{next(self.number)}.png"

    def any_left(self) -> bool:
        # Each root keeps one photo, so that it never looks like an unmounted drive.
        return all(sum(place[0] == root for place in self.files) > 1 for root in ROOTS)

    @rule(data=st.data())
    def add(self, data: st.DataObject) -> None:
        self.write(self.fresh(data))

    @rule(data=st.data())
    def change(self, data: st.DataObject) -> None:
        self.write(self.pick(data))

    @rule(data=st.data())
    def copy(self, data: st.DataObject) -> None:
        source, target = self.pick(data), self.fresh(data)
        self.path(target).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(self.path(source), self.path(target))
        self.files[target] = self.files[source]

    @precondition(any_left)
    @rule(data=st.data())
    def move(self, data: st.DataObject) -> None:
        source, target = self.pick(data), self.fresh(data)
        self.path(target).parent.mkdir(parents=True, exist_ok=True)
        self.path(source).rename(self.path(target))
        self.files[target] = self.files.pop(source)

    @precondition(any_left)
    @rule(data=st.data())
    def delete(self, data: st.DataObject) -> None:
        place = self.pick(data)
        self.path(place).unlink()
        del self.files[place]

    @rule(empty=st.booleans())
    def unmount_or_mount(self, empty: bool) -> None:
        drive, aside = self.folder / ROOTS[1], self.folder / "aside"
        if self.mounted:
            drive.rename(aside)
            if empty:
                drive.mkdir()
        else:
            if drive.exists():
                drive.rmdir()
            aside.rename(drive)
        self.mounted = not self.mounted

    @rule()
    def run(self) -> None:
        before, ids = self.indexed, self.ids
        report = self.job(*(self.folder / root for root in ROOTS))
        assert len(report.problems) == (not self.mounted)
        seen = ROOTS if self.mounted else ROOTS[:1]
        self.indexed = {place: seed for place, seed in self.files.items() if place[0] in seen} | {
            place: seed for place, seed in before.items() if place[0] not in seen
        }
        with Catalogue(self.job.index / "catalogue.sqlite") as catalogue:
            entries = list(catalogue.entries(self.job.encoder.fingerprint))
        self.ids = {(Path(entry.root).name, entry.relative): entry.id for entry in entries}
        assert self.ids.keys() == self.indexed.keys()
        assert len(set(self.ids.values())) == len(self.ids)
        kept = before.keys() & self.indexed.keys()
        assert {place: self.ids[place] for place in kept} == {place: ids[place] for place in kept}
        gone = {ids[place]: seed for place, seed in before.items() if place not in self.indexed}
        new = {self.ids[place]: seed for place, seed in self.indexed.items() if place not in before}
        moved = gone.keys() & new.keys()
        assert all(gone[number] == new[number] for number in moved)
        # Per content, the moves are the photos that vanished in one place and appeared in another.
        for seed in set(gone.values()) & set(new.values()):
            pairs = min(list(gone.values()).count(seed), list(new.values()).count(seed))
            assert sum(gone[number] == seed for number in moved) == pairs
        assert report.moved == len(moved)
        assert report.added == len(new) - len(moved)
        assert report.removed == len(gone) - len(moved)
        assert report.changed == sum(before[place] != self.indexed[place] for place in kept)

        self.readers_see_what_was_indexed()

    def readers_see_what_was_indexed(self) -> None:
        encoder = StandIn()
        published = Published.open(self.job.index, encoder.fingerprint)
        vectors = {place: encoder.encode_photos([_pixels(seed)])[0] for place, seed in self.indexed.items()}
        query = np.ones((1, DIMENSION), np.float32) / np.sqrt(DIMENSION)
        hits = published.search(query, 1000)
        published.close()
        found = {(Path(hit.photo.root).name, hit.photo.relative): hit.score for hit in hits}
        assert found.keys() == vectors.keys()
        for place, score in found.items():
            assert score == pytest.approx(float(vectors[place] @ query[0]), abs=2e-3), place

    def teardown(self) -> None:
        if hasattr(self, "patch"):
            self.patch.undo()
            shutil.rmtree(self.folder)


_SEEN: dict[int, np.ndarray] = {}


def _pixels(seed: int) -> np.ndarray:
    if seed not in _SEEN:
        with tempfile.TemporaryDirectory() as folder:
            write_photo(Path(folder) / "x.png", seed)
            _SEEN[seed] = photo_pixels(decode(Path(folder) / "x.png", shortest=SIZE).image, SIZE)
    return _SEEN[seed]


TestLife = Life.TestCase
TestLife.settings = settings(
    max_examples=25,
    stateful_step_count=25,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
