"""Local parts in a generation: each photo has its own, damage is refused, and little change costs little."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import cast

import numpy as np
import pytest

from indexer import Published, Silent, inspect, run
from indexer.catalogue.database import Catalogue
from indexer.generations.generation import current
from indexer.generations.manifest import FORMAT, WITHOUT_PARTS, read_manifest
from indexer.parts.reader import FILES, ROWS_FILE
from indexer.shards.shard import PARTS, ShardReader, shards
from model import Encoder
from tests.kit.damage import flip
from tests.kit.jobs import Job, Machines, ids
from tests.kit.standin import Library, StandIn, contents, photos_with_parts, published

HEAD, OTHER = "7" * 16, "8" * 16


@pytest.fixture
def library(tmp_path: Path) -> Library:
    library = Library(tmp_path / "photos", 1)
    for number in range(12):
        library.write(f"{number}.png")
    shutil.copy(library.folder / "0.png", library.folder / "copy.png")
    return library


@pytest.fixture
def made(quick: Job, library: Library) -> Job:
    """An index with local parts."""
    quick.encoder = cast(Encoder, StandIn(parts=HEAD))
    quick(library.folder)
    return quick


def everything(library: Library) -> set[str]:
    return set(contents(library.folder).values())


def rows_folder(job: Job, head: str = HEAD) -> Path:
    return job.index / "vectors" / head


def test_each_photo_has_its_own_parts(made: Job, library: Library) -> None:
    assert photos_with_parts(made.index, library.seeds, HEAD) == everything(library)
    manifest = read_manifest(current(made.index))
    assert (manifest.format, manifest.parts, manifest.part_photos) == (FORMAT, HEAD, 13)
    # Copies share a row.
    assert manifest.files[ROWS_FILE].bytes == 12 * manifest.part_bytes
    assert inspect(made.index) == []
    assert not made().published


def test_without_a_local_head_nothing_changes(quick: Job, library: Library) -> None:
    quick(library.folder)
    folder = current(quick.index)
    assert read_manifest(folder).format == WITHOUT_PARTS
    assert b"part" not in (folder / "manifest.json").read_bytes()
    assert not {path.name for path in folder.iterdir()} & set(FILES)
    assert photos_with_parts(quick.index, library.seeds, HEAD) == set()


def test_those_of_another_head_are_none(made: Job) -> None:
    opened = Published.open(made.index, made.encoder.fingerprint)
    wanted = np.array([*ids(made).values()][:3])
    assert opened.parts(wanted, OTHER) is None
    found = opened.parts(np.array([5, *wanted]), HEAD)
    assert found is not None
    assert found.present.tolist() == [False, True, True, True]


def test_any_flipped_byte_is_refused_and_the_last_good_generation_serves(
    made: Job, library: Library, caplog: pytest.LogCaptureFixture
) -> None:
    library.write("new.png")
    made()
    for name in FILES:
        path = current(made.index) / name
        whole = path.read_bytes()
        for where in (0.0, 0.3, 1.0):
            flip(path, where)
            opened = Published.open(made.index, made.encoder.fingerprint)
            assert [refused.generation for refused in opened.refused] == ["000002"]
            assert "serving generation 000001" in caplog.text
            assert opened.manifest.parts == HEAD
            path.write_bytes(whole)
    path.write_bytes(whole[:-1])
    assert made().published
    assert photos_with_parts(made.index, library.seeds, HEAD) == everything(library)


def test_a_file_that_is_cut_off_while_it_is_open_gives_no_wrong_rows(made: Job) -> None:
    opened = Published.open(made.index, made.encoder.fingerprint)
    wanted = np.array([*ids(made).values()])
    with (current(made.index) / ROWS_FILE).open("rb+") as file:
        file.truncate(100)
    with pytest.raises(Exception, match="size changed while it was open"):
        opened.parts(wanted, HEAD)
    assert opened.touched


@pytest.mark.parametrize(
    "harm", [lambda path: flip(path, -5), lambda path: path.write_bytes(path.read_bytes()[:100])]
)
def test_damaged_rows_are_made_again_by_the_next_run(
    made: Job, library: Library, harm: Callable[[Path], object]
) -> None:
    harm(shards(rows_folder(made), PARTS)[1])
    assert any("local parts of" in str(finding) for finding in inspect(made.index))
    report = made()
    assert any(line.startswith("local parts of") for line in report.healed)
    assert report.embedded == 0
    assert photos_with_parts(made.index, library.seeds, HEAD) == everything(library)
    assert inspect(made.index) == []


def test_a_row_damaged_during_a_run_is_left_out_and_made_by_the_next(
    made: Job, library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As if the disk failed between the check at the beginning and publication."""
    library.write("new.png")
    (current(made.index) / ROWS_FILE).write_bytes(b"")
    monkeypatch.setattr("indexer.jobs.run.heal_parts", lambda *_: [])
    flip(shards(rows_folder(made), PARTS)[1], -5)
    made()
    assert len(photos_with_parts(made.index, library.seeds, HEAD)) == 12
    made()
    assert photos_with_parts(made.index, library.seeds, HEAD) == everything(library)


def test_little_change_reads_only_what_is_new(
    made: Job, library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("indexer.jobs.run.heal_parts", lambda *_: [])
    library.write("new.png")
    (library.folder / "3.png").unlink()
    read: list[int] = []
    checked = ShardReader.intact

    def counted(reader: ShardReader, places: list[object]) -> object:
        if reader._kind is PARTS:
            read.append(len(places))
        return checked(reader, places)  # type: ignore[arg-type]

    monkeypatch.setattr(ShardReader, "intact", counted)
    made()
    assert read == [1]
    assert photos_with_parts(made.index, library.seeds, HEAD) == everything(library)
    # So much is gone that the file is written anew.
    for name in ("4.png", "5.png", "6.png"):
        (library.folder / name).unlink()
    made()
    manifest = read_manifest(current(made.index))
    assert manifest.files[ROWS_FILE].bytes == 9 * manifest.part_bytes
    assert photos_with_parts(made.index, library.seeds, HEAD) == everything(library)


def test_another_head_replaces_the_parts_and_its_rows_go_with_the_generations(
    made: Job, library: Library
) -> None:
    made.encoder = cast(Encoder, StandIn(parts=OTHER))
    report = made()
    assert (report.embedded, report.published) == (0, True)
    assert photos_with_parts(made.index, library.seeds, OTHER) == everything(library)
    assert rows_folder(made).is_dir()
    library.write("new.png")
    made()
    made()
    assert not rows_folder(made).exists()
    with Catalogue(made.index / "catalogue.sqlite") as catalogue:
        assert not catalogue.shards(HEAD)


def test_a_model_that_lost_its_head_leaves_the_parts(made: Job, library: Library) -> None:
    made.encoder = cast(Encoder, StandIn())
    assert not made().published
    assert photos_with_parts(made.index, library.seeds, HEAD) == everything(library)


def test_deleted_photos_leave_no_rows(made: Job, library: Library) -> None:
    for number in range(1, 9):
        (library.folder / f"{number}.png").unlink()
    made()
    folder = rows_folder(made)
    assert sum(path.stat().st_size for path in folder.iterdir()) == 4 * 48
    assert photos_with_parts(made.index, library.seeds, HEAD) == everything(library)


def test_a_merge_brings_the_parts_along(machines: Machines, tmp_path: Path) -> None:
    """Where one machine's model has no local head yet, its photos are without parts until the next run."""
    for number in (1, 2):
        machines.embed(number, encoder=StandIn(parts=HEAD))
    machines.embed(3)
    machines.merge()
    library = machines.library
    assert published(machines.whole, library.seeds) == contents(library.folder)
    there = photos_with_parts(machines.whole, library.seeds, HEAD)
    assert 0 < len(there) < 30
    machines.embed(3, encoder=StandIn(parts=HEAD))
    machines.merge()
    assert photos_with_parts(machines.whole, library.seeds, HEAD) == everything(library)
    assert inspect(machines.whole) == []
    encoder = cast(Encoder, StandIn(parts=HEAD))
    assert not run(machines.whole, [library.folder], encoder, Silent()).published
