"""A clock that jumps back and forth between runs and within them: what is newest, changed or due does not go by it."""

import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

import pytest

from indexer import Published, status
from indexer.catalogue.database import Catalogue
from indexer.generations.generation import current, rollback
from indexer.generations.manifest import read_manifest
from model import Encoder
from tests.kit.jobs import Job
from tests.kit.standin import StandIn, contents, published, write_photo

YEARS = [2026, 1971, 2105, 1999]


@pytest.fixture
def encoder() -> Encoder:
    return cast(Encoder, StandIn())


class Clock:
    """Jumps by decades with every look at it."""

    def __init__(self) -> None:
        self.looks = 0

    def time(self) -> float:
        self.looks += 1
        return datetime(YEARS[self.looks % len(YEARS)], 1, 1, tzinfo=UTC).timestamp()

    def now(self, zone: object = None) -> datetime:
        return datetime.fromtimestamp(self.time(), UTC)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(time, "time", made.time)
    monkeypatch.setattr("indexer.reports.times.datetime", made)
    return made


@pytest.mark.usefixtures("clock")
def test_the_newest_generation_is_that_of_the_highest_number(quick: Job, tmp_path: Path) -> None:
    photos, names, stamps = tmp_path / "photos", [], []
    for seed in range(len(YEARS)):
        write_photo(photos / f"{seed}.png", seed)
        report = quick(photos, keep=9)
        assert (report.published, report.problems) == (True, [])
        assert report.seconds < 600
        names.append(report.generation)
        stamps.append(read_manifest(current(quick.index)).created)
    assert stamps != sorted(stamps)
    assert names == sorted(set(names))
    assert status(quick.index).generation == names[-1]
    assert rollback(quick.index) == (names[-1], names[-2])
    opened = Published.open(quick.index, quick.encoder.fingerprint)
    assert opened.manifest.generation == names[-2]
    opened.close()


@pytest.mark.usefixtures("clock")
def test_photos_of_all_times_are_unchanged_until_they_change(quick: Job, tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    start = datetime(1970, 1, 1, tzinfo=UTC)
    for seed, year in enumerate([1902, *YEARS, 2262]):
        write_photo(photos / f"{seed}.png", seed)
        moment = (datetime(year, 1, 1, tzinfo=UTC) - start) // timedelta(microseconds=1) * 1000
        os.utime(photos / f"{seed}.png", ns=(moment, moment))
    quick(photos)
    assert (quick(photos).unchanged, quick(photos).published) == (6, False)
    write_photo(photos / "0.png", 100)
    # Written before the photo that it replaces, as a clock that was set back has it.
    os.utime(photos / "0.png", ns=(-(10**18) * 3, -(10**18) * 3))
    report = quick(photos)
    assert (report.changed, report.unchanged, report.embedded) == (1, 5, 1)
    seeds = {
        content: 100 if name == "0.png" else int(Path(name).stem)
        for name, content in contents(photos).items()
    }
    assert published(quick.index, seeds) == contents(photos)


@pytest.mark.usefixtures("clock")
def test_a_photo_that_returns_has_its_id_whenever_it_went(quick: Job, tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    for seed in range(3):
        write_photo(photos / f"{seed}.png", seed)
    quick(photos)
    before = ids(quick)
    (photos / "1.png").rename(tmp_path / "1.png")
    quick(photos)
    (tmp_path / "1.png").rename(photos / "1.png")
    quick(photos)
    assert ids(quick) == before


def ids(job: Job) -> dict[str, int]:
    with Catalogue(job.index / "catalogue.sqlite") as catalogue:
        return {entry.relative: entry.id for entry in catalogue.entries(job.encoder.fingerprint)}


def test_commits_go_by_a_clock_that_cannot_be_set(
    quick: Job, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, clock: Clock
) -> None:
    """Due ones are counted by seconds that pass, whatever the wall says meanwhile."""
    for seed in range(20):
        write_photo(tmp_path / "photos" / f"{seed}.png", seed)
    commits: list[float] = []
    whole = Catalogue.commit

    def commit(self: Catalogue) -> None:
        commits.append(clock.time())
        whole(self)

    monkeypatch.setattr(Catalogue, "commit", commit)
    quick(tmp_path / "photos")
    few = len(commits)
    commits.clear()
    monkeypatch.setattr("indexer.jobs.pipeline.COMMIT_SECONDS", -1.0)
    for seed in range(20, 40):
        write_photo(tmp_path / "photos" / f"{seed}.png", seed)
    quick(tmp_path / "photos")
    assert few < 10 <= len(commits)


@pytest.mark.parametrize("year", YEARS)
def test_a_lock_of_another_age_is_told_as_it_is(quick: Job, tmp_path: Path, year: int) -> None:
    write_photo(tmp_path / "photos" / "1.png", 1)
    quick(tmp_path / "photos")
    moment = datetime(year, 1, 1, tzinfo=UTC).timestamp()
    os.utime(quick.index / "LOCK", (moment, moment))
    found = status(quick.index)
    assert (found.running, found.last_run) == (False, f"{year}-01-01T00:00:00+00:00")
    os.utime(quick.index / "LOCK", ns=(2**62, 2**62))
    assert status(quick.index).photos == 1
