"""A library embedded in parts and merged: the same as in one run, cheap to repeat, and nothing that does not belong."""

import json
import os
import shutil
from collections.abc import Callable
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
    Report,
    RulesChange,
    Silent,
    WrongModel,
    merge,
    run,
    status,
)
from indexer.catalogue import Catalogue
from indexer.errors import BrokenGeneration
from indexer.lock import writing
from indexer.pipeline import Pipeline
from indexer.thumbnails import thumbnail_path
from model import Encoder
from tests.conftest import Job
from tests.standin import DIMENSION, Library, StandIn, contents, published, write_photo


@pytest.fixture
def library(quick: Job, tmp_path: Path) -> Library:
    """`quick` for its decoders without processes."""
    made = Library(tmp_path / "photos", 3)
    for number in range(30):
        made.write(f"{'abc'[number % 3]}/{number}.png")
    return made


class Machines:
    """Each embeds its part; `whole` is where they are merged."""

    def __init__(self, folder: Path, library: Library, of: int = 3) -> None:
        self.library, self.of = library, of
        self.parts = [folder / f"part{number + 1}" for number in range(of)]
        self.whole = folder / "whole"

    def embed(self, number: int, *, encoder: StandIn | None = None, **options: object) -> Report:
        """The `number`-th of them, from one."""
        return run(
            self.parts[number - 1],
            [self.library.folder],
            cast(Encoder, encoder or StandIn()),
            Silent(),
            partition=Partition(number, self.of),
            **options,  # type: ignore[arg-type]
        )

    def all(self) -> list[Report]:
        return [self.embed(number + 1) for number in range(self.of)]

    def merge(self, **options: object) -> Report:
        return merge(self.whole, self.parts, Silent(), **options)  # type: ignore[arg-type]


@pytest.fixture
def machines(tmp_path: Path, library: Library) -> Machines:
    return Machines(tmp_path, library)


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
        with pytest.raises(IndexProblem, match="no part of a library"):
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


def _another_model(machines: Machines) -> None:
    machines.embed(2, encoder=StandIn("6" * 16))


def _other_roots(machines: Machines) -> None:
    other = machines.parts[1].parent / "others"
    for number in range(9):
        write_photo(other / f"{number}.png", number)
    run(machines.parts[1], [machines.library.folder, other], cast(Encoder, StandIn()), Silent())


def _other_patterns(machines: Machines) -> None:
    machines.embed(2, change=RulesChange(hidden=True))


def _missing(machines: Machines) -> None:
    del machines.parts[1]


def _doubled(machines: Machines) -> None:
    shutil.copytree(machines.parts[0], machines.parts[0].with_name("again"))
    machines.parts.append(machines.parts[0].with_name("again"))


def _given_twice(machines: Machines) -> None:
    machines.parts.append(machines.parts[0])


def _another_number(machines: Machines) -> None:
    machines.parts[1] = machines.parts[1].with_name("of four")
    run(
        machines.parts[1],
        [machines.library.folder],
        cast(Encoder, StandIn()),
        Silent(),
        partition=Partition(2, 4),
    )


def _whole_index(machines: Machines) -> None:
    machines.parts[1] = machines.parts[1].with_name("an index")
    run(machines.parts[1], [machines.library.folder], cast(Encoder, StandIn()), Silent())


def _any_folder(machines: Machines) -> None:
    machines.parts[1] = machines.library.folder


def _killed(machines: Machines) -> None:
    """Its catalogue knows more than its last finished run."""
    sealed = (machines.parts[1] / "part.json").read_bytes()
    for number in range(9):
        machines.library.write(f"later {number}.png")
    machines.embed(2)
    (machines.parts[1] / "part.json").write_bytes(sealed)


def _shard(machines: Machines) -> Path:
    (path,) = (machines.parts[1] / "vectors").rglob("*.f16")
    return path


def _cut_short(machines: Machines) -> None:
    os.truncate(_shard(machines), _shard(machines).stat().st_size - 10)


def _one_bit(machines: Machines) -> None:
    data = bytearray(_shard(machines).read_bytes())
    data[100] ^= 4
    _shard(machines).write_bytes(data)


def _other_words(machines: Machines) -> None:
    path = machines.parts[1] / "part.json"
    path.write_bytes(path.read_bytes().replace(b'"2/3"', b'"3/3"'))


def _no_words(machines: Machines) -> None:
    (machines.parts[1] / "part.json").write_bytes(b"\0" * 100)


@pytest.mark.parametrize(
    ("wrong", "error", "said"),
    [
        (
            _another_model,
            WrongModel,
            "part2: made by model stand-in .66666.*, but .*part1 by .*run all parts with one",
        ),
        (_other_roots, IndexProblem, "part2: was made of other photo folders than .*others, .*photos, but "),
        (_other_patterns, IndexProblem, "part2: was made of .* the same ones by other patterns"),
        (_missing, IndexProblem, "part 2/3 is missing"),
        (_doubled, IndexProblem, "again: is part 1/3, and so is .*part1; give each once"),
        (_given_twice, IndexProblem, "part1: is part 1/3, and so is .*part1; give each once"),
        (_another_number, IndexProblem, "of four: is part 2/4, but .*part1 is part 1/3"),
        (_whole_index, NoIndex, "an index: a whole index, not a part"),
        (_any_folder, NoIndex, "photos: no index of ours"),
        (_killed, IndexProblem, "part2: part 2/3 is not as its last finished run left it .catalogue.sqlite."),
        (
            _cut_short,
            IndexProblem,
            r"part2: part 2/3 is not as its last finished run left it .vectors/.*f16.",
        ),
        (_one_bit, BrokenGeneration, r"part2/.*000001.f16: not as its run left it; copy it again"),
        (_other_words, BrokenGeneration, r"part2/part.json: damaged"),
        (_no_words, BrokenGeneration, r"part2/part.json: damaged"),
    ],
)
def test_what_does_not_belong_together_is_refused(
    machines: Machines, wrong: Callable[[Machines], None], error: type[Exception], said: str
) -> None:
    """The whole stays as it was, and the right parts still make one."""
    machines.all()
    machines.merge()
    before = published(machines.whole, machines.library.seeds)
    right = list(machines.parts)
    shutil.copytree(
        machines.whole.parent, machines.whole.parent / "kept", ignore=shutil.ignore_patterns("kept")
    )
    if wrong is _one_bit:
        # Rows are read from a shard only where the whole lacks them.
        shutil.rmtree(machines.whole)
    wrong(machines)
    with pytest.raises(error, match=said):
        machines.merge()
    if wrong is not _one_bit:
        assert published(machines.whole, machines.library.seeds) == before
    for part in right:
        shutil.rmtree(part)
        shutil.copytree(machines.whole.parent / "kept" / part.name, part)
    machines.parts = right
    machines.merge()
    assert published(machines.whole, machines.library.seeds) == before


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
    _cut_short(machines)
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
        broken.setattr("indexer.merging.write_thumbnail", full)
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
