"""Reports for people and programs, and progress while a large index is built."""

import io
import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from indexer import IndexBusy, PhotosMissing, run, status
from indexer.jobs.stopping import Interrupted
from indexer.locking.lock import writing
from indexer.reports.progress import Bar, JsonLines, Lines
from indexer.reports.report import last_report
from tests.kit.jobs import Job
from tests.kit.standin import write_photo


def test_a_report_for_programs_and_one_for_people(quick: Job, hundred: Path) -> None:
    (hundred / "text.png").write_text("no picture")
    quick(hundred)
    (hundred / "few/1.png").rename(hundred / "moved.png")
    (hundred / "few/2.png").unlink()
    write_photo(hundred / "few/3.png", 777)
    write_photo(hundred / "new.png", 778)
    report = quick()
    found = json.loads((quick.index / "reports" / "last.json").read_text())
    counts = {name: found[name] for name in ("added", "changed", "moved", "removed", "unchanged", "embedded")}
    assert counts == {"added": 1, "changed": 1, "moved": 1, "removed": 1, "unchanged": 97, "embedded": 2}
    (skipped,) = found["skipped"]
    assert skipped["path"] == str(hundred / "text.png")
    assert "text" in skipped["reason"]
    assert (found["state"], found["generation"], found["published"]) == ("done", "000002", True)
    assert found["rate"] == report.rate
    assert 0 < sum(found["spent"].values()) <= found["seconds"] + 0.1
    assert found["spent"].keys() == {"scan", "photos", "publish"}
    text = (quick.index / "reports" / "last.txt").read_text().splitlines()
    assert text[0].startswith(f"run of {found['started']}: done after ")
    assert text[1].startswith("1 added, 1 changed, 1 moved, 1 removed, 97 unchanged, 1 skipped; 2 embedded")
    assert text[2] == "generation 000002 with 100 photos, published"
    assert text[-1] == f'skipped "{hundred / "text.png"}": {skipped["reason"]}'
    assert status(quick.index).report == found


def test_reports_go_with_their_generations(quick: Job, hundred: Path) -> None:
    quick(hundred)
    for number in range(3):
        write_photo(hundred / f"new {number}.png", 1000 + number)
        quick(keep=2)
    quick(keep=2)
    names = {path.name for path in (quick.index / "reports").iterdir()}
    assert names == {f"{name}.{kind}" for name in ("000003", "000004", "last") for kind in ("json", "txt")}
    assert json.loads((quick.index / "reports" / "000004.json").read_text())["added"] == 1
    assert last_report(quick.index) == {
        **(last_report(quick.index) or {}),
        "published": False,
        "unchanged": 103,
    }


def test_runs_that_fail_or_stop_say_so(quick: Job, hundred: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    quick(hundred)
    hundred.rename(hundred.with_name("away"))
    with pytest.raises(PhotosMissing):
        quick()
    failed = last_report(quick.index)
    assert failed is not None
    assert failed["state"] == "failed"
    assert "no such folder" in failed["problems"][0]
    hundred.with_name("away").rename(hundred)

    def stopped(*_: object, **__: object) -> None:
        raise Interrupted(15)

    with monkeypatch.context() as broken:
        broken.setattr("indexer.jobs.run.make_plans", stopped)
        with pytest.raises(Interrupted):
            quick()
    assert (last_report(quick.index) or {})["state"] == "stopped"
    # A run that never began writes no report.
    with writing(quick.index), pytest.raises(IndexBusy):
        quick()
    assert (last_report(quick.index) or {})["state"] == "stopped"


def test_half_a_report_is_none(quick: Job, hundred: Path) -> None:
    quick(hundred)
    for half in ("", "{", "[]", '{"state": "do'):
        (quick.index / "reports" / "last.json").write_text(half)
        assert status(quick.index).report is None


class Clock:
    """A clock that advances three seconds each time it is read."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 3.0
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("indexer.reports.progress.time", SimpleNamespace(monotonic=Clock()))


def test_building_an_index_tells_how_far_it_is(quick: Job, hundred: Path) -> None:
    seen: list[tuple[str, int, int]] = []

    class Ear(JsonLines):
        def step(self, what: str, done: int, of: int) -> None:
            seen.append((what, done, of))

    run(quick.index, [hundred], quick.encoder, Ear(io.StringIO()), index_type="hnsw")
    assert ("indexing", 100, 100) in seen
    assert ("measuring", 100, 100) in seen
    assert ("comparing", 100, 100) in seen
    assert all(0 <= done <= of for _, done, of in seen)


@pytest.mark.usefixtures("clock")
def test_steps_are_reported_to_programs() -> None:
    out = io.StringIO()
    lines = JsonLines(out)
    for done in (10, 20, 30):
        lines.step("indexing", done, 30)
    events = [json.loads(line) for line in out.getvalue().splitlines()]
    assert events == [{"event": "step", "what": "indexing", "done": done, "of": 30} for done in (20, 30)]


@pytest.mark.usefixtures("clock")
def test_steps_are_reported_to_people() -> None:
    bar, log = io.StringIO(), io.StringIO()
    line, slow = Bar(bar), Lines(log)
    for done in range(0, 1001, 100):
        line.step("indexing", done, 1000)
        slow.step("indexing", done, 1000)
    assert "[##########----------] indexing 500/1000 (50%)" in bar.getvalue()
    # The bar is cleared before the next line.
    assert bar.getvalue().endswith("\r")
    assert bar.getvalue().split("\r")[-2].strip() == ""
    assert 2 <= len(log.getvalue().splitlines()) <= 5
    assert "indexing 1000/1000 (100%)" not in log.getvalue().splitlines()[0]
