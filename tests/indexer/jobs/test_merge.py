"""A library embedded in parts and merged: the same as in one run, cheap to repeat, and nothing that does not belong."""

import json
import os
import shutil
from pathlib import Path
from typing import cast

import numpy as np
import pytest

from indexer import (
    IndexBusy,
    IndexProblem,
    NoIndex,
    Partition,
    PhotosMissing,
    Published,
    Silent,
    merge,
    run,
    status,
)
from indexer.catalogue.database import Catalogue
from indexer.decoding.thumbnails import thumbnail_path
from indexer.jobs.pipeline import Pipeline
from indexer.locking.lock import writing
from model import Encoder
from tests.kit.jobs import Job, Machines
from tests.kit.standin import (
    DIMENSION,
    Library,
    StandIn,
    contents,
    published,
    write_photo,
)


def ids(index: Path) -> dict[str, int]:
    opened = Published.open(index, StandIn().fingerprint)
    return {
        hit.photo.relative: hit.photo.id for hit in opened.search(np.ones((1, DIMENSION), np.float32), 999)
    }


def test_parts_split_a_library_and_say_of_what() -> None:
    parts = [Partition(number, 4) for number in range(1, 5)]
    paths = [f"{number % 7}/{number}.jpg" for number in range(2000)]
    held = [sum(part.holds(path) for path in paths) for part in parts]
    assert sum(held) == 2000
    assert min(held) > 400
    # For ever: other machines, other versions of Python.
    assert [part.holds("a/0.jpg") for part in parts] == [True, False, False, False]
    for wrong in ("0/3", "4/3", "1", "1/3/3", "a/b", "-1/3", "1/0"):
        with pytest.raises(IndexProblem, match="not a part of a library"):
            Partition.parse(wrong)


def test_parts_make_what_one_run_makes(machines: Machines, quick: Job) -> None:
    reports = machines.all()
    assert sum(report.embedded for report in reports) == 30
    assert all(report.embedded < 30 and not report.published for report in reports)
    report = machines.merge()
    assert (report.added, report.photos, report.embedded, report.published) == (30, 30, 0, True)
    assert published(machines.whole, machines.library.seeds) == contents(machines.library.folder)
    # It is an index like any other: a run that sees the photos has nothing to do.
    again = run(machines.whole, [], cast(Encoder, StandIn()), Silent())
    assert (again.unchanged, again.embedded, again.published) == (30, 0, False)
    thumbnails = list((machines.whole / "thumbnails").rglob("*.webp"))
    assert len(thumbnails) == len(set(contents(machines.library.folder).values()))


def test_merging_again_copies_what_changed_and_keeps_ids(
    machines: Machines, monkeypatch: pytest.MonkeyPatch
) -> None:
    machines.all()
    machines.merge()
    before = ids(machines.whole)
    assert before == {name: number for part in machines.parts for name, number in ids_of_part(part).items()}
    folder, library = machines.library.folder, machines.library
    library.write("a/0.png")
    library.write("new.png")
    (folder / "b/1.png").unlink()
    moves = {f"c/{number}.png": f"moved {number}.png" for number in (2, 5, 8, 11, 14)}
    for old, new in moves.items():
        (folder / old).rename(folder / new)
    # Some go from one part to another, whose machine has never seen them.
    crossing = [old for old, new in moves.items() if place_of(old) != place_of(new)]
    assert 0 < len(crossing) < 5
    machines.all()
    report = machines.merge()
    assert (report.added, report.changed, report.moved, report.removed) == (1, 1, 5, 1)
    assert (report.unchanged, report.photos) == (23, 30)
    assert published(machines.whole, library.seeds) == contents(folder)
    after = ids(machines.whole)
    assert {name: after[name] for name in after if name in before} == {
        n: before[n] for n in before if n in after
    }
    assert {after[new] for new in moves.values()} == {before[old] for old in moves}
    shards = sorted((machines.whole / "vectors" / StandIn().fingerprint).glob("*.f16"))
    assert shards[-1].stat().st_size == 2 * DIMENSION * 2
    monkeypatch.setattr(Pipeline, "run", lambda *_: pytest.fail("a photo was worked on"))
    machines.all()
    third = machines.merge()
    assert (third.unchanged, third.published) == (30, False)


def place_of(relative: str) -> list[bool]:
    return [Partition(number, 3).holds(relative) for number in (1, 2, 3)]


def ids_of_part(folder: Path) -> dict[str, int]:
    with Catalogue(folder / "catalogue.sqlite") as catalogue:
        return {entry.relative: entry.id for entry in catalogue.entries(StandIn().fingerprint)}


def test_parts_may_be_copied_and_read_only(machines: Machines, tmp_path: Path) -> None:
    machines.all()
    drive = tmp_path / "drive"
    for part in machines.parts:
        shutil.copytree(part, drive / part.name)
        shutil.rmtree(part)
    machines.parts = [drive / part.name for part in machines.parts]
    before = {path: path.stat().st_mtime_ns for path in drive.rglob("*")}
    machines.merge()
    assert published(machines.whole, machines.library.seeds) == contents(machines.library.folder)
    assert {path: path.stat().st_mtime_ns for path in drive.rglob("*")} == before


def test_a_photo_that_is_in_two_parts_is_copied_once(machines: Machines) -> None:
    folder = machines.library.folder
    for number in range(6):
        shutil.copy(folder / "a/0.png", folder / f"copy {number}.png")
    machines.all()
    assert machines.merge().photos == 36
    assert published(machines.whole, machines.library.seeds) == contents(folder)
    (shard,) = (machines.whole / "vectors" / StandIn().fingerprint).glob("*.f16")
    assert shard.stat().st_size == 30 * DIMENSION * 2


def test_files_that_are_no_photos_are_known_to_the_whole(machines: Machines) -> None:
    for number in range(5):
        (machines.library.folder / f"bad {number}.png").write_text("no picture")
    machines.all()
    report = machines.merge()
    assert len(report.skipped) == 5
    assert all("text" in bad.reason for bad in report.skipped)
    assert report.photos == 30


def test_a_part_stays_the_part_it_is(machines: Machines, tmp_path: Path) -> None:
    machines.all()
    with pytest.raises(IndexProblem, match="part1: is part 1/3; give part 2/3 an --index of its own"):
        run(machines.parts[0], [], cast(Encoder, StandIn()), Silent(), partition=Partition(2, 3))
    # Without being told again.
    machines.library.write("later.png")
    reports = [run(part, [], cast(Encoder, StandIn()), Silent()) for part in machines.parts]
    assert [report.partition for report in reports] == ["1/3", "2/3", "3/3"]
    assert sum(report.added for report in reports) == 1
    machines.merge()
    with pytest.raises(IndexProblem, match="holds a whole index; give part 1/3"):
        run(machines.whole, [], cast(Encoder, StandIn()), Silent(), partition=Partition(1, 3))
    with pytest.raises(IndexProblem, match="is one of the parts"):
        merge(machines.parts[0], machines.parts, Silent())
    copies = [shutil.copytree(part, tmp_path / "copies" / part.name) for part in machines.parts]
    with pytest.raises(IndexProblem, match="part1: is a part itself"):
        merge(machines.parts[0], copies, Silent())
    with pytest.raises(NoIndex, match="one part of a library, which is not served; sketchseek merge"):
        Published.open(machines.parts[1], StandIn().fingerprint)
    with writing(machines.parts[1]):
        assert (status(machines.parts[1]).part, status(machines.parts[1]).running) == ("2/3", True)
    told = status(machines.parts[1])
    assert (told.part, told.problems, told.generation) == ("2/3", (), None)
    (shard,) = (machines.parts[1] / "vectors").rglob("*.f16")
    os.truncate(shard, shard.stat().st_size - 10)
    assert "part 2/3 is not as its last finished run left it" in status(machines.parts[1]).problems[0]


def test_a_part_that_is_at_work_is_not_merged(machines: Machines) -> None:
    machines.all()
    with writing(machines.parts[1]), pytest.raises(IndexBusy, match=r"part2: process .* is indexing here"):
        machines.merge()


def test_folders_that_no_part_holds_need_a_word(machines: Machines, quick: Job, tmp_path: Path) -> None:
    machines.all()
    for number in range(3):
        write_photo(tmp_path / "others" / f"{number}.png", number)
    run(machines.whole, [tmp_path / "others"], cast(Encoder, StandIn()), Silent())
    with pytest.raises(
        IndexProblem, match="others, which no part does; to take that out, add --accept-deletions"
    ):
        machines.merge()
    report = machines.merge(accept_deletions=True)
    assert (report.removed, report.added, report.photos) == (3, 30, 30)


def test_another_model_is_merged_beside_the_old_index(machines: Machines) -> None:
    machines.all()
    machines.merge()
    before = ids(machines.whole)
    other = StandIn("6" * 16)
    for number in (1, 2, 3):
        machines.embed(number, encoder=other)
    report = machines.merge()
    assert (report.photos, report.unchanged, report.published) == (30, 30, True)
    opened = Published.open(machines.whole, other.fingerprint)
    found = opened.search(np.ones((1, DIMENSION), np.float32), 999)
    assert {hit.photo.relative: hit.photo.id for hit in found} == before


def test_a_merge_that_dies_half_way_is_made_again(
    machines: Machines, monkeypatch: pytest.MonkeyPatch
) -> None:
    machines.all()
    thumbnails = iter(range(10))

    def full(*_: object) -> None:
        if next(thumbnails) == 5:
            raise OSError(28, "No space left on device")

    with monkeypatch.context() as broken:
        broken.setattr("indexer.jobs.merge.write_thumbnail", full)
        with pytest.raises(IndexProblem, match="No space left on device; mend that and run the same command"):
            machines.merge()
    said = json.loads((machines.whole / "reports" / "last.json").read_text())
    assert (said["state"], said["published"]) == ("failed", False)
    assert machines.merge().photos == 30
    assert published(machines.whole, machines.library.seeds) == contents(machines.library.folder)
    (content, *_) = contents(machines.library.folder).values()
    assert thumbnail_path(machines.whole / "thumbnails", content).exists()


def test_more_parts_than_photos(quick: Job, tmp_path: Path) -> None:
    few = Library(tmp_path / "few", 1)
    for number in range(3):
        few.write(f"{number}.png")
    machines = Machines(tmp_path / "machines", few, of=8)
    machines.parts[0].parent.mkdir()
    assert sorted(report.photos for report in machines.all())[:5] == [0] * 5
    assert machines.merge().photos == 3
    # The only photo of a part may be deleted: the folder is not empty.
    (few.folder / "1.png").unlink()
    assert sum(report.removed for report in machines.all()) == 1
    assert (machines.merge().removed, published(machines.whole, few.seeds)) == (1, contents(few.folder))
    few.folder.rename(tmp_path / "unmounted")
    with pytest.raises(PhotosMissing, match="no such folder"):
        machines.all()
    few.folder.mkdir()
    for number in range(8):
        with pytest.raises(PhotosMissing):
            machines.embed(number + 1)
