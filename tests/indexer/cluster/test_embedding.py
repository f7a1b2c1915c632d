"""A library embedded in parts and merged by one run; the parts run in threads of this process, without a model."""

import os
import signal
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, cast

import pytest

from indexer import IndexBusy, IndexProblem, NoIndex, PhotosMissing, Report, Silent, merge, run, status
from indexer.cluster.child import Outcome
from indexer.cluster.embedding import Work, embed
from indexer.cluster.engine import Offer
from indexer.cluster.scheduling import Patience
from indexer.errors import ClusterProblem
from indexer.jobs.stopping import Interrupted
from indexer.locking.lock import is_held, writing
from indexer.reports.report import last_report
from model import Encoder
from tests.kit.clusters import Scripted, Watching, local
from tests.kit.standin import Library, StandIn, contents, published

pytestmark = pytest.mark.usefixtures("quick")
QUICKLY = Patience(again=0, busy=(0.2, 0.2))


@pytest.fixture
def library(tmp_path: Path) -> Library:
    library = Library(tmp_path / "photos", 3)
    for number in range(20):
        library.write(f"{'abc'[number % 3]}/{number}.png")
    return library


@pytest.fixture
def index(tmp_path: Path) -> Path:
    return tmp_path / "index"


def embedded(
    index: Path, *photos: Path, arguments: Sequence[str] = (), connect: Any = local, **how: Any
) -> Report:
    """As `sketchseek index --ray` does, with the options of `Work`."""
    heard = how.pop("reporter", Silent())
    accept = "--accept-deletions" in arguments

    def merged(folders: Sequence[Path], accepted: bool) -> Report:
        return merge(index, folders, heard, accept_deletions=accept or accepted)

    warn: Callable[[str], None] = how.pop("warn", lambda line: None)
    work = Work("here", photos, arguments=arguments, **{"parts": 3, **how})
    return embed(index, work, heard, merged, connect=connect, patience=QUICKLY, warn=warn)


def test_parts_make_a_library_and_the_next_run_what_changed(library: Library, index: Path) -> None:
    heard = Watching()
    report = embedded(index, library.folder, reporter=heard)
    assert (report.added, report.embedded, report.photos, report.published) == (20, 20, 20, True)
    assert published(index, library.seeds) == contents(library.folder)
    assert sorted(path.name for path in (index / "parts").iterdir()) == ["1", "2", "3", "LOCK"]
    assert heard.counts[-1] == (20, 20)
    assert heard.notes[-1] == "3 of 3 parts done"
    library.change()
    again = embedded(index)
    assert 0 < again.embedded <= 5
    assert published(index, library.seeds) == contents(library.folder)
    nothing = embedded(index)
    assert (nothing.embedded, nothing.published, nothing.unchanged) == (
        0,
        False,
        len(contents(library.folder)),
    )


def test_the_report_is_that_of_the_whole_run(library: Library, index: Path) -> None:
    (library.folder / "a" / "text.png").write_text("no picture")
    heard = Watching()
    report = embedded(index, library.folder, reporter=heard)
    kept = last_report(index)
    assert kept is not None
    assert (kept["embedded"], kept["state"], kept["generation"]) == (20, "done", "000001")
    assert {"photos", "read", "copy", "publish"} <= set(kept["spent"])
    assert report.rate
    assert heard.skipped == [str(library.folder / "a" / "text.png")] == [str(report.skipped[0].path)]
    assert len(report.skipped) == 1
    assert not status(index).problems


def test_parts_may_lie_elsewhere(library: Library, index: Path, tmp_path: Path) -> None:
    embedded(index, library.folder, folder=tmp_path / "shared")
    assert (tmp_path / "shared" / "3" / "part.json").exists()
    assert not (index / "parts").exists()


def test_what_parts_left_out_is_said_once(library: Library, index: Path) -> None:
    more = Library(library.folder.with_name("more"), 9)
    for number in range(60):
        more.write(f"{number}.png")
    embedded(index, library.folder, more.folder)
    for path in [*more.folder.iterdir()][:50]:
        path.unlink()
    report = embedded(index)
    assert report.photos == 80
    assert len(report.problems) == len(set(report.problems))
    assert all("accept-deletions" in problem for problem in report.problems)
    assert report.problems
    report = embedded(index, arguments=["--accept-deletions"])
    assert (report.photos, report.problems) == (30, [])


def test_a_folder_is_forgotten_by_all_parts(library: Library, index: Path) -> None:
    more = Library(library.folder.with_name("more"), 9)
    for number in range(9):
        more.write(f"{number}.png")
    embedded(index, library.folder, more.folder)
    # As after a run that was killed: one part has done so already.
    run(index / "parts" / "1", [], cast(Encoder, StandIn()), Silent(), forget=[more.folder])
    report = embedded(index, forget=[more.folder])
    assert (report.photos, report.removed) == (20, 9)
    with pytest.raises(IndexProblem, match=r"more: not a folder of this index; it holds .*/photos"):
        embedded(index, forget=[more.folder])


def test_options_reach_the_parts(library: Library, index: Path) -> None:
    report = embedded(index, library.folder, arguments=["--exclude=b/", "--no-hidden"])
    assert report.photos == len([name for name in contents(library.folder) if not name.startswith("b/")])


def test_the_number_of_parts_stays(library: Library, index: Path) -> None:
    # Four for each that runs at a time.
    embedded(index, library.folder, parts=None)
    assert len([*(index / "parts").glob("[0-9]")]) == 8
    embedded(index, parts=None)
    with pytest.raises(ClusterProblem, match="holds a library in 8 parts, not 3; use --parts 8"):
        embedded(index)


def test_the_number_of_parts_is_known_of_unfinished_ones(library: Library, index: Path) -> None:
    embedded(index, library.folder)
    for path in index.rglob("part.json"):
        path.unlink()
    with pytest.raises(ClusterProblem, match="in 3 parts, not 4"):
        embedded(index, parts=4)


def test_a_cluster_without_room_needs_a_number(library: Library, index: Path) -> None:
    def connect(request: object, arguments: object) -> Any:
        return _Entered(Scripted(lambda part, attempt: Outcome(0)), Offer(1, 9, 0))

    with pytest.raises(ClusterProblem, match="no node of the cluster has 9 CPUs; choose fewer"):
        embedded(index, library.folder, parts=None, connect=connect)


class _Entered:
    """A scripted executor as a cluster."""

    def __init__(self, executor: Scripted, offer: Offer) -> None:
        self.executor, self.offer = executor, offer

    def __getattr__(self, name: str) -> Any:
        return getattr(self.executor, name)

    def __enter__(self) -> "_Entered":
        return self

    def __exit__(self, *_: object) -> None:
        pass


def test_nodes_that_are_not_used_are_named(library: Library, index: Path) -> None:
    heard: list[str] = []

    def connect(request: Any, arguments: Any) -> Any:
        running = local(request, arguments).__enter__()
        running.offer = Offer(1, 1, 2, ("node7: it has no folder /photos",))
        return _Entered(running, running.offer)  # type: ignore[arg-type]

    embedded(index, library.folder, connect=connect, warn=heard.append)
    assert heard == ["not used: node7: it has no folder /photos"]


def test_a_part_that_another_run_holds_is_waited_for(library: Library, index: Path) -> None:
    """An orphan of a node that died may still commit its batch."""
    embedded(index, library.folder)
    library.change()
    held = writing(index / "parts" / "2")
    held.__enter__()

    class LettingGo(Watching):
        def advance(self, progress: Any) -> None:
            super().advance(progress)
            if "held by another run" in progress.note:
                held.__exit__(None, None, None)

    embedded(index, reporter=LettingGo())
    assert published(index, library.seeds) == contents(library.folder)


def test_unfinished_parts_end_the_run_and_the_next_one_goes_on(library: Library, index: Path) -> None:
    (index / "parts" / "2").mkdir(parents=True)
    (index / "parts" / "2" / "notes.txt").write_text("not an index")
    (index / "LOCK").write_text("sketchseek index")
    (index / "parts" / "LOCK").write_text("sketchseek index")
    with pytest.raises(ClusterProblem, match="1 of 3 parts are unfinished: 2") as raised:
        embedded(index, library.folder)
    assert "holds other files and is not an index" in str(raised.value)
    kept = last_report(index)
    assert kept is not None
    assert (kept["state"], kept["problems"]) == ("failed", [str(raised.value)])
    (index / "parts" / "2" / "notes.txt").unlink()
    report = embedded(index, library.folder)
    assert (report.photos, 0 < report.embedded < 20) == (20, True)


def test_a_signal_leaves_a_report(library: Library, index: Path) -> None:
    def connect(request: object, arguments: object) -> Any:
        executor = Scripted(lambda part, attempt: Outcome(75))
        executor.asked = lambda: os.kill(os.getpid(), signal.SIGINT)
        return _Entered(executor, Offer(1, 1, 1))

    with pytest.raises(Interrupted):
        embedded(index, library.folder, connect=connect)
    assert (last_report(index) or {})["state"] == "stopped"
    assert not is_held(index)


def test_one_run_at_a_time(library: Library, index: Path, tmp_path: Path) -> None:
    def busy(request: object, arguments: object) -> Any:
        raise AssertionError("nothing may start")

    for held in (index, tmp_path / "shared"):
        held.mkdir()
        with writing(held), pytest.raises(IndexBusy):
            embedded(index, library.folder, connect=busy, folder=tmp_path / "shared")
    # The run that holds it will write the report.
    assert "is indexing here" in (last_report(index) or {})["problems"][0]


def test_folders_that_are_no_index_are_left_alone(library: Library, index: Path, tmp_path: Path) -> None:
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "letter.txt").write_text("dear")
    with pytest.raises(NoIndex, match="holds other files"):
        embedded(index, library.folder, folder=tmp_path / "files")
    with pytest.raises(NoIndex, match="holds other files"):
        embedded(tmp_path / "files", library.folder)
    assert [path.name for path in (tmp_path / "files").iterdir()] == ["letter.txt"]


def test_without_folders_there_is_nothing_to_do(index: Path) -> None:
    with pytest.raises(PhotosMissing, match="no photo folder given"):
        embedded(index)


def test_parts_are_not_the_whole(library: Library, index: Path) -> None:
    embedded(index, library.folder)
    with pytest.raises(IndexProblem, match="is one of the parts"):
        merge(index / "parts" / "1", [index / "parts" / "1"], Silent())
