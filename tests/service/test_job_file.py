"""Options of `sketchseek index` from a file: taken, overruled, and refused by name."""

import shutil
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner

from service.commands.index import command

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "job.toml"


def index(*arguments: str | Path, **environment: str) -> tuple[int, str]:
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
        ('indx = "found"', "'indx' is no option of this command; it may have: engine, exclude"),
        ("accept-deletions = true", "'accept_deletions' is for the command line only"),
        ('photos = "pictures"', "'photos' takes a list"),
        ('index = ["a"]', "'index' takes one value"),
        ('index-type = "best"', "'best' is not one of"),
        ("index = ", "not a TOML file"),
    ],
)
def test_what_is_wrong_with_a_job_file_is_said(tmp_path: Path, line: str, said: str) -> None:
    file = tmp_path / "job.toml"
    file.write_text(line + "\n")
    code, output = index("--config", file, "--index", tmp_path / "index")
    assert code == 2
    assert said in " ".join(output.split())


def test_the_example_names_only_options_there_are() -> None:
    names = {option.lstrip("-") for parameter in command.params for option in parameter.opts}
    assert set(tomllib.loads(EXAMPLE.read_text())) <= names
