"""Perceptual signatures, eight by eight colour pixels, which detect copies of small pictures that vectors miss.

Scaling down or recompressing a small picture hardly changes its signature, but moves its vector: halved pictures of
224 px have a cosine of only .85. Two photos are alike if their signatures differ on average by less than 2 of 255, and
by less than a twentieth of the photo's own contrast, since all pages of text are nearly white at this size.

Candidates have similar brightness and share one of seven bands of bits, which record where the picture gets brighter.
"""

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from indexer.duplicates.room import Room
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
# Columns behind the bands, and where band, brightness and place are in one number.
_BRIGHT, _CONTRAST = _BANDS, _BANDS + 1
_BAND, _PLACE, _BRIGHT_BITS = np.uint64(48), np.uint64(32), 16
_PLACES = np.uint64(2**32 - 1)

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
    found = [
        np.empty((0, 2), dtype=np.int64),
        *(np.stack(some, axis=1) for some in matching(signatures, new)),
    ]
    both = np.unique(np.concatenate(found), axis=0)
    return both[:, 0], both[:, 1]


def matching(
    signatures: Signatures, new: NDArray[np.bool_] | None = None, room: Room | None = None
) -> Iterator[tuple[Places, Places]]:
    """Yield `pairs` in parts, some of them more than once; takes eight bytes of memory for each photo."""
    bands = _bands(signatures, room)
    for band in range(_BANDS):
        keys = _sorted(bands, band)
        for some, others in _near(keys, bands, new):
            later, earlier = np.maximum(some, others), np.minimum(some, others)
            same = alike(signatures[later], signatures[earlier])
            yield later[same], earlier[same]


def _sorted(bands: NDArray[np.uint16], band: int) -> NDArray[np.uint64]:
    """By band, brightness, and place: one number of all three for each photo with any contrast."""
    keys, count = np.empty(len(bands), dtype=np.uint64), 0
    for start in range(0, len(bands), _CHUNK):
        part = bands[start : start + _CHUNK].astype(np.uint64)
        # Signatures without contrast match nothing, and there may be many.
        places = np.flatnonzero(part[:, _CONTRAST])
        part = (part[places, band] << _BAND) | (part[places, _BRIGHT] << _PLACE)
        keys[count : count + len(part)] = part | (places + start).astype(np.uint64)
        count += len(part)
    keys = keys[:count]
    keys.sort()
    return keys


def _near(
    keys: NDArray[np.uint64], bands: NDArray[np.uint16], new: NDArray[np.bool_] | None
) -> Iterator[tuple[Places, Places]]:
    """Places of photos that are near in this order and differ in few bits."""
    for start in range(0, len(keys), _CHUNK):
        part = keys[start : start + _CHUNK + _NEIGHBOURS]
        places = (part & _PLACES).astype(np.int64)
        fresh = None if new is None else new[places]
        if fresh is not None and not fresh.any():
            continue
        # By columns, each of which is compared at once.
        bits, part = bands[places, :_BANDS].T.copy(), (part >> _PLACE).astype(np.int64)
        for step in range(1, min(_NEIGHBOURS + 1, len(part))):
            # The last few are there for those before them.
            first = slice(0, min(_CHUNK, len(part) - step))
            second = slice(step, step + first.stop)
            near = part[second] - part[first] <= MOST_APART * BYTES
            near &= part[second] >> _BRIGHT_BITS == part[first] >> _BRIGHT_BITS
            if not near.any():
                break
            if fresh is not None:
                near &= fresh[first] | fresh[second]
            at = np.flatnonzero(near)
            apart = np.zeros(len(at), dtype=np.uint8)
            for column in bits:
                apart += _ONES[column[at] ^ column[at + step]]
            at = at[apart <= _MOST_BITS]
            if len(at):
                yield places[at], places[at + step]


def _bands(signatures: Signatures, room: Room | None) -> NDArray[np.uint16]:
    """Seven numbers for each photo: where it gets brighter to the right and downwards; its brightness; its contrast."""
    shape = (len(signatures), _BANDS + 2)
    bands: NDArray[np.uint16] = np.zeros(shape, np.uint16) if room is None else room.zeros(shape, np.uint16)
    for start in range(0, len(signatures), _CHUNK):
        part = signatures[start : start + _CHUNK]
        grey = part.reshape(-1, SIDE, SIDE, 3).sum(axis=3, dtype=np.int16)
        right, down = grey[:, :, 1:] - grey[:, :, :-1], grey[:, 1:] - grey[:, :-1]
        steps = np.concatenate([right.reshape(len(grey), -1), down.reshape(len(grey), -1)], axis=1)
        packed = np.packbits(steps > 3 * _MARGIN, axis=1).view(np.uint16)
        bands[start : start + len(part), :_BANDS] = packed
        bands[start : start + len(part), _BRIGHT] = part.sum(axis=1, dtype=np.uint16)
        bands[start : start + len(part), _CONTRAST] = part.max(axis=1) > part.min(axis=1)
    return bands
