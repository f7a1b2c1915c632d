"""A run's folder: one process at a time, and one that can be written to."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from model.training.folder import held
from model.training.state import RunProblem

_HOLDS = """
import sys
from pathlib import Path
from model.training.folder import held
with held(Path(sys.argv[1])):
    print("holds", flush=True)
    sys.stdin.read()
"""


def test_a_second_process_is_refused_until_the_first_ends_even_killed(tmp_path: Path) -> None:
    out = tmp_path / "a" / "run"
    with subprocess.Popen(
        [sys.executable, "-c", _HOLDS, str(out)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"holds\n"
        with pytest.raises(RunProblem, match="another process is at work there: wait"), held(out):
            pass
        other.kill()
    with held(out):
        pass
    assert list(out.iterdir()) == []


@pytest.mark.parametrize("place", ["file", "file/run"])
def test_a_folder_that_cannot_be_is_refused_plainly(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(RunProblem, match=r"cannot be written to \(.+\): give --out a folder"),
        held(tmp_path / place),
    ):
        pass


def test_a_disk_that_fills_up_is_said_plainly(tmp_path: Path) -> None:
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "curves.csv")
    said = r"curves\.csv: No space left on device; what was saved is kept: make room"
    with pytest.raises(RunProblem, match=said), held(tmp_path):
        raise full
    with pytest.raises(FileNotFoundError), held(tmp_path):
        raise FileNotFoundError
