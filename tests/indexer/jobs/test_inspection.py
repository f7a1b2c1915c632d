"""verify --deep: every kind of damage is reported with a fix, and the next run repairs it."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from indexer import IndexBusy, IndexProblem, NoIndex, Partition, inspect
from indexer.decoding.thumbnails import thumbnail_path
from indexer.generations import generation
from indexer.locking.lock import writing
from tests.kit.damage import change, flip
from tests.kit.jobs import Job, ids
from tests.kit.standin import contents, write_photo


@pytest.fixture
def made(quick: Job, tmp_path: Path) -> Job:
    for seed in range(20):
        write_photo(tmp_path / "photos" / f"{seed}.png", seed)
    quick(tmp_path / "photos")
    return quick


def a_thumbnail(index: Path) -> Path:
    return next((index / "thumbnails").rglob("*.webp"))


DAMAGE: dict[str, tuple[Callable[[Path], None], str, str]] = {
    "shard flipped": (
        lambda index: flip(next(index.rglob("*.f16")), -5),
        ".f16: damaged or lost: 1 vector; ",
        "1 vector",
    ),
    "shard cut": (
        lambda index: next(index.rglob("*.f16")).write_bytes(next(index.rglob("*.f16")).read_bytes()[:960]),
        ".f16: damaged or lost: 10 vectors; ",
        "10 vectors",
    ),
    "shard gone": (lambda index: next(index.rglob("*.f16")).unlink(), "lost: 20 vectors", "20 vectors"),
    "catalogue": (
        lambda index: change(index, "UPDATE contents SET height = 3"),
        "restore it from its copy",
        "restored the copy",
    ),
    "catalogue gone": (
        lambda index: (index / "catalogue.sqlite").unlink(),
        "it is missing",
        "restored the copy",
    ),
    "copy": (
        lambda index: flip(index / "catalogue.sqlite.copy", -5),
        ".copy: changed since the last run",
        "",
    ),
    "thumbnail flipped": (
        lambda index: flip(a_thumbnail(index), 99),
        "damaged or missing: 1 thumb",
        "1 thumb",
    ),
    "thumbnail cut": (
        lambda index: a_thumbnail(index).write_bytes(a_thumbnail(index).read_bytes()[:90]),
        "damaged or missing: 1 thumbnail; ",
        "1 thumbnail was",
    ),
    "thumbnail gone": (lambda index: a_thumbnail(index).unlink(), "missing: 1 thumb", "1 thumbnail was"),
    "report": (
        lambda index: (index / "reports" / "last.json").write_text("{"),
        "last.json: not a report",
        "",
    ),
    "published vectors": (
        lambda index: flip(next(index.rglob("index.faiss")), -5),
        "not the file that was published",
        "published again",
    ),
    "published photos": (
        lambda index: flip(next(index.rglob("photos.sqlite")), -5),
        "not the file that was published",
        "published again",
    ),
    "CURRENT": (lambda index: (index / "CURRENT").write_text("nothing"), "does not name a generation", ""),
    "generation gone": (
        lambda index: shutil.rmtree(index / "generations" / "000001"),
        "generations/000001: should be served, but is missing or not a generation; ",
        "",
    ),
    "all generations gone": (
        lambda index: shutil.rmtree(index / "generations"),
        "is missing or not a generation; ",
        "",
    ),
    "manifest gone": (
        lambda index: next(index.rglob("manifest.json")).unlink(),
        "generations/000001: should be served",
        "",
    ),
    "seal": (
        lambda index: flip(index / "catalogue.sqlite.seal", -5),
        ".seal: changed since the last run; ",
        "",
    ),
    "seal gone": (
        lambda index: (index / "catalogue.sqlite.seal").unlink(),
        ".seal: changed since the last run",
        "",
    ),
}


@pytest.mark.parametrize("kind", DAMAGE)
def test_damage_is_named_and_healed(made: Job, kind: str) -> None:
    assert inspect(made.index) == []
    before = ids(made)
    damage, found, healed = DAMAGE[kind]
    damage(made.index)
    findings = inspect(made.index)
    assert any(found in str(finding) for finding in findings), findings
    assert all(finding.remedy for finding in findings)
    report = made()
    assert len(report.healed) == (healed != "")
    assert all(healed in line for line in report.healed)
    assert report.embedded == 0
    assert inspect(made.index) == []
    assert ids(made) == before
    assert made().healed == []


def test_a_generation_that_is_not_served_is_no_matter_of_the_next_run(made: Job, tmp_path: Path) -> None:
    write_photo(tmp_path / "photos" / "new.png", 99)
    made()
    path = made.index / "generations" / "000001" / "photos.sqlite"
    flip(path, -5)
    (finding,) = inspect(made.index)
    assert (finding.path, finding.what) == (str(path), "not the file that was published")
    assert "sketchseek prune 1" in finding.remedy
    generation.prune(made.index, 1)
    assert inspect(made.index) == []


def test_an_old_report_is_not_written_again(made: Job) -> None:
    (made.index / "reports" / "000001.json").write_text("{")
    (finding,) = inspect(made.index)
    assert finding.remedy == "delete it: nothing needs it"


@pytest.mark.parametrize("name", ["CURRENT", "HIGHEST", "catalogue.sqlite.seal"])
def test_a_folder_in_the_place_of_a_file_is_named_as_it_is(made: Job, tmp_path: Path, name: str) -> None:
    (made.index / name).unlink()
    (made.index / name).mkdir()
    write_photo(tmp_path / "photos" / "new.png", 99)
    with pytest.raises(IndexProblem, match=f"/{name}: Is a directory"):
        made()
    (made.index / name).rmdir()
    assert made().photos == 21
    assert inspect(made.index) == []


def test_a_link_that_leads_nowhere_is_named_as_such(made: Job, tmp_path: Path) -> None:
    shutil.rmtree(made.index / "generations")
    (made.index / "generations").symlink_to(tmp_path / "nowhere")
    with pytest.raises(IndexProblem, match="/generations: a broken symbolic link"):
        made()


@pytest.mark.parametrize(
    "name",
    ["CURRENT", "catalogue.sqlite.seal", "catalogue.sqlite.copy", "manifest.json", "index.faiss"],
)
def test_a_pipe_in_the_place_of_a_file_holds_up_nobody(made: Job, name: str) -> None:
    path = next(made.index.rglob(name))
    path.unlink()
    os.mkfifo(path)
    assert inspect(made.index)
    assert made().photos == 20
    assert inspect(made.index) == []


def test_damaged_vectors_of_an_unpublished_model_are_embedded_again(made: Job) -> None:
    shard = next(made.index.rglob("*.f16"))
    flip(shard, -5)
    for path in (made.index / "generations").rglob("index.faiss"):
        flip(path, -5)
    report = made()
    assert (report.embedded, report.photos) == (1, 20)
    assert "embedded again" in report.healed[0]
    assert inspect(made.index) == []


def test_a_photo_that_cannot_be_read_now_keeps_its_vector(made: Job, tmp_path: Path) -> None:
    """The drive is not mounted: the published generation is the only other place that has the vector."""
    flip(next(made.index.rglob("*.f16")), -5)
    other = tmp_path / "other"
    write_photo(other / "new.png", 99)
    (tmp_path / "photos").rename(tmp_path / "away")
    report = made(other)
    assert (report.photos, report.embedded) == (21, 1)
    assert "copied back" in report.healed[0]


def test_a_run_that_dies_before_it_publishes_is_named(
    made: Job, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_photo(tmp_path / "photos" / "new.png", 99)
    with monkeypatch.context() as broken:
        broken.setattr("indexer.generations.writer.publish", lambda *_, **__: pytest.fail("killed"))
        with pytest.raises(pytest.fail.Exception):
            made()
    (finding,) = inspect(made.index)
    assert "not published yet" in finding.what
    made()
    assert inspect(made.index) == []


def test_thumbnails_are_made_again_by_content(made: Job, tmp_path: Path) -> None:
    path = a_thumbnail(made.index)
    whole = path.read_bytes()
    flip(path, 50)
    inspect(made.index)
    assert made().unchanged == 20
    assert path.read_bytes() == whole


def test_more_damaged_thumbnails_than_are_noted_are_counted_all_the_same(
    made: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    for path in list((made.index / "thumbnails").rglob("*.webp"))[:5]:
        path.unlink()
    monkeypatch.setattr("indexer.jobs.inspection.MOST_NOTED", 2)
    (finding,) = inspect(made.index)
    assert finding.what == "damaged or missing: 5 thumbnails"
    noted = (made.index / "thumbnails" / "damaged.txt").read_text().split()
    assert len(noted) == 2


def test_strays_are_swept_and_other_files_left(made: Job) -> None:
    folder = a_thumbnail(made.index).parent
    stray = thumbnail_path(made.index / "thumbnails", f"{folder.name}{'0' * 30}")
    large = thumbnail_path(made.index / "thumbnails", f"{folder.name}{'0' * 30}", "large")
    mine, note = folder / "mine.webp", folder / "notes.tmp"
    large.parent.mkdir(parents=True)
    for path in (stray, large, mine, note):
        path.write_bytes(b"something")
    made()
    assert [path.exists() for path in (stray, large, mine, note)] == [False, False, True, True]


def test_a_full_disk_leaves_no_half_thumbnails(
    made: Job, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, data: bytes) -> int:
        with path.open("wb") as file:
            file.write(data[: len(data) // 2])
        raise OSError(28, "No space left on device", str(path))

    write_photo(tmp_path / "photos" / "new.png", 99)
    with monkeypatch.context() as patched:
        patched.setattr(Path, "write_bytes", full)
        with pytest.raises(Exception, match="No space left"):
            made()
    assert not list((made.index / "thumbnails").rglob("*.tmp"))


def test_it_waits_for_no_run_and_changes_nothing(made: Job) -> None:
    before = {path: path.read_bytes() for path in made.index.rglob("*") if path.is_file()}
    inspect(made.index)
    assert {path: path.read_bytes() for path in made.index.rglob("*") if path.is_file()} == before
    with writing(made.index), pytest.raises(IndexBusy):
        inspect(made.index)


def test_what_is_no_index_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NoIndex):
        inspect(tmp_path)


def test_a_part_is_checked_too(quick: Job, tmp_path: Path) -> None:
    for seed in range(8):
        write_photo(tmp_path / "photos" / f"{seed}.png", seed)
    quick(tmp_path / "photos", partition=Partition.parse("1/1"))
    assert inspect(quick.index) == []
    flip(next(quick.index.rglob("*.f16")), -5)
    assert len(inspect(quick.index)) == 2
    assert quick().embedded == 1
    assert inspect(quick.index) == []


def test_the_model_may_make_no_vector(made: Job, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """NaN from a model is reported for that photo, never published, and tried again."""
    encode = made.encoder.encode_photos

    def one_bad(pixels: list[object]) -> object:
        vectors = encode(pixels)  # type: ignore[arg-type]
        vectors[0] = float("nan")
        return vectors

    write_photo(tmp_path / "photos" / "new.png", 99)
    with monkeypatch.context() as patched:
        patched.setattr(made.encoder, "encode_photos", one_bad)
        report = made()
    assert [(bad.path.name, bad.reason[:30]) for bad in report.skipped] == [
        ("new.png", "the model made no valid vector")
    ]
    assert report.photos == 20
    assert inspect(made.index) == []
    report = made()
    assert (report.photos, report.skipped) == (21, [])


def test_findings_for_people_and_for_programs(made: Job) -> None:
    from tests.kit.service.commands import sketchseek

    assert sketchseek("verify", "--deep", "--index", made.index).stdout == f"{made.index}: intact\n"
    flip(next(made.index.rglob("*.f16")), -5)
    done = sketchseek("verify", "--deep", "--index", made.index)
    assert done.returncode == 1
    assert done.stdout.count("\n") == 1
    (found,) = json.loads(sketchseek("verify", "--deep", "--json", "--index", made.index).stdout)
    assert set(found) == {"path", "what", "remedy"}
    assert done.stdout == f"{found['path']}: {found['what']}; {found['remedy']}\n"
    assert contents(made.index) == {}
