"""The job with a stand-in for the model and without decoder processes: for tests of files, not of vectors."""

from pathlib import Path
from typing import cast

import pytest

from model import Encoder
from tests.conftest import Job
from tests.kit.machines import Machines
from tests.kit.standin import InThread, Library, StandIn, write_photo


@pytest.fixture
def quick(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Job:
    monkeypatch.setattr("indexer.jobs.pipeline.Workers", InThread)
    return Job(tmp_path / "index", cast(Encoder, StandIn()))


@pytest.fixture
def hundred(tmp_path: Path) -> Path:
    """100 photos in two folders, `few` with 15 of them and `many`."""
    for seed in range(100):
        write_photo(tmp_path / "hundred" / ("few" if seed < 15 else "many") / f"{seed}.png", seed)
    return tmp_path / "hundred"


@pytest.fixture
def machines(tmp_path: Path, quick: Job) -> Machines:
    """Three, for a library of thirty; `quick` for its decoders without processes."""
    library = Library(tmp_path / "photos", 3)
    for number in range(30):
        library.write(f"{'abc'[number % 3]}/{number}.png")
    return Machines(tmp_path, library)
