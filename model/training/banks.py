"""Building the bank of a model from its training data: drawings and names, evenly over labels, in 4 MB.

Photos have no bank: what is near a photo used as a query is what it shows, not what the model was trained on.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import TypeVar

import numpy as np

from model.bank import BANK_FILE, Bank, Near
from model.card import Checkpoint
from model.data.datasets import SKETCH, UNRECOGNIZED, DataProblem, Dataset, Record
from model.encoder import Encoder, Unstripped
from model.errors import ModelError
from model.evaluation.embedding import left_out, pictures
from model.export.folders import weight_file, write_card
from model.modality import Modality, Vectors

Item = TypeVar("Item")
Say = Callable[[str], None]


@dataclass(frozen=True)
class Weighing:
    """How many vectors of a kind a bank holds at most; `count` and `share` are those of `model.bank.Near`."""

    most: int
    count: int
    share: float


# Chosen on labels that the model never saw: docs/ranking.md.
WEIGHING: Mapping[Modality, Weighing] = {
    Modality.SKETCH: Weighing(most=1000, count=30, share=1.0),
    Modality.TEXT: Weighing(most=3000, count=10, share=0.85),
}
# What people type for a thing, the bare name first.
CAPTIONS = ("{}", "a {}", "a photo of a {}", "a drawing of a {}")
MOST_BYTES = 4 * 2**20
# Room for the names and numbers in the file's header.
_HEADER = 2**12
# The names that the file takes in turn: a card always names one that nothing overwrites.
_FILES = (BANK_FILE, f"{Path(BANK_FILE).stem}-2{Path(BANK_FILE).suffix}")


def build_bank(
    encoder: Encoder,
    data: Dataset,
    *,
    weighing: Mapping[Modality, Weighing] = WEIGHING,
    most_bytes: int = MOST_BYTES,
    say: Say = lambda _: None,
) -> Bank:
    """Encode drawings of the data and, if the model reads words, the names of its labels.

    Always the same of the same data, wherever that lies; raises DataProblem if no drawing is usable.
    """
    drawings, captions = in_turn(data, SKETCH), _captions(data.labels) if encoder.reads_words else []
    if not drawings:
        raise DataProblem(f"{data.name} has no sketches, which a bank is made of: give the training data")
    counts = _that_fit(
        {
            Modality.SKETCH: min(len(drawings), weighing[Modality.SKETCH].most),
            Modality.TEXT: min(len(captions), weighing[Modality.TEXT].most),
        },
        (most_bytes - _HEADER) // (encoder.dimension * np.dtype(np.float16).itemsize),
    )
    drawings, captions = drawings[: counts[Modality.SKETCH]], captions[: counts[Modality.TEXT]]
    say(f"encoding {len(drawings)} drawings and {len(captions)} captions for the bank")
    vectors = {Modality.SKETCH: drawn(encoder, drawings, data.name, say)}
    if captions:
        # Each caption by itself: `texts` would average it over the card's prompts.
        vectors[Modality.TEXT] = encoder.strip(encoder.unstripped.captions(captions), Modality.TEXT)
    kinds = {kind: Near(rows, weighing[kind].count, weighing[kind].share) for kind, rows in vectors.items()}
    bank = Bank(encoder.fingerprint, kinds)
    assert len(bank.data) <= most_bytes
    return bank


def add_bank(checkpoint: Checkpoint, bank: Bank) -> Checkpoint:
    """Add the bank to a model folder, or replace the one it has.

    The card changes after the new file is whole and before the old one goes: a crash leaves the model as it was.
    """
    card, folder = checkpoint.card, checkpoint.folder
    old = card.weights.get("bank")
    path, other = (folder / name for name in (_FILES[::-1] if old and old.file == BANK_FILE else _FILES))
    try:
        path.write_bytes(bank.data)
        weights = card.weights | {"bank": weight_file(path)}
        write_card(card.model_copy(update={"weights": weights}), folder)
    except OSError as error:
        with suppress(OSError):
            path.unlink()
        raise ModelError(
            f"{folder}: cannot write the bank ({error.strerror}); the model is unchanged"
        ) from None
    other.unlink(missing_ok=True)
    return Checkpoint(folder)


def complete(folder: Path, data: Dataset, say: Say) -> None:
    """Add a bank to a model that has none. One without drawings to make it of stays without."""
    checkpoint = Checkpoint(folder)
    if checkpoint.has("bank"):
        return
    try:
        bank = build_bank(Encoder.load(folder), data, say=say)
    except DataProblem as error:
        say(f"the model has no bank: {error}")
        return
    add_bank(checkpoint, bank)


def in_turn(data: Dataset, modality: str) -> list[Record]:
    """All usable drawings or photos: some of each label, then more of each, and so on."""
    groups = usable(data).by_label(modality)
    return _evenly({label: shuffled(records) for label, records in groups.items()})


def usable(data: Dataset) -> Dataset:
    """Without drawings that nobody recognizes."""
    return data.where(lambda record: record.note != UNRECOGNIZED)


def shuffled(records: Iterable[Record]) -> list[Record]:
    """In an order by chance, but the same each time, wherever the data lies."""
    return sorted(records, key=lambda record: _chance(f"{record.set} {record.path.name}"))


def _captions(labels: Iterable[str]) -> list[str]:
    return _evenly({label: [caption.format(label) for caption in CAPTIONS] for label in labels})


def _evenly(groups: Mapping[str, Sequence[Item]]) -> list[Item]:
    """One of each group, then another of each: however many are taken from the front, they are spread evenly."""
    mixed = (groups[label] for label in sorted(groups, key=_chance))
    return [item for turn in zip_longest(*mixed) for item in turn if item is not None]


def _chance(text: str) -> bytes:
    """An order that is always the same, and has nothing to do with the alphabet."""
    return hashlib.sha256(text.encode()).digest()


def _that_fit(wanted: Mapping[Modality, int], room: int) -> dict[Modality, int]:
    """As many of each kind as wanted; where there is no room for all, the same share of each."""
    total = sum(wanted.values())
    return {kind: min(count, count * room // total) for kind, count in wanted.items()}


def drawn(encoder: Encoder | Unstripped, drawings: Sequence[Record], name: str, say: Say) -> Vectors:
    """The vectors of the drawings that can be read."""
    found, damaged = pictures(encoder, drawings)
    for remark in left_out(damaged):
        say(remark)
    if not found:
        raise DataProblem(f"{name}: no sketch of {len(drawings)} is usable; the first is {damaged[0]}")
    return np.stack([found[place] for place in sorted(found)])
