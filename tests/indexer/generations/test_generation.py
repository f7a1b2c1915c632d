"""Generations: published whole or not at all, checked to the byte, pruned with care."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from indexer import BrokenGeneration, NoIndex, Published, WrongModel
from indexer.generations import generation
from indexer.generations.manifest import FORMAT, Manifest, describe, read_manifest, seal_manifest, verify
from indexer.reports.times import now
from tests.kit.jobs import Job
from tests.kit.shapes import drawing


def fill(folder: Path, name: str) -> Manifest:
    (folder / "a.bin").write_bytes(b"abc" * 1000)
    (folder / "b.bin").write_bytes(b"xyz")
    files = describe(folder)
    return Manifest(FORMAT, name, now(), "lite", "f" * 16, 4, "flat-fp16", 0, 0, files)


@pytest.fixture
def index(tmp_path: Path) -> Path:
    generation.publish(tmp_path, fill)
    return tmp_path


def test_current_names_what_was_published(index: Path) -> None:
    assert generation.current(index).name == "000001"
    assert verify(generation.current(index)).files["b.bin"].bytes == 3
    assert generation.publish(index, fill).generation == "000002"
    assert generation.current(index).name == "000002"


def test_every_flipped_byte_is_noticed(index: Path) -> None:
    folder = generation.current(index)
    for name, step in (("a.bin", 501), ("b.bin", 1), ("manifest.json", 1)):
        whole = (folder / name).read_bytes()
        for place in range(0, len(whole), step):
            (folder / name).write_bytes(whole[:place] + bytes([whole[place] ^ 0x10]) + whole[place + 1 :])
            with pytest.raises(BrokenGeneration, match=name):
                verify(folder)
        (folder / name).write_bytes(whole)
    verify(folder)


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "{}", '{"files": 3}', '{"format": 2, "files": {}, "more": 2}', '{"format": "2"}']
)
def test_a_manifest_that_is_none(index: Path, text: str) -> None:
    (generation.current(index) / "manifest.json").write_text(text)
    with pytest.raises(BrokenGeneration, match="not a manifest"):
        verify(generation.current(index))


def test_a_manifest_of_the_future(index: Path) -> None:
    path = generation.current(index) / "manifest.json"
    for number, remedy in ((FORMAT + 1, "upgrade"), (1, "older.*run sketchseek index")):
        path.write_text(json.dumps({**json.loads(path.read_text()), "format": number}))
        with pytest.raises(BrokenGeneration, match=remedy):
            verify(generation.current(index))


def test_a_missing_file_is_noticed(index: Path) -> None:
    (generation.current(index) / "a.bin").unlink()
    with pytest.raises(BrokenGeneration, match=r"a\.bin"):
        verify(generation.current(index))


def test_a_failed_publication_leaves_the_old_one(index: Path) -> None:
    def fail(folder: Path, name: str) -> Manifest:
        (folder / "half").write_bytes(b"x")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        generation.publish(index, fail)
    assert generation.current(index).name == "000001"
    assert generation.publish(index, fill).generation == "000002"
    assert not list((index / "generations").glob("*.tmp"))


def test_pruning_keeps_the_newest_and_the_serving_one(index: Path) -> None:
    for _ in range(4):
        generation.publish(index, fill)
    (index / "CURRENT").write_text("000001\n")
    generation.prune(index, keep=2)
    assert sorted(p.name for p in (index / "generations").iterdir()) == ["000001", "000005"]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda folder: None, "no such folder"),
        (lambda folder: folder.mkdir(), "not an index"),
        (
            lambda folder: (folder.mkdir(), (folder / "catalogue.sqlite").touch()),
            "nothing published yet",
        ),
    ],
)
def test_a_folder_that_is_no_index(tmp_path: Path, make: object, message: str) -> None:
    assert callable(make)
    make(tmp_path / "folder")
    with pytest.raises(NoIndex, match=f"{message}.*sketchseek index"):
        generation.current(tmp_path / "folder")


def test_a_pointer_to_somewhere_else_is_refused(index: Path) -> None:
    (index / "CURRENT").write_text("../../etc\n")
    with pytest.raises(BrokenGeneration, match="does not name a generation"):
        generation.current(index)


def test_another_models_index_is_refused(job: Job, library: Path) -> None:
    job(library)
    with pytest.raises(WrongModel, match=r"another model.*sketchseek index --model MODEL --index"):
        Published.open(job.index, "0" * 16)


def test_a_generation_whose_parts_disagree_is_refused(job: Job, library: Path) -> None:
    """Checksums are right, yet the manifest promises more photos than there are."""
    job(library)
    folder = generation.current(job.index)
    manifest = read_manifest(folder)
    wrong = replace(manifest, photos=16)
    (folder / "manifest.json").write_bytes(seal_manifest(wrong))
    with pytest.raises(BrokenGeneration, match="numbers of vectors and photos differ"):
        Published.open(job.index, job.encoder.fingerprint)
    assert read_manifest(folder) == wrong


def test_photos_are_found_by_their_public_id_only(job: Job, library: Path) -> None:
    job(library)
    published = Published.open(job.index, job.encoder.fingerprint)
    hit = published.search(job.encoder.sketches([drawing("fish")]), 1)[0]
    public = hit.photo.public_id
    assert published.photo(public) == hit.photo
    for other in (
        "",
        "zz",
        "0" * 16,
        "f" * 16,
        "f" * 40,
        public.upper() + "0",
        f"+{public[1:]}",
        "../x",
        "1_0",
    ):
        assert published.photo(other) is None
