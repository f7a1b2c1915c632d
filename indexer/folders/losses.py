"""Which losses are plausible: photos that are missing, and photos that are no longer pictures.

An unmounted drive looks like a deleted library, and a folder of damaged files like an emptied one. So a folder that
is missing, empty, or lost more than `MOST_LOST` of its photos either way is left as it was, unless deletions are
accepted. Up to `FEW` photos may always go: people delete by hand, and a small library is quickly indexed again. This
floor does not apply if the folder is on another device than before. The device number alone proves nothing, because
it may change at every boot.
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
    """A file that was a photo when it was last read and no longer is."""

    found: Found
    reason: str


def too_many(lost: int, photos: int, *, moved_device: bool) -> bool:
    """Whether the loss is too large to be a deliberate deletion."""
    return lost > MOST_LOST * photos and (lost > FEW or moved_device)


def loss_problem(
    root: Path, photos: int, gone: int, failing: Sequence[Failing], *, moved_device: bool
) -> str | None:
    """Return why a root's losses are implausible and what to do, or None if they are plausible."""
    if not too_many(gone + len(failing), photos, moved_device=moved_device):
        return None
    if not failing:
        share = f"{gone / photos:.0%}"
        return f"{root}: {gone} of its {photos} photos are gone ({share}). Nothing was removed. {ACCEPT}"
    first = failing[0]
    what = f"{len(failing)} of its {photos} photos are no longer pictures"
    if gone:
        what += f", and {gone} are gone"
    return (
        f"{root}: {what} (for example {first.found.relative}: {first.reason}). They stay in the index. "
        f"Restore the files from a backup and run again. {ACCEPT}"
    )
