"""What each step of indexing a photo costs: the best of several, in milliseconds of one core, whatever else is running.

The steps are those of a decoder process (indexer/decoding/process.py), and the batches of a run.
"""

import hashlib
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from indexer.decoding.metadata import metadata_in
from indexer.decoding.thumbnails import make_thumbnail, write_thumbnail
from indexer.duplicates.signatures import look
from model import Encoder, decode
from model.pictures.claims import claimed_pixels


def load() -> str:
    """How busy the machine is, to be printed with every figure."""
    return f"{os.cpu_count()} cores, load {' '.join(f'{part:.1f}' for part in os.getloadavg())}"


def print_steps(photos: Sequence[Path], encoder: Encoder, thumbnails: Path) -> None:
    costs = steps(photos, encoder, thumbnails)
    whole = sum(costs.values())
    print(f"one photo: {whole:.1f} ms of one core ({load()})")
    for name, cost in costs.items():
        print(f"  {name:12}{cost:8.2f} ms{cost / whole:6.0%}")


def steps(photos: Sequence[Path], encoder: Encoder, thumbnails: Path) -> dict[str, float]:
    """Milliseconds for each step, the mean over the photos."""
    each = [_steps_of(path, encoder, thumbnails) for path in photos]
    return {name: 1000 * sum(costs[name] for costs in each) / len(each) for name in each[0]}


def _steps_of(path: Path, encoder: Encoder, thumbnails: Path) -> dict[str, float]:
    data = path.read_bytes()
    image = decode(data, shortest=encoder.shortest).image
    thumbnail, pixels = make_thumbnail(image), encoder.prepare_photo(image)
    batch = [pixels] * encoder.batch
    return {
        "read": _best(path.read_bytes),
        "hash": _best(lambda: hashlib.blake2b(data, digest_size=16).digest()),
        "claims": _best(lambda: claimed_pixels(data)),
        "decode": _best(lambda: decode(data, shortest=encoder.shortest)),
        "metadata": _best(lambda: metadata_in(data)),
        "thumbnail": _best(lambda: make_thumbnail(image)),
        "prepare": _best(lambda: encoder.prepare_photo(image)),
        "write": _best(lambda: write_thumbnail(thumbnails, path.stem, thumbnail)),
        "encode": _best(lambda: encoder.encode_photos(batch)) / len(batch),
        "signature": _best(lambda: look(pixels)),
    }


def _best(step: Callable[[], object], times: int = 5) -> float:
    best = float("inf")
    for _ in range(times):
        start = time.process_time()
        step()
        best = min(best, time.process_time() - start)
    return best
