"""Runs that die: at every single disk operation, at random moments, on a full disk, without permission."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from indexer import IndexProblem
from tests.kit import TOP
from tests.kit.jobs import Job
from tests.kit.privileges import unprivileged
from tests.kit.standin import Library, contents, published

# The scripts fork: no library may have started threads by then.
_ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


def script(module: str, *arguments: object) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", module, *map(str, arguments)],
        cwd=TOP,
        env={**os.environ, **_ONE_THREAD},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.slow
def test_death_at_every_point_leaves_one_generation_whole(tmp_path: Path) -> None:
    found = script("tests.kit.failpoints", tmp_path)
    # If the failpoints were misplaced, there would be few of them, or none before or after publication.
    assert found["first run"]["points"] > 50
    assert found["next run"]["old"] > 20
    assert found["next run"]["new"] > 2
    assert 5 < found["full disk"]["stopped"] < found["full disk"]["limits"]
    assert found["merge"]["points"] > 50
    assert found["merge"]["new"] > 2
    assert found["parts"]["none"] > 20
    assert found["parts"]["all"] > 2


@pytest.mark.slow
def test_fifty_kills_at_random_moments(tmp_path: Path) -> None:
    found = script("tests.kit.kills", tmp_path, "--times", 50)
    assert found["killed"] == 50
    assert found["old"] > 15
    assert min(found["thirds"]) > 5


def test_a_read_only_index_is_said_and_serves_on(quick: Job, tmp_path: Path) -> None:
    library = Library(tmp_path / "photos", 1)
    for number in range(5):
        library.write(f"{number}.png")
    quick(library.folder)
    before = contents(library.folder)
    library.change()
    every = [quick.index, *quick.index.rglob("*")]
    modes = {path: path.stat().st_mode for path in every}
    for path in every:
        path.chmod(0o555 if path.is_dir() else 0o444)
    with unprivileged():
        with pytest.raises(IndexProblem, match="Permission denied; fix this and run the same command again"):
            quick()
        assert published(quick.index, library.seeds) == before
    for path, mode in modes.items():
        path.chmod(mode)
    quick()
    assert published(quick.index, library.seeds) == contents(library.folder)


_HOLD = """
import os, sys
from pathlib import Path
from indexer.locking.lock import writing
with writing(Path(sys.argv[1])):
    print(os.getpid(), flush=True)
    sys.stdin.read()
"""


@pytest.mark.parametrize("first_dies", [False, True])
def test_two_writers_of_which_one_waits_for_nothing(tmp_path: Path, first_dies: bool) -> None:
    """The second run names the first; the lock of a killed run blocks nobody."""
    holder = subprocess.Popen(
        [sys.executable, "-c", _HOLD, str(tmp_path)],
        cwd=TOP,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with holder:
        assert holder.stdout is not None
        number = holder.stdout.readline().strip()
        if first_dies:
            holder.kill()
            holder.wait()
        done = subprocess.run(
            [sys.executable, "-c", _HOLD, str(tmp_path)],
            cwd=TOP,
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode == 0) == first_dies
        assert first_dies or f"process {number}" in done.stderr
        assert (tmp_path / "LOCK").read_text().startswith("sketchseek index")
        holder.kill()
