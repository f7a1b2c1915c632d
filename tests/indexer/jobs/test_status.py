"""What `status` says of photo folders and runs: each trouble in plain words, with what to do next."""

import os
import signal
from pathlib import Path
from typing import cast

import pytest

from indexer import IndexProblem, NoIndex, PhotosMissing, Status, status
from indexer.locking.lock import was_abandoned, writing
from model import Encoder
from tests.kit.jobs import Job
from tests.kit.standin import StandIn, write_photo


def trouble(found: Status) -> str:
    """The only one."""
    (line,) = found.problems
    return line


def killed_in_a_run(index: Path) -> None:
    process = os.fork()
    if not process:
        with writing(index):
            os.kill(os.getpid(), signal.SIGKILL)
    assert os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == -signal.SIGKILL


def test_a_sound_index_has_no_problems(quick: Job, hundred: Path) -> None:
    quick(hundred)
    assert (status(quick.index).problems, status(quick.index).health) == ((), "ok")


def test_it_says_how_many_photos_have_local_parts(quick: Job, hundred: Path) -> None:
    quick(hundred)
    assert (status(quick.index).with_parts, status(quick.index).parts) == (0, None)
    quick.encoder = cast(Encoder, StandIn(parts="7" * 16))
    quick()
    assert (status(quick.index).with_parts, status(quick.index).parts) == (100, "7" * 16)


def test_a_photo_folder_that_is_missing_or_empty(quick: Job, hundred: Path) -> None:
    quick(hundred)
    hundred.rename(hundred.with_name("elsewhere"))
    missing = status(quick.index)
    assert trouble(missing).startswith(
        f"{hundred}: the photo folder is missing; connect its drive or put it back"
    )
    assert missing.health == "warning"
    hundred.mkdir()
    assert "the photo folder is empty" in trouble(status(quick.index))
    hundred.rmdir()
    hundred.with_name("elsewhere").rename(hundred)
    assert status(quick.index).problems == ()


def test_a_run_that_failed_is_a_problem_until_one_succeeds(quick: Job, hundred: Path) -> None:
    quick(hundred)
    away = hundred.rename(hundred.with_name("elsewhere"))
    with pytest.raises(PhotosMissing):
        quick()
    away.rename(hundred)
    failed = status(quick.index)
    assert trouble(failed).startswith(f"the last run failed: {hundred}: no such folder")
    assert trouble(failed).endswith("fix this and run sketchseek index again")
    assert failed.health == "failed"
    with writing(quick.index):
        assert status(quick.index).problems == ()
    quick()
    assert status(quick.index).problems == ()


def test_a_run_that_left_a_folder_out(quick: Job, hundred: Path, tmp_path: Path) -> None:
    write_photo(tmp_path / "more" / "0.png", 1000)
    quick(hundred, tmp_path / "more")
    for photo in (hundred / "many").iterdir():
        photo.unlink()
    quick()
    left = status(quick.index)
    assert trouble(left).startswith(
        f"the last run left something out: {hundred}: 85 of its 100 photos are gone"
    )
    assert left.health == "warning"
    hundred.rename(tmp_path / "elsewhere")
    # Named once, although the run said so, too.
    assert trouble(status(quick.index)).startswith(f"{hundred}: the photo folder is missing")


def test_a_run_that_was_killed(quick: Job, hundred: Path) -> None:
    quick(hundred)
    assert not was_abandoned(quick.index)
    killed_in_a_run(quick.index)
    died = status(quick.index)
    assert trouble(died).startswith(
        "the last run was killed, or the machine went down, before it finished; run sketch"
    )
    assert (died.health, died.running) == ("failed", False)
    with writing(quick.index):
        assert not was_abandoned(quick.index)
    assert status(quick.index).problems == ()


def test_a_first_run_that_failed_or_was_killed(quick: Job, tmp_path: Path) -> None:
    with pytest.raises(IndexProblem):
        quick(tmp_path / "none")
    assert "the last run failed: " in status(quick.index).problems[0]
    killed_in_a_run(quick.index)
    died = status(quick.index)
    assert "was killed" in died.problems[0]
    assert (died.generation, died.photos, died.health) == (None, 0, "failed")
    (tmp_path / "nothing").mkdir()
    with pytest.raises(NoIndex):
        status(tmp_path / "nothing")


def test_a_rollback_is_named_once(quick: Job, hundred: Path) -> None:
    from indexer import shelf

    quick(hundred)
    write_photo(hundred / "new.png", 1000)
    quick()
    with shelf(quick.index).writing():
        shelf(quick.index).rollback()
    assert "until sketchseek rollback --release" in trouble(status(quick.index))
    write_photo(hundred / "newer.png", 1001)
    quick()
    assert "rollback --release" in trouble(status(quick.index))
