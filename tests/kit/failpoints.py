"""Dies at the n-th thing that a run does to the disk, for every n: `python -m tests.kit.failpoints FOLDER`.

Counted, in a fork of this process: each write of a file opened in Python, of which the fatal one is torn in half; each
sync, rename, deletion and new folder; FAISS writing a file; SQLite before and after every commit. The product has no
hooks for it. Afterwards a reader must see the old generation or the new one, and the next run must end at the same set.
"""

import builtins
import io
import json
import os
import resource
import shutil
import sqlite3
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import faiss

import indexer.jobs.pipeline
from indexer import IndexProblem, Partition, Silent, merge, run
from tests.kit.standin import InThread, Library, StandIn, contents, photos_with_parts, published

DIED = 77
# A local head.
HEAD = "7" * 16


class Death:
    """Counts; at the n-th time the process ends as if its power were cut, but for the page cache."""

    def __init__(self, at: int) -> None:
        self.at = at
        self.count = 0

    def due(self) -> bool:
        self.count += 1
        return self.count == self.at

    def come(self) -> None:
        if self.due():
            os._exit(DIED)

    def before(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*arguments: Any, **options: Any) -> Any:
            self.come()
            return call(*arguments, **options)

        return counted


def lay_mines(death: Death) -> None:
    for name in (
        "fsync",
        "rename",
        "replace",
        "unlink",
        "remove",
        "mkdir",
        "rmdir",
        "truncate",
        "ftruncate",
        "pwrite",
    ):
        setattr(os, name, death.before(getattr(os, name)))
    _mine_files(death)
    _mine_sqlite(death)
    write_index = faiss.write_index

    def torn(index: Any, path: Any, *options: Any) -> None:
        write_index(index, path, *options)
        # FAISS also serializes in memory.
        if isinstance(path, str) and death.due():
            os.truncate(path, Path(path).stat().st_size // 2)
            os._exit(DIED)

    faiss.write_index = torn


def _mine_files(death: Death) -> None:
    class Torn(io.FileIO):
        def write(self, data: Any) -> int:
            if death.due():
                super().write(bytes(data)[: len(bytes(data)) // 2])
                os._exit(DIED)
            return super().write(data)

    whole = io.open

    def opened(file: Any, mode: str = "r", *arguments: Any, **options: Any) -> Any:
        if not set(mode) & set("wxa+"):
            return whole(file, mode, *arguments, **options)
        death.come()
        raw = Torn(file, mode.replace("b", "").replace("t", ""))
        buffered = io.BufferedRandom(raw) if "+" in mode else io.BufferedWriter(raw)
        if "b" in mode:
            return buffered
        wanted = {name: options.get(name) for name in ("encoding", "errors", "newline")}
        return io.TextIOWrapper(buffered, **wanted)

    io.open = builtins.open = opened


def _mine_sqlite(death: Death) -> None:
    connect = sqlite3.connect

    class Mined(sqlite3.Connection):
        def execute(self, sql: str, *arguments: Any) -> sqlite3.Cursor:
            if sql != "COMMIT":
                return super().execute(sql, *arguments)
            death.come()
            cursor = super().execute(sql, *arguments)
            death.come()
            return cursor

    sqlite3.connect = lambda *arguments, **options: connect(*arguments, factory=Mined, **options)


def in_fork(work: Callable[[], None]) -> int:
    """The exit status of a copy of this process that did the work."""
    process = os.fork()
    if not process:
        status = 1
        try:
            work()
            status = 0
        except Exception:
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])


def index_once(index: Path, photos: Path, at: int = 0) -> int:
    def work() -> None:
        lay_mines(Death(at))
        run(index, [photos], StandIn(), Silent(), accept_deletions=True)

    return in_fork(work)


def main(folder: Path) -> None:
    indexer.jobs.pipeline.Workers = InThread
    library = Library(folder / "photos", 1)
    for _ in range(3):
        library.change()
    for number in range(6):
        library.write(f"{number}.png")
    before = folder / "before"
    assert index_once(before, library.folder) == 0
    old = contents(library.folder)
    library.change()
    # So many that their shard is worth copying.
    for name in sorted(old.keys() & contents(library.folder).keys())[3:]:
        (library.folder / name).unlink()
    new = contents(library.folder)
    results = {}
    for name, start in (("first run", None), ("next run", before)):
        results[name] = _every_point(folder, library, start, old if start else None, new)
    results["full disk"] = _every_limit(folder, library, before, old, new)
    results["merge"] = _every_point_of_a_merge(folder, library, new)
    results["parts"] = _every_point_of_an_upgrade(folder, library, before, new)
    print(json.dumps(results))


def _every_point(
    folder: Path, library: Library, start: Path | None, old: dict[str, str] | None, new: dict[str, str]
) -> dict[str, int]:
    index = folder / "index"
    seen = {"points": 0, "old": 0, "new": 0, "none": 0}
    while True:
        shutil.rmtree(index, ignore_errors=True)
        if start:
            shutil.copytree(start, index)
        at = seen["points"] + 1
        status = index_once(index, library.folder, at)
        assert status in (0, DIED), f"exit status {status} at point {at}"
        # Before the first publication there is no generation to see.
        found = published(index, library.seeds) if (index / "CURRENT").exists() else None
        assert found in (old, new), f"a mixture at point {at}"
        if status == 0:
            return seen
        seen["points"] = at
        seen["new" if found == new else "old" if found else "none"] += 1
        assert index_once(index, library.folder) == 0, f"the run after point {at} failed"
        assert published(index, library.seeds) == new, f"the run after point {at} ended elsewhere"


def _every_point_of_a_merge(folder: Path, library: Library, new: dict[str, str]) -> dict[str, int]:
    """A merge into nothing: after each death no index or the whole one, and the parts as they were."""
    whole, parts = folder / "whole", [folder / "part1", folder / "part2"]
    for number, part in enumerate(parts, start=1):
        place = Partition(number, len(parts))

        def embed(part: Path = part, place: Partition = place) -> None:
            run(part, [library.folder], StandIn(), Silent(), partition=place)

        assert in_fork(embed) == 0
    before = {path: path.read_bytes() for part in parts for path in part.rglob("*") if path.is_file()}
    seen = {"points": 0, "none": 0, "new": 0}
    while True:
        shutil.rmtree(whole, ignore_errors=True)
        at = seen["points"] + 1

        def work(at: int = at) -> None:
            lay_mines(Death(at))
            merge(whole, parts, Silent())

        status = in_fork(work)
        assert status in (0, DIED), f"exit status {status} at point {at} of a merge"
        found = published(whole, library.seeds) if (whole / "CURRENT").exists() else None
        assert found in (None, new), f"a mixture at point {at} of a merge"
        if status == 0:
            break
        seen["points"] = at
        seen["new" if found else "none"] += 1
        assert in_fork(lambda: merge(whole, parts, Silent())) == 0, f"the merge after point {at} failed"
        assert published(whole, library.seeds) == new, f"the merge after point {at} ended elsewhere"
    assert before == {path: path.read_bytes() for part in parts for path in part.rglob("*") if path.is_file()}
    return seen


def _every_point_of_an_upgrade(
    folder: Path, library: Library, start: Path, new: dict[str, str]
) -> dict[str, int]:
    """An index gets its local parts: after each death none or all are published, and no photo has another's."""
    index, seen = folder / "index", {"points": 0, "none": 0, "all": 0}

    def upgrade(at: int) -> int:
        def work() -> None:
            lay_mines(Death(at))
            run(index, [library.folder], StandIn(parts=HEAD), Silent(), accept_deletions=True)

        return in_fork(work)

    while True:
        shutil.rmtree(index, ignore_errors=True)
        shutil.copytree(start, index)
        at = seen["points"] + 1
        status = upgrade(at)
        assert status in (0, DIED), f"exit status {status} at point {at} of an upgrade"
        published(index, library.seeds)
        there = photos_with_parts(index, library.seeds, HEAD)
        assert there in (set(), set(new.values())), f"some parts at point {at} of an upgrade"
        if status == 0:
            return seen
        seen["points"] = at
        seen["all" if there else "none"] += 1
        assert upgrade(0) == 0, f"the run after point {at} of an upgrade failed"
        assert published(index, library.seeds) == new
        there = photos_with_parts(index, library.seeds, HEAD)
        assert there == set(new.values()), f"the run after point {at} of an upgrade ended elsewhere"


def _every_limit(
    folder: Path, library: Library, start: Path, old: dict[str, str], new: dict[str, str]
) -> dict[str, int]:
    """A disk that is full at any place, in miniature: no file may grow beyond a limit."""
    index = folder / "index"
    seen = {"limits": 0, "stopped": 0}
    for limit in range(0, 192 * 1024, 6000):
        shutil.rmtree(index, ignore_errors=True)
        shutil.copytree(start, index)

        def work(limit: int = limit) -> None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
            try:
                run(index, [library.folder], StandIn(), Silent(), accept_deletions=True)
            except IndexProblem as error:
                os._exit(DIED if "same command again" in str(error) else 1)

        status = in_fork(work)
        assert status in (0, DIED), f"exit status {status} at {limit} bytes"
        # A run that stopped had perhaps published already, and could not clean up.
        assert published(index, library.seeds) in ([old, new] if status else [new]), f"at {limit} bytes"
        assert index_once(index, library.folder) == 0
        assert published(index, library.seeds) == new
        seen["limits"] += 1
        seen["stopped"] += status == DIED
    return seen


if __name__ == "__main__":
    main(Path(sys.argv[1]))
