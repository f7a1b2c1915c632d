"""Index photos with the encoder on the GPU: everything, each stage alone, and the same on the CPU for comparison."""

import os
import tempfile
import warnings
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F

from bench.gpu.command import Bench
from bench.indexing import Clock, decode_only, encode_only, make_photos
from indexer import run
from model import Encoder, decode

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
        _by_card(bench, photos, card)
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


def _by_card(bench: Bench, photos: Sequence[Path], encoder: Encoder) -> None:
    """What the GPU could decode and shrink by itself, without thumbnails, profiles and safety checks; and how far its
    vectors would then be from those of the decoder processes' pictures."""
    try:
        from torchvision.io import decode_jpeg
    except (ImportError, RuntimeError) as error:
        print(f"  torchvision is not usable: {error}")
        return
    chosen = photos[: 2 if bench.small else 64]
    given = [torch.frombuffer(bytearray(path.read_bytes()), dtype=torch.uint8) for path in chosen]

    def prepared() -> torch.Tensor:
        with warnings.catch_warnings():
            # It warns that it is moving to another package.
            warnings.simplefilter("ignore", DeprecationWarning)
            pictures = decode_jpeg(given, device=bench.device)
        return torch.stack([_squashed(picture, encoder.size) for picture in pictures])

    try:
        theirs = prepared().cpu().numpy()
    except RuntimeError as error:
        print(f"  nvJPEG is not usable: {str(error).splitlines()[0]}")
        return
    ours = np.stack([encoder.prepare_photo(decode(path, shortest=encoder.size).image) for path in chosen])
    cosine = (encoder.encode_photos(ours) * encoder.encode_photos(theirs)).sum(axis=1).min()
    rate = len(chosen) / bench.seconds(prepared)
    print(
        f"  decode and shrink by {bench.device.type:<17} {rate:9.0f} photos/s; least cosine with ours {cosine:.4f}"
    )


def _squashed(picture: torch.Tensor, size: int) -> torch.Tensor:
    """(3, h, w) bytes to (size, size, 3), with the filter of model.pictures.preprocess."""
    small = F.interpolate(picture[None].float(), size=(size, size), mode="bicubic", antialias=True)
    return small[0].clamp(0, 255).round().byte().permute(1, 2, 0)


def _cpu_engine() -> str:
    return "torch" if find_spec("openvino") is None else "openvino"
