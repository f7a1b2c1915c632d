"""Batch sizes of the engines: a few fixed ones, since engines keep memory for every shape that they see.

On a GPU, sizes are powers of two and the remainder is padded; on a CPU, padding is waste, so batches are split.
"""

from collections.abc import Callable

import numpy as np

from model.gpu import is_out_of_memory
from model.modality import Vectors

# On a CPU, two short texts take little longer than one.
CPU_SIZES = (16, 4, 2, 1)
# Beyond this, a larger batch does not use any GPU better.
MOST = 1024


def sizes_up_to(largest: int) -> tuple[int, ...]:
    """1, 2, 4 ... up to the largest."""
    return tuple(2**power for power in range(largest.bit_length()) if 2**power <= largest)


def parts(count: int, sizes: tuple[int, ...]) -> list[tuple[int, int]]:
    """Split a number of pictures into batches: (pictures, size that they are padded to), largest first.

    The remainder goes into one padded batch, unless more than a quarter of that would be padding.
    """
    found = []
    while count:
        fitting = [size for size in sizes if size <= count]
        over = next((size for size in sizes if size >= count), None)
        size = over if over is not None and 4 * count >= 3 * over else fitting[-1]
        found.append((min(count, size), size))
        count -= min(count, size)
    return found


def picture_sizes(cores: int) -> tuple[int, ...]:
    """Sizes for pictures, of which a core is busy with one: more at once are no faster, and keep 10 MB each."""
    return tuple(size for size in CPU_SIZES if size <= max(2, cores))


def in_few_sizes(
    embed: Callable[[slice], Vectors], count: int, sizes: tuple[int, ...] = CPU_SIZES
) -> Vectors:
    """Embed items in parts of these sizes, the largest that fit first."""
    found = []
    at = 0
    while at < count:
        size = next(size for size in sizes if size <= count - at)
        found.append(embed(slice(at, at + size)))
        at += size
    return found[0] if len(found) == 1 else np.concatenate(found)


def largest_batch(peak: Callable[[int], int], budget: int, most: int = MOST) -> int:
    """The largest size whose peak memory is available and within the budget.

    The smallest batch must work, whatever the budget: without it there is no engine.
    """
    peak(1)
    largest = 1
    while 2 * largest <= most:
        try:
            taken = peak(2 * largest)
        except Exception as error:
            if not is_out_of_memory(error):
                raise
            break
        if taken > budget:
            break
        largest *= 2
    return largest
