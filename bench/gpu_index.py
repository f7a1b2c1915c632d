"""Photos to an index with the encoder on the card: the whole, its stages alone, and the same on the CPU beside it."""

import os
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import torch

from bench.gpu import Bench
from bench.indexing import Clock, decode_only, encode_only, make_photos
from indexer import run
from model import Encoder

SIZE, COUNT = (4000, 3000), 3000


def main(bench: Bench) -> None:
    size, count = ((160, 120), 24) if bench.small else (SIZE, COUNT)
    card = Encoder.load("lite", engine="torch-cuda" if bench.device.type == "cuda" else "auto")
    with tempfile.TemporaryDirectory() as scratch:
        photos = make_photos(Path(scratch) / "photos", size, count)
        each = sum(path.stat().st_size for path in photos) / count / 1000
        print(f"{count} JPEGs of {size[0]} x {size[1]}, {each:.0f} kB each, {os.cpu_count()} cores")
        decoding = decode_only(photos, card, Path(scratch) / "thumbnails")
        print(f"  decode alone, thumbnails too, all cores {decoding:9.0f} photos/s", flush=True)
        _nvjpeg(bench, photos)
        print(f"  encode alone, {card.engine.name:<24} {encode_only(card):9.0f} photos/s", flush=True)
        _whole(Path(scratch), "card", card, count)
        beside = [path for path in photos if int(path.stem) % 4]
        for path in beside:
            path.unlink()
        other = Encoder.load("lite", engine="auto" if bench.device.type != "cuda" else _cpu_engine())
        _whole(Path(scratch), "cpu", other, count - len(beside))


def _whole(scratch: Path, name: str, encoder: Encoder, count: int) -> None:
    clock = Clock()
    run(scratch / name, [scratch / "photos"], encoder, clock)
    shares = ", ".join(f"{part} {share:.0%}" for part, share in clock.progress.shares.items())
    rate = count / (clock.ended - clock.began)
    print(
        f"  {count} photos to an index by {encoder.engine.name:<12} {rate:9.0f} photos/s ({shares})",
        flush=True,
    )


def _nvjpeg(bench: Bench, photos: Sequence[Path]) -> None:
    """What the card could decode by itself: to full size, without thumbnails, colour profiles and guards."""
    try:
        from torchvision.io import decode_jpeg
    except ImportError as error:
        print(f"  torchvision cannot be used: {error}")
        return
    given = [
        torch.frombuffer(bytearray(path.read_bytes()), dtype=torch.uint8)
        for path in photos[: 2 if bench.small else 64]
    ]
    try:
        decode_jpeg(given, device=bench.device)
    except RuntimeError as error:
        print(f"  nvJPEG cannot be used: {str(error).splitlines()[0]}")
        return
    start = time.perf_counter()
    for _ in range(1 if bench.small else 10):
        decode_jpeg(given, device=bench.device)
    if bench.device.type == "cuda":
        torch.cuda.synchronize(bench.device)
    rate = len(given) * (1 if bench.small else 10) / (time.perf_counter() - start)
    print(f"  decode alone, torchvision on {bench.device.type:<10} {rate:9.0f} photos/s", flush=True)


def _cpu_engine() -> str:
    try:
        import openvino  # noqa: F401
    except ImportError:
        return "torch"
    return "openvino"
