"""Options of `sketchseek index` from a file: taken, overruled, and refused by name."""

import shutil
import tomllib
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from service.commands.index import command
from service.commands.merge import command as merge
from tests.kit.jobs import quickly

EXAMPLES = Path(__file__).parents[3] / "docs" / "examples"


def index(*arguments: str | Path, **environment: str) -> tuple[int, str]:
    with quickly():
        found = CliRunner().invoke(command, [str(argument) for argument in arguments], env=environment)
    return found.exit_code, found.output


@pytest.fixture
def job_file(tmp_path: Path, library: Path) -> Path:
    """A job beside its photos, which names them by relative paths."""
    shutil.copytree(library, tmp_path / "job" / "pictures")
    file = tmp_path / "job" / "job.toml"
    file.write_text('photos = ["pictures"]\nindex = "found"\nindex-type = "flat"\n')
    return file


def test_a_job_file_says_all(job_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("/")
    code, output = index("--config", job_file)
    assert code == 0, output
    assert "published generation 000001" in output
    assert (job_file.parent / "found" / "CURRENT").is_file()


def test_the_command_line_goes_before_the_file(job_file: Path, tmp_path: Path) -> None:
    code, output = index("--config", job_file, "--index", tmp_path / "other")
    assert code == 0, output
    assert (tmp_path / "other" / "CURRENT").is_file()
    assert not (job_file.parent / "found").exists()


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('indx = "found"', "'indx' is not an option of this command; allowed: "),
        ("accept-deletions = true", "'accept_deletions' is allowed on the command line only"),
        ('photos = "pictures"', "'photos' takes a list"),
        ('index = ["a"]', "'index' takes one value"),
        ('index-type = "best"', "'best' is not one of"),
        ("index = ", "not valid TOML"),
    ],
)
def test_what_is_wrong_with_a_job_file_is_said(tmp_path: Path, line: str, said: str) -> None:
    file = tmp_path / "job.toml"
    file.write_text(line + "\n")
    code, output = index("--config", file, "--index", tmp_path / "index")
    assert code == 2
    assert said in " ".join(output.split())


@pytest.mark.parametrize(("example", "of"), [("job.toml", command), ("merge.toml", merge)])
def test_the_examples_name_only_options_there_are(example: str, of: click.Command) -> None:
    names = {option.lstrip("-") for parameter in of.params for option in parameter.opts}
    assert set(tomllib.loads((EXAMPLES / example).read_text())) <= names


def test_job_files_for_a_part_and_for_the_whole(job_file: Path) -> None:
    job_file.write_text(job_file.read_text() + 'partition = "1/1"\n')
    code, output = index("--config", job_file)
    assert code == 0, output
    assert "found: part 1/1 with 15 photos, ready to merge" in output
    file = job_file.with_name("merge.toml")
    file.write_text('parts = ["found"]\nindex = "whole"\n')
    found = CliRunner().invoke(merge, ["--config", str(file)])
    assert found.exit_code == 0, found.output
    assert "published generation 000001 with 15 photos" in found.output
