"""Which losses are believed: photos that are gone, and photos that are no pictures any more.

An unmounted drive and a deleted library look alike, and so do a folder of damaged files and one that was emptied. A
folder that is missing, empty, or lost more than `MOST_LOST` of its photos either way is left as it was, unless
deletions are accepted. Up to `FEW` photos may always go: people delete by hand, and a small library is soon made
again. That floor does not hold where the folder is on another device than before. The device number alone proves
nothing, because it may change with every start of the machine.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from indexer.folders.scan import Found

MOST_LOST = 0.2
FEW = 10
ACCEPT = "If they are really gone, add --accept-deletions"


@dataclass(frozen=True)
class Failing:
    """A file that was a photo when it was last read, and is none now."""

    found: Found
    reason: str


def too_many(lost: int, photos: int, *, moved_device: bool) -> bool:
    """Whether so much is lost that its owner would hardly have deleted it."""
    return lost > MOST_LOST * photos and (lost > FEW or moved_device)


def doubt(
    root: Path, photos: int, gone: int, failing: Sequence[Failing], *, moved_device: bool
) -> str | None:
    """Why a root's losses are not believed once its files were read, and what to do; None where they are."""
    if not too_many(gone + len(failing), photos, moved_device=moved_device):
        return None
    if not failing:
        share = f"{gone / photos:.0%}"
        return f"{root}: {gone} of its {photos} photos are gone ({share}). Nothing was taken out. {ACCEPT}"
    first = failing[0]
    what = f"{len(failing)} of its {photos} photos are no pictures any more"
    if gone:
        what += f", and {gone} are gone"
    return (
        f"{root}: {what} (such as {first.found.relative}: {first.reason}). They keep their place in the index. "
        f"Bring the files back from a backup, and run again. {ACCEPT}"
    )
