"""Half-empty shards, and those of models no longer used: copied or removed, and no photo loses its vector."""

from pathlib import Path

import pytest

from indexer import Silent, run
from indexer.shards import compaction
from indexer.shards.shard import shards
from tests.kit.standin import InThread, Library, StandIn, contents, published


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Library:
    monkeypatch.setattr("indexer.jobs.pipeline.Workers", InThread)
    library = Library(tmp_path / "photos", 1)
    for number in range(10):
        library.write(f"{number}.png")
    return library


def numbers(index: Path, fingerprint: str = "5" * 16) -> list[int]:
    return sorted(shards(index / "vectors" / fingerprint))


def index_it(library: Library, index: Path, fingerprint: str = "5" * 16) -> int:
    return run(index, [library.folder], StandIn(fingerprint), Silent(), accept_deletions=True).embedded


@pytest.mark.parametrize("at_once", [1, 3, 4096])
def test_a_half_empty_shard_is_copied(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    monkeypatch.setattr(compaction, "_CHUNK", at_once)
    index = tmp_path / "index"
    index_it(library, index)
    for number in range(5):
        (library.folder / f"{number}.png").unlink()
    index_it(library, index)
    assert numbers(index) == [1]
    (library.folder / "5.png").unlink()
    index_it(library, index)
    assert numbers(index) == [2]
    assert shards(index / "vectors" / ("5" * 16))[2].stat().st_size == 4 * 2 * StandIn().dimension
    library.write("new.png")
    assert index_it(library, index) == 1
    assert numbers(index) == [2, 3]
    assert published(index, library.seeds) == contents(library.folder)


def test_several_sparse_shards_become_one(library: Library, tmp_path: Path) -> None:
    index = tmp_path / "index"
    index_it(library, index)
    for number in range(10, 20):
        library.write(f"{number}.png")
    index_it(library, index)
    for number in (*range(7), *range(10, 17)):
        (library.folder / f"{number}.png").unlink()
    index_it(library, index)
    assert numbers(index) == [3]
    # Nothing was published since: a rebuilt generation reads the copies.
    (index / "CURRENT").unlink()
    assert index_it(library, index) == 0
    assert published(index, library.seeds) == contents(library.folder)


def test_another_models_vectors_go_with_its_last_generation(library: Library, tmp_path: Path) -> None:
    index, other = tmp_path / "index", "6" * 16
    index_it(library, index)
    assert index_it(library, index, other) == 10
    # The old model's generation is kept, and going back to it needs no embedding.
    assert (numbers(index), numbers(index, other)) == ([1], [1])
    for number in range(2):
        library.write(f"more {number}.png")
        index_it(library, index, other)
    assert not (index / "vectors" / ("5" * 16)).exists()
    assert index_it(library, index) == 12
    assert published(index, library.seeds) == contents(library.folder)


def test_a_folder_that_is_not_ours_stays(library: Library, tmp_path: Path) -> None:
    index = tmp_path / "index"
    (index / "vectors" / "mine").mkdir(parents=True)
    (index / "vectors" / "mine" / "notes.txt").touch()
    (index / "LOCK").write_text("sketchseek index")
    index_it(library, index)
    assert (index / "vectors" / "mine" / "notes.txt").exists()
