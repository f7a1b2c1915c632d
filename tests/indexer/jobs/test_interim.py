"""What a long run publishes while it goes on: soon, ever more rarely, always whole, and complete in the end."""

import os
import signal
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

from indexer import Partition, Published
from indexer.generations import generation
from indexer.jobs import interim
from indexer.jobs.interim import FIRST_SECONDS, Cadence
from indexer.jobs.stopping import Interrupted
from indexer.reports.progress import Progress
from tests.kit import TOP
from tests.kit.jobs import Counting, Job
from tests.kit.standin import write_photo

DIES = """
import os
from pathlib import Path
from typing import cast
import indexer.jobs.pipeline
from indexer import run
from indexer.generations import generation
from indexer.jobs import interim
from tests.kit.jobs import Counting
from tests.kit.standin import InThread, StandIn

indexer.jobs.pipeline.Workers = InThread
indexer.jobs.pipeline.COMMIT_SECONDS = -1.0
interim.FIRST_SECONDS, interim._PAUSES, interim._WORTH = 0.0, (0.0,), 0.0

class Dying(Counting):
    def advance(self, progress):
        if progress.done == 60:
            os.kill(os.getpid(), 9)

run(Path("{index}"), [Path("{photos}")], StandIn(), Dying())
"""


@pytest.fixture
def eager(monkeypatch: pytest.MonkeyPatch) -> None:
    """Publish after every commit, and commit after every photo."""
    monkeypatch.setattr("indexer.jobs.pipeline.COMMIT_SECONDS", -1.0)
    monkeypatch.setattr(interim, "FIRST_SECONDS", 0.0)
    monkeypatch.setattr(interim, "_PAUSES", (0.0,))
    monkeypatch.setattr(interim, "_WORTH", 0.0)


class Looking(Counting):
    """Opens what is published during a run, as a reader would, which verifies every byte."""

    def __init__(self, job: Job) -> None:
        super().__init__()
        self._job = job
        self.seen: dict[str, int] = {}

    def advance(self, progress: Progress) -> None:
        super().advance(progress)
        try:
            name = generation.current(self._job.index).name
        except Exception:
            return
        if name not in self.seen:
            with_it = Published.open(self._job.index, self._job.encoder.fingerprint, fall_back=False)
            self.seen[name] = len(with_it)
            with_it.close()


def _watched(job: Job, *roots: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    looking = Looking(job)
    monkeypatch.setattr("tests.kit.jobs.Counting", lambda: looking)
    job(*roots)
    return looking.seen


@pytest.mark.usefixtures("eager")
def test_a_first_run_can_be_searched_before_it_ends(
    quick: Job, hundred: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = _watched(quick, hundred, monkeypatch=monkeypatch)
    assert len(seen) > 2
    assert sorted(seen.values()) == list(seen.values())
    assert 0 < min(seen.values()) < max(seen.values()) <= 100
    published = Published.open(quick.index, quick.encoder.fingerprint)
    assert len(published) == 100
    published.close()
    assert len(generation.generations(quick.index)) == 1, "what was half is not kept"


@pytest.mark.usefixtures("eager")
def test_a_later_run_does_so_too_and_keeps_what_was_there_before(
    quick: Job, hundred: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = quick(hundred / "few").generation
    for seed in range(200, 260):
        write_photo(hundred / "few" / f"{seed}.png", seed)
    seen = _watched(quick, hundred / "few", monkeypatch=monkeypatch)
    assert any(15 < photos < 75 for photos in seen.values())
    kept = [folder.name for folder in generation.generations(quick.index)]
    assert kept == [generation.current(quick.index).name, before]
    assert quick().published is False, "the last publication was complete"


@pytest.mark.usefixtures("eager")
def test_after_a_rollback_nothing_is_published_meanwhile(quick: Job, hundred: Path) -> None:
    quick(hundred / "few", keep=9)
    write_photo(hundred / "few" / "300.png", 300)
    quick(keep=9)
    generation.rollback(quick.index)
    held = generation.current(quick.index).name
    quick(hundred / "many")
    assert generation.current(quick.index).name == held


@pytest.mark.usefixtures("eager")
def test_a_part_is_never_published(quick: Job, hundred: Path) -> None:
    quick(hundred, partition=Partition.parse("1/2"))
    assert generation.generations(quick.index) == []


def test_killed_after_publishing_it_is_whole_and_the_next_run_completes_it(quick: Job, hundred: Path) -> None:
    script = DIES.format(index=quick.index, photos=hundred)
    died = subprocess.run(
        [sys.executable, "-c", script], cwd=TOP, capture_output=True, text=True, check=False
    )
    assert died.returncode == -9, died.stderr
    half = Published.open(quick.index, quick.encoder.fingerprint, fall_back=False)
    assert 0 < len(half) < 100
    half.close()
    done = quick()
    assert (done.photos, done.published) == (100, True)
    assert quick().published is False


class Stopping(Counting):
    """Somebody presses Ctrl-C after 60 photos."""

    def advance(self, progress: Progress) -> None:
        super().advance(progress)
        if progress.done == 60:
            os.kill(os.getpid(), signal.SIGINT)


@pytest.mark.parametrize(
    ("partition", "cost", "published"),
    [(None, 0.0, True), (None, 99.0, False), (Partition.parse("1/1"), 0.0, False)],
)
def test_a_run_that_is_stopped_publishes_what_it_has_done_if_that_is_quick(
    quick: Job,
    hundred: Path,
    monkeypatch: pytest.MonkeyPatch,
    partition: Partition | None,
    cost: float,
    published: bool,
) -> None:
    monkeypatch.setattr("tests.kit.jobs.Counting", Stopping)
    monkeypatch.setattr("indexer.jobs.run.last_cost", lambda _: cost)
    with pytest.raises(Interrupted):
        quick(hundred, partition=partition)
    assert len(generation.generations(quick.index)) == published
    if published:
        half = Published.open(quick.index, quick.encoder.fingerprint)
        assert 60 <= len(half) < 100
        half.close()


def test_it_publishes_soon_then_ever_more_rarely_and_never_at_great_cost() -> None:
    now = 0.0
    cadence = Cadence(clock=lambda: now)
    times = []
    for second in range(3600):
        now = float(second)
        if cadence.due:
            times.append(second)
            cadence.done(1.0)
    assert times[0] == FIRST_SECONDS
    gaps = [after - before for before, after in pairwise(times)]
    assert gaps[:3] == [60, 120, 300]
    assert set(gaps[3:]) == {300}

    now = 0.0
    costly = Cadence(cost=20.0, clock=lambda: now)
    now = 599.0
    assert not costly.due
    now = 600.0
    assert costly.due
    costly.done(40.0)
    now = 1799.0
    assert not costly.due
