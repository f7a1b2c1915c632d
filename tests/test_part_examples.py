"""docs/examples/parts.slurm and part.sh: run as Slurm and Kubernetes run them, one task of an array after the other."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.kit import TOP
from tests.kit.service.commands import parse, sketchseek
from tests.kit.waiting import until

FOLDER = TOP / "docs" / "examples"


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """As a job finds it; `sketchseek` is this one."""
    program = tmp_path / "bin" / "sketchseek"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m service.cli "$@"\n')
    program.chmod(0o755)
    return {
        **os.environ,
        "PATH": f"{program.parent}:{os.environ['PATH']}",
        "PYTHONPATH": str(TOP),
        "PHOTOS": str(tmp_path / "photos"),
        "PARTS": str(tmp_path / "parts"),
        "OF": "2",
        "WAIT": "0",
        "SLURM_SUBMIT_DIR": str(FOLDER),
    }


def fake(environment: dict[str, str], script: str) -> None:
    program = Path(environment["PATH"].split(":")[0], "sketchseek")
    program.write_text(f"#!/bin/sh\n{script}")


def done(name: str, environment: dict[str, str], **more: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        ["bash", str(FOLDER / name)],
        env={**environment, **more},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def test_a_slurm_array_embeds_a_library(library: Path, environment: dict[str, str], tmp_path: Path) -> None:
    for number in "12":
        ended = done("parts.slurm", environment, SLURM_ARRAY_TASK_ID=number, SLURM_CPUS_PER_TASK="1")
        assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")
    # The line of the manual, with what a shell makes of it.
    (line,) = re.findall(r'--wrap "(.*)"$', (FOLDER / "parts.slurm").read_text(), re.MULTILINE)
    command = subprocess.run(
        ["bash", "-c", f'echo "{line}"'], env=environment, capture_output=True, text=True, check=True
    ).stdout
    asked = parse(command).params
    assert asked["parts"] == (tmp_path / "parts" / "1", tmp_path / "parts" / "2")
    merged = sketchseek("merge", *asked["parts"], "--index", tmp_path / "whole")
    assert "published generation 000001 with 15 photos" in merged.stdout, merged.stderr


def test_a_job_of_kubernetes_counts_from_nought(environment: dict[str, str]) -> None:
    fake(environment, 'echo "$@"\n')
    ended = done("part.sh", environment, JOB_COMPLETION_INDEX="1")
    photos, parts = environment["PHOTOS"], environment["PARTS"]
    assert ended.stdout == f"index {photos} --partition 2/2 --index {parts}/2 --quiet\n"
    assert parse(f"sketchseek {ended.stdout}").params["partition"] == "2/2"


def test_a_part_in_use_is_waited_for(environment: dict[str, str], tmp_path: Path) -> None:
    fake(environment, f'echo . >> "{tmp_path}/tries"\n[ "$(wc -l < "{tmp_path}/tries")" -ge 3 ] || exit 75\n')
    ended = done("parts.slurm", environment, SLURM_ARRAY_TASK_ID="2")
    assert ended.returncode == 0
    assert ended.stderr.splitlines() == ["part 2 is in use; trying again in 0 s"] * 2
    assert len((tmp_path / "tries").read_text().splitlines()) == 3


def test_any_other_failure_ends_the_task(environment: dict[str, str]) -> None:
    fake(environment, "echo no such folder >&2; exit 1\n")
    ended = done("parts.slurm", environment, SLURM_ARRAY_TASK_ID="2")
    assert (ended.returncode, ended.stderr) == (1, "no such folder\n")


@pytest.mark.parametrize("missing", ["PHOTOS", "PARTS", "OF", "SLURM_ARRAY_TASK_ID"])
def test_what_is_not_set_is_named(environment: dict[str, str], missing: str) -> None:
    environment["SLURM_ARRAY_TASK_ID"] = "1"
    del environment[missing]
    ended = done("part.sh", environment)
    assert ended.returncode != 0
    assert {"SLURM_ARRAY_TASK_ID": "not a task of an array"}.get(missing, missing) in ended.stderr


@pytest.mark.parametrize(
    ("script", "status"),
    [
        ("trap 'sleep 0.2; echo committed; exit 143' TERM; echo here; while :; do sleep 0.05; done", 143),
        # In the middle of a wait for another run.
        ("echo here; exit 75", 75),
    ],
)
@pytest.mark.parametrize("shell", ["bash", "sh"])
def test_a_task_that_is_stopped_lets_its_run_end(
    environment: dict[str, str], script: str, status: int, shell: str
) -> None:
    fake(environment, script + "\n")
    more = {"SLURM_ARRAY_TASK_ID": "1", "WAIT": "600"}
    with subprocess.Popen(
        [shell, str(FOLDER / "part.sh")],
        env={**environment, **more},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as task:
        assert task.stdout is not None
        assert task.stderr is not None
        assert task.stdout.readline() == "here\n"
        if status == 75:
            assert "in use" in task.stderr.readline()
            # It sleeps now, or is about to.
            children = Path(f"/proc/{task.pid}/task/{task.pid}/children")
            until(lambda: bool(children.read_text().split()))
        task.send_signal(signal.SIGTERM)
        out, err = task.communicate(timeout=60)
    assert (task.returncode, err) == (status, "")
    assert out == ("committed\n" if status == 143 else "")


def test_the_directives_are_those_of_slurm() -> None:
    """No Slurm is here: at least each has the form that sbatch reads, above the first command."""
    text = (FOLDER / "parts.slurm").read_text()
    head, _, rest = text.partition("set -eu")
    directives = re.findall(r"^#SBATCH (.*)$", head, re.MULTILINE)
    assert len(directives) >= 5
    assert all(re.fullmatch(r"--[a-z-]+(=\S+)?", each) for each in directives)
    assert "#SBATCH" not in rest
