"""Which losses are believed, and what moves."""

import shutil
from pathlib import Path

import pytest

from indexer import PhotosMissing, RulesChange
from indexer.catalogue.database import Catalogue
from tests.kit.jobs import Job, pretend
from tests.kit.privileges import unprivileged
from tests.kit.standin import write_photo


def ids(job: Job) -> dict[str, int]:
    with Catalogue(job.index / "catalogue.sqlite") as catalogue:
        return {entry.relative: entry.id for entry in catalogue.entries(job.encoder.fingerprint)}


def lose(root: Path, number: int) -> None:
    for path in sorted(root.rglob("*.png"))[:number]:
        path.unlink()


@pytest.mark.parametrize(("lost", "believed"), [(20, True), (21, False), (100, False)])
def test_a_fifth_may_go(quick: Job, hundred: Path, lost: int, believed: bool) -> None:
    quick(hundred)
    lose(hundred, lost)
    write_photo(hundred / "new.png", 1000)
    if believed:
        report = quick(hundred)
        assert (report.removed, report.added, report.photos) == (lost, 1, 101 - lost)
        return
    with pytest.raises(PhotosMissing, match=rf"{lost} of its 100 photos are gone \({lost}%\)"):
        quick(hundred)
    assert len(ids(quick)) == 100
    report = quick(hundred, accept_deletions=True)
    assert (report.removed, report.added, report.photos) == (lost, 1, 101 - lost)


def test_other_folders_go_on(quick: Job, hundred: Path, tmp_path: Path) -> None:
    write_photo(tmp_path / "other" / "a.png", 500)
    quick(hundred, tmp_path / "other")
    lose(hundred, 50)
    write_photo(tmp_path / "other" / "b.png", 501)
    report = quick()
    assert (report.added, report.removed, report.photos) == (1, 0, 102)
    assert len(report.problems) == 1
    assert "--accept-deletions" in report.problems[0]


def test_a_few_may_always_go_but_not_to_another_device(quick: Job, tmp_path: Path) -> None:
    root = tmp_path / "small"
    for seed in range(4):
        write_photo(root / f"{seed}.png", seed)
    quick(root)
    (root / "0.png").unlink()
    assert quick(root).removed == 1
    pretend(quick, "device = '12345'")
    assert quick(root).problems == []
    (root / "1.png").unlink()
    pretend(quick, "device = '12345'")
    with pytest.raises(PhotosMissing, match="another device than before"):
        quick(root)
    assert quick(root, accept_deletions=True).removed == 1
    (root / "2.png").unlink()
    assert quick(root).removed == 1


def test_a_drive_mounted_below_a_folder_is_missed(quick: Job, hundred: Path) -> None:
    quick(hundred)
    pretend(quick, """mounts = '["few"]'""")
    shutil.rmtree(hundred / "few")
    for _ in range(2):
        report = quick()
        assert (report.removed, report.photos) == (0, 100)
        assert "a drive was mounted here" in report.problems[0]
    report = quick(accept_deletions=True)
    assert (report.removed, report.photos, report.problems) == (15, 85, [])


def test_moved_photos_keep_their_ids_and_copies_get_new_ones(
    quick: Job, hundred: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    write_photo(other / "o.png", 777)
    quick(hundred, other)
    before = ids(quick)
    (hundred / "many").rename(other / "all")
    shutil.copy2(hundred / "few" / "0.png", hundred / "copy.png")
    report = quick()
    after = ids(quick)
    assert (report.moved, report.added, report.removed, report.embedded) == (85, 1, 0, 0)
    assert (report.problems, report.unchanged) == ([], 16)
    assert {
        name.replace("all/", "many/"): number for name, number in after.items() if name != "copy.png"
    } == before
    assert after["copy.png"] not in before.values()


def test_photos_that_moved_into_a_folder_that_is_refused_are_not_gone(
    quick: Job, hundred: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    for seed in range(15):
        write_photo(other / f"{seed}.png", 200 + seed)
    quick(hundred, other)
    before = ids(quick)
    lose(other, 14)
    (hundred / "many").rename(other / "many")
    with pytest.raises(PhotosMissing, match=r"14 of its 15 .*85 of its 100"):
        quick()
    assert ids(quick) == before


def test_a_mounted_drive_is_missed_whatever_is_included(quick: Job, hundred: Path) -> None:
    quick(hundred, change=RulesChange(include=["*.png"]))
    pretend(quick, """mounts = '["few"]'""")
    shutil.rmtree(hundred / "few")
    assert quick().photos == 100


def test_of_copies_the_one_of_the_same_name_moved(quick: Job, tmp_path: Path) -> None:
    root = tmp_path / "photos"
    for name in ("1/a.png", "1/b.png", "keep.png"):
        write_photo(root / name, 1)
    quick(root)
    before = ids(quick)
    (root / "1").rename(root / "2")
    assert quick(root).moved == 2
    assert ids(quick) == {name.replace("1/", "2/"): number for name, number in before.items()}


def test_a_move_survives_a_run_that_dies(quick: Job, hundred: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    quick(hundred)
    before = ids(quick)
    (hundred / "few").rename(hundred / "some")
    with monkeypatch.context() as broken:
        broken.setattr("indexer.jobs.run._Run._settle", lambda *_, **__: pytest.fail("killed"))
        with pytest.raises(pytest.fail.Exception):
            quick(hundred)
    report = quick(hundred)
    assert (report.published, report.photos, report.embedded) == (True, 100, 0)
    assert ids(quick) == {name.replace("few/", "some/"): number for name, number in before.items()}


def test_a_run_goes_on_after_permission_is_lost(quick: Job, hundred: Path) -> None:
    quick(hundred)
    (hundred / "many").chmod(0)
    write_photo(hundred / "new.png", 1000)
    try:
        with unprivileged():
            report = quick()
    finally:
        (hundred / "many").chmod(0o700)
    assert (report.added, report.removed, report.photos) == (1, 0, 101)
    assert [bad.path.name for bad in report.skipped] == ["many"]
    assert quick().unchanged == 101
