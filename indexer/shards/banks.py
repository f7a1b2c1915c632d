"""The model's bank beside its vectors: whatever publishes an index, with or without the model, can weigh the photos."""

from pathlib import Path

from indexer.disk import sync
from indexer.shards.shard import Origin, vectors_folder
from model.bank import BANK_FILE, Bank, read_bank
from model.errors import BadWeights


def bank_path(index: Path, origin: Origin) -> Path:
    return vectors_folder(index, origin.fingerprint) / BANK_FILE


def keep(index: Path, origin: Origin, bank: Bank | None) -> None:
    """Make this the bank of these vectors: replaces another or a damaged one, removes it if the model has none."""
    path = bank_path(index, origin)
    if bank is None:
        path.unlink(missing_ok=True)
        return
    # By content: the same bank may be written in more than one way.
    before = kept(index, origin)
    if before is None or before.digest != bank.digest:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f"{path.name}.tmp")
        temporary.write_bytes(bank.data)
        sync(temporary)
        temporary.replace(path)
        sync(path.parent)


def kept(index: Path, origin: Origin) -> Bank | None:
    """The bank of these vectors; None without one that is intact, as the next run with the model replaces it."""
    path = bank_path(index, origin)
    if not path.exists():
        return None
    try:
        return read_bank(path, origin.fingerprint, origin.dimension)
    except BadWeights:
        return None
