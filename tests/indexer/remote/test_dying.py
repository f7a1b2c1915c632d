"""A publication that is killed at any step leaves what was served, and the next one clears up."""

import subprocess
import sys
from pathlib import Path

import pytest

from indexer import IndexBusy, Silent, run
from tests.kit.dying import DIED, STEPS
from tests.kit.remote import store
from tests.kit.standin import StandIn, write_photo

pytestmark = pytest.mark.slow


@pytest.fixture
def work(tmp_path: Path) -> Path:
    for number in range(5):
        write_photo(tmp_path / "photos" / f"{number}.png", number)
    return tmp_path / "work"


def test_killed_at_each_step(work: Path, milvus_address: str) -> None:
    encoder, kept_on = StandIn(), store(milvus_address)

    def published() -> str:
        photos = [work.parent / "photos"]
        return run(work, photos, encoder, Silent(), store=milvus_address).generation or ""  # type: ignore[arg-type]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("indexer.remote.shelf._GRACE_SECONDS", 0.0)
        first = published()
        for step in STEPS:
            command = [sys.executable, "-m", "tests.kit.dying", str(work), milvus_address, step]
            assert subprocess.run(command, check=False).returncode == DIED
            serving = kept_on.current()
            assert (serving == first) == (step != "unlock")
            assert kept_on.verify(serving) == []
            assert len(kept_on.open(encoder.fingerprint)) == 5
        # What the dead left is gone, and its lock keeps nobody out.
        write_photo(work.parent / "photos" / "new.png", 99)
        newest = published()
    assert kept_on.current() == newest
    assert len(kept_on.open(encoder.fingerprint)) == 6
    assert set(kept_on.database.generations()) == set(kept_on.generations())


def test_a_second_indexer_waits_for_its_turn(work: Path, milvus_address: str) -> None:
    """Whoever embeds while another publishes has embedded nothing in vain: it goes on with the same command."""
    kept_on, other = store(milvus_address), store(milvus_address)
    with kept_on.writing():
        with pytest.raises(IndexBusy, match="is writing to this library"):
            run(work, [work.parent / "photos"], StandIn(), Silent(), store=milvus_address)  # type: ignore[arg-type]
        with pytest.raises(IndexBusy), other.writing():
            pass
    report = run(work, [], StandIn(), Silent(), store=milvus_address)  # type: ignore[arg-type]
    assert (report.embedded, report.generation) == (0, "000001")
