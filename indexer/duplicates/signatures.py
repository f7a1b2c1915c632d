"""Perceptual signatures, eight by eight colour pixels, which detect copies of small pictures that vectors miss.

Scaling down or recompressing a small picture hardly changes its signature, but moves its vector: halved pictures of
224 px have a cosine of only .85. Two photos are alike if their signatures differ on average by less than 2 of 255, and
by less than a twentieth of the photo's own contrast, since all pages of text are nearly white at this size.

Candidates have similar brightness and share one of seven bands of bits, which record where the picture gets brighter.
"""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from model.modality import Pixels

SIDE = 8
BYTES = SIDE * SIDE * 3
MOST_APART = 2.0
MOST_APART_OF_CONTRAST = 0.05

_BANDS = 7
# Smaller differences in brightness, of 255, are noise.
_MARGIN = 2
# Copies differ in at most a tenth of their bits, other photos in half of them.
_MOST_BITS = 24
# Compare with this many neighbours in each band; any others must share another band.
_NEIGHBOURS = 32
_CHUNK = 65_536

# Number of bits set, for each 16-bit number.
_ONES = (
    np.unpackbits(np.arange(2**16, dtype=np.uint16).view(np.uint8))
    .reshape(-1, 16)
    .sum(axis=1, dtype=np.uint8)
)

Signatures = NDArray[np.uint8]
Places = NDArray[np.int64]


def look(pixels: Pixels) -> bytes:
    """The signature of a photo, from the pixels the model gets."""
    side = pixels.shape[0] // SIDE
    # Sum rows first, which are contiguous in memory: thirty times as fast as both axes at once.
    rows = pixels[: side * SIDE, : side * SIDE].reshape(SIDE, side, -1).sum(axis=1, dtype=np.uint32)
    dots = rows.reshape(SIDE, SIDE, side, 3).sum(axis=2) / side**2
    return bytes(dots.round().astype(np.uint8))


def stack(signatures: Iterable[bytes | None]) -> Signatures:
    """One row for each; missing ones become a uniform colour, which matches nothing."""
    joined = b"".join(one if one is not None and len(one) == BYTES else bytes(BYTES) for one in signatures)
    return np.frombuffer(joined, dtype=np.uint8).reshape(-1, BYTES)


def alike(some: Signatures, others: Signatures) -> NDArray[np.bool_]:
    """Whether the signatures match, row by row."""
    apart = np.abs(some.astype(np.int16) - others).mean(axis=1)
    contrast = np.minimum(some.std(axis=1), others.std(axis=1))
    # Strictly less: without contrast, nothing matches.
    same: NDArray[np.bool_] = apart < np.minimum(MOST_APART, MOST_APART_OF_CONTRAST * contrast)
    return same


def pairs(signatures: Signatures, new: NDArray[np.bool_] | None = None) -> tuple[Places, Places]:
    """Places of matching photos, the later one first. If `new` is given, at least one of each pair is new."""
    # Signatures without contrast match nothing, and there may be many.
    places = np.flatnonzero(signatures.max(axis=1) > signatures.min(axis=1))
    signatures, new = signatures[places], None if new is None else new[places]
    bright = signatures.sum(axis=1, dtype=np.uint32)
    found = [np.empty((0, 2), dtype=np.int64)]
    bands = _bands(signatures)
    for band in bands.T:
        key = (band.astype(np.uint32) << 16) | bright
        order = np.argsort(key, kind="stable")
        key = key[order]
        at = np.arange(len(key)) if new is None else np.flatnonzero(new[order])
        for step in range(1, min(_NEIGHBOURS + 1, len(key))):
            # Of two that are new, the same pair comes up twice.
            starts = at if new is None else np.concatenate([at, at - step])
            starts = starts[(starts >= 0) & (starts + step < len(key))]
            before, after = key[starts], key[starts + step]
            starts = starts[(after - before <= MOST_APART * BYTES) & (after >> 16 == before >> 16)]
            if not len(starts):
                break
            some, others = order[starts], order[starts + step]
            few = _ONES[bands[some] ^ bands[others]].sum(axis=1) <= _MOST_BITS
            found += _compared(signatures, some[few], others[few])
    both = np.unique(np.concatenate(found), axis=0)
    return places[both[:, 0]], places[both[:, 1]]


def _compared(signatures: Signatures, some: Places, others: Places) -> list[Places]:
    later, earlier = np.maximum(some, others), np.minimum(some, others)
    kept = []
    for start in range(0, len(later), _CHUNK):
        part = slice(start, start + _CHUNK)
        same = alike(signatures[later[part]], signatures[earlier[part]])
        kept.append(np.stack([later[part][same], earlier[part][same]], axis=1))
    return kept


def _bands(signatures: Signatures) -> NDArray[np.uint16]:
    """For each photo seven 16-bit numbers: where it gets brighter to the right, and downwards."""
    bits = np.empty((len(signatures), 2 * SIDE * (SIDE - 1)), dtype=bool)
    for start in range(0, len(signatures), _CHUNK):
        part = slice(start, start + _CHUNK)
        grey = signatures[part].reshape(-1, SIDE, SIDE, 3).sum(axis=3, dtype=np.int16)
        right, down = grey[:, :, 1:] - grey[:, :, :-1], grey[:, 1:] - grey[:, :-1]
        steps = np.concatenate([right.reshape(len(grey), -1), down.reshape(len(grey), -1)], axis=1)
        bits[part] = steps > 3 * _MARGIN
    return np.packbits(bits, axis=1).view(np.uint16).reshape(-1, _BANDS)
