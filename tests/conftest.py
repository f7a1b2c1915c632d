"""What the tests of all rooms share: the shipped model, loaded once, and a small library of photos."""

from pathlib import Path
from typing import Any

import pytest

from indexer import Report, Silent, run
from indexer.reports.progress import Progress
from model import Encoder
from tests.kit.shapes import write_library

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"


class Counting(Silent):
    """Hears of progress, and counts it."""

    def __init__(self) -> None:
        self.photos = 0
        self.done = 0

    def advance(self, progress: Progress) -> None:
        self.photos, self.done = progress.photos, progress.done


@pytest.fixture(scope="session")
def encoder() -> Encoder:
    return Encoder.load("lite", engine="openvino")


@pytest.fixture
def library(tmp_path: Path) -> Path:
    """15 photos of five kinds of thing."""
    return write_library(tmp_path / "photos")


class Job:
    """`sketchseek index` as a function, over one index folder."""

    def __init__(self, index: Path, encoder: Encoder) -> None:
        self.index = index
        self.encoder = encoder
        self.progress = Counting()

    def __call__(self, *roots: Path, **options: Any) -> Report:
        self.progress = Counting()
        return run(self.index, roots, self.encoder, self.progress, **options)


@pytest.fixture
def job(tmp_path: Path, encoder: Encoder) -> Job:
    return Job(tmp_path / "index", encoder)
