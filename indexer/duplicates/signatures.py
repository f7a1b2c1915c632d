"""How a photo looks from afar, in eight by eight dots of colour: tells copies of small pictures, which vectors miss.

A small picture that was reduced or compressed once more keeps its dots, though its vector moves: halved, pictures
of 224 px are as near as .85. Two photos look alike if their dots differ by 2 of 255 at most, on average, and by
a twentieth of how much they vary within the photo, since all pages of text are white from afar.

Candidates share one of seven bands of bits, each of which says where the picture gets brighter, and are equally bright.
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
# Less than this, of 255, is no difference in brightness but noise.
_MARGIN = 2
# Copies differ in a tenth of their bits at most, other photos in half of them.
_MOST_BITS = 24
# With so many that share a band and are equally bright each is compared; beyond that they must meet in another band.
_NEIGHBOURS = 32
_CHUNK = 65_536

# How many bits of each number of sixteen are set.
_ONES = (
    np.unpackbits(np.arange(2**16, dtype=np.uint16).view(np.uint8))
    .reshape(-1, 16)
    .sum(axis=1, dtype=np.uint8)
)

Looks = NDArray[np.uint8]
Places = NDArray[np.int64]


def look(pixels: Pixels) -> bytes:
    """Of what the model sees."""
    side = pixels.shape[0] // SIDE
    # Rows first, which lie one behind the other in memory: thirty times as fast as both at once.
    rows = pixels[: side * SIDE, : side * SIDE].reshape(SIDE, side, -1).sum(axis=1, dtype=np.uint32)
    dots = rows.reshape(SIDE, SIDE, side, 3).sum(axis=2) / side**2
    return bytes(dots.round().astype(np.uint8))


def stack(looks: Iterable[bytes | None]) -> Looks:
    """One row for each; what nobody has looked at yet is grey all over, and so alike to nothing."""
    joined = b"".join(one if one is not None and len(one) == BYTES else bytes(BYTES) for one in looks)
    return np.frombuffer(joined, dtype=np.uint8).reshape(-1, BYTES)


def alike(some: Looks, others: Looks) -> NDArray[np.bool_]:
    """Row by row."""
    apart = np.abs(some.astype(np.int16) - others).mean(axis=1)
    contrast = np.minimum(some.std(axis=1), others.std(axis=1))
    # Less, not equal: without any contrast nothing is alike.
    same: NDArray[np.bool_] = apart < np.minimum(MOST_APART, MOST_APART_OF_CONTRAST * contrast)
    return same


def pairs(looks: Looks, new: NDArray[np.bool_] | None = None) -> tuple[Places, Places]:
    """Places of photos that look alike, the later one first; only those of which one is `new`, if that is given."""
    # Without contrast nothing is alike, and there may be many of those.
    places = np.flatnonzero(looks.max(axis=1) > looks.min(axis=1))
    looks, new = looks[places], None if new is None else new[places]
    bright = looks.sum(axis=1, dtype=np.uint32)
    found = [np.empty((0, 2), dtype=np.int64)]
    bands = _bands(looks)
    for band in bands.T:
        key = (band.astype(np.uint32) << 16) | bright
        order = np.argsort(key, kind="stable")
        key = key[order]
        for step in range(1, min(_NEIGHBOURS + 1, len(key))):
            near = (key[step:] - key[:-step] <= MOST_APART * BYTES) & (key[step:] >> 16 == key[:-step] >> 16)
            if new is not None:
                near &= new[order[step:]] | new[order[:-step]]
            at = np.flatnonzero(near)
            if not len(at):
                break
            some, others = order[at], order[at + step]
            few = _ONES[bands[some] ^ bands[others]].sum(axis=1) <= _MOST_BITS
            found += _compared(looks, some[few], others[few])
    both = np.unique(np.concatenate(found), axis=0)
    return places[both[:, 0]], places[both[:, 1]]


def _compared(looks: Looks, some: Places, others: Places) -> list[Places]:
    later, earlier = np.maximum(some, others), np.minimum(some, others)
    kept = []
    for start in range(0, len(later), _CHUNK):
        part = slice(start, start + _CHUNK)
        same = alike(looks[later[part]], looks[earlier[part]])
        kept.append(np.stack([later[part][same], earlier[part][same]], axis=1))
    return kept


def _bands(looks: Looks) -> NDArray[np.uint16]:
    """For each photo seven numbers of sixteen bits: where it gets brighter to the right, and downwards."""
    bits = np.empty((len(looks), 2 * SIDE * (SIDE - 1)), dtype=bool)
    for start in range(0, len(looks), _CHUNK):
        part = slice(start, start + _CHUNK)
        grey = looks[part].reshape(-1, SIDE, SIDE, 3).sum(axis=3, dtype=np.int16)
        right, down = grey[:, :, 1:] - grey[:, :, :-1], grey[:, 1:] - grey[:, :-1]
        steps = np.concatenate([right.reshape(len(grey), -1), down.reshape(len(grey), -1)], axis=1)
        bits[part] = steps > 3 * _MARGIN
    return np.packbits(bits, axis=1).view(np.uint16).reshape(-1, _BANDS)
