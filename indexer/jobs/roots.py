"""Which photo folders a run scans, and what it learns from the run before."""

from collections.abc import Sequence
from pathlib import Path

from indexer.catalogue.database import Catalogue
from indexer.errors import BrokenGeneration, IndexProblem, NoIndex, PhotosMissing
from indexer.generations import generation
from indexer.generations.manifest import read_manifest
from indexer.locking.opening import is_text
from indexer.reports.report import last_report
from model import Encoder


def last_cost(index: Path) -> float:
    """Seconds that publishing took the last run, as far as is known."""
    spent = (last_report(index) or {}).get("spent")
    found = spent.get("publish") if isinstance(spent, dict) else None
    return float(found) if isinstance(found, int | float) else 0.0


def model_changed(index: Path, encoder: Encoder) -> bool:
    try:
        return read_manifest(generation.current(index)).fingerprint != encoder.fingerprint
    except (NoIndex, BrokenGeneration):
        return False


def resolved(catalogue: Catalogue, roots: Sequence[Path], index: Path, *, everything: bool) -> list[Path]:
    """Return the absolute folders to scan; refuses one inside another, whose photos would be indexed twice.

    `everything` adds the folders of earlier runs to those given: a new model must embed them all.
    """
    before = catalogue.roots()
    if not roots and not before:
        raise PhotosMissing("no photo folder given; run sketchseek index PHOTOS... --index DIR")
    given = list(dict.fromkeys(root.expanduser().resolve() for root in roots))
    wanted = list(dict.fromkeys([*given, *before])) if everything or not given else given
    for root in wanted:
        if not is_text(root):
            raise PhotosMissing(f"{str(root)!r}: the folder's name is not valid UTF-8; rename it")
        if root.is_relative_to(index):
            raise PhotosMissing(f"{root}: lies in the index folder; give a folder of photos")
        for other in {*before, *wanted} - {root}:
            if root.is_relative_to(other) or other.is_relative_to(root):
                inner, outer = sorted((root, other), key=lambda path: len(path.parts), reverse=True)
                raise IndexProblem(
                    f"{inner} lies inside {outer}, which this index also holds; index only one of them, "
                    "or remove one with --forget"
                )
    return wanted
