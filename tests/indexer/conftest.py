"""The job for tests of what becomes of photos, not of their vectors: none is embedded twice."""

from pathlib import Path

import pytest

from model import Encoder
from tests.kit.jobs import Job, remembering
from tests.kit.standin import InThread


@pytest.fixture
def job(tmp_path: Path, encoder: Encoder, monkeypatch: pytest.MonkeyPatch) -> Job:
    """The job with the shipped model; its decoder processes are for tests/indexer/decoding."""
    monkeypatch.setattr("indexer.jobs.pipeline.Workers", InThread)
    return Job(tmp_path / "index", remembering(encoder))
